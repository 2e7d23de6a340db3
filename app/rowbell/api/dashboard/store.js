// A value that views can watch. Everything that lasts longer than a view lives in one of these.

export function createStore(value) {
  const watchers = new Set();
  return {
    get: () => value,
    /** Replace it; of an object, what is given: store.set({ attempt: 2 }). */
    set(change) {
      const next = isPlain(value) && isPlain(change) ? { ...value, ...change } : change;
      if (Object.is(next, value)) return;
      value = next;
      for (const watcher of [...watchers]) watcher(value);
    },
    /** Call it with every new value; returns how to stop. */
    watch(watcher) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
  };
}

function isPlain(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
