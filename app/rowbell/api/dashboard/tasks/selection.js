// Rows that a person has ticked, with the mouse or by keys.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

/** `ids` is a Set; of rows that have gone none is kept. */
export function useSelection(rows, feed) {
  const [ids, choose] = useState(NONE);
  const shown = useRef(rows);
  const last = useRef(null);
  shown.current = rows ?? [];
  useEffect(() => choose(NONE), [feed]);

  const toggle = useCallback((id, isRange) => {
    choose((before) => {
      const next = new Set(before);
      const on = !before.has(id);
      for (const each of isRange ? between(shown.current, last.current, id) : [id]) on ? next.add(each) : next.delete(each);
      last.current = id;
      return next;
    });
  }, []);
  const all = useCallback((on) => choose(on ? new Set(shown.current.map(({ task }) => task.id)) : NONE), []);
  return {
    ids,
    toggle,
    all,
    clear: () => choose(NONE),
    toggleAll: () => all(ids.size < shown.current.length),
    toggleFocused() {
      const row = document.activeElement?.closest?.("[data-row]");
      if (row?.dataset.id) toggle(row.dataset.id, false);
    },
  };
}

const NONE = new Set();

function between(rows, one, other) {
  const at = rows.findIndex(({ task }) => task.id === one);
  const to = rows.findIndex(({ task }) => task.id === other);
  return at < 0 ? [other] : rows.slice(Math.min(at, to), Math.max(at, to) + 1).map(({ task }) => task.id);
}
