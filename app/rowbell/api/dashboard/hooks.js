// What views are made with: the state of stores, live data, one-off questions, keys.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import { ask, connection, watch } from "./client.js";
import { bind } from "./keys.js";

/** The part of a store that `pick` takes; the view is drawn again when that part is another. */
export function useStore(store, pick = (value) => value) {
  const [, draw] = useState(0);
  const part = pick(store.get());
  const shown = useRef(null);
  shown.current = { pick, part };
  useEffect(() => {
    const look = (value) => Object.is(shown.current.pick(value), shown.current.part) || draw((count) => count + 1);
    look(store.get()); // it may have changed since this was drawn
    return store.watch(look);
  }, [store]);
  return part;
}

/**
 * The latest answer of a subscription: { data, problem, at }. `onNext(data)` sees each of them, for
 * what adds up; `cursorOf(data)` names the cursor to resume from. `skip`: watch nothing.
 */
export function useWatch(query, variables = {}, { onNext = null, cursorOf = null, skip = false } = {}) {
  const [seen, see] = useState(NOTHING);
  const told = useRef(onNext);
  told.current = onNext;
  const key = JSON.stringify(variables);
  useEffect(() => {
    if (skip) return undefined;
    see((before) => (before.problem ? NOTHING : before));
    return watch(query, variables, {
      cursorOf,
      next(data) {
        told.current?.(data);
        see({ data, problem: null, at: Date.now() });
      },
      failed: (problem) => see((before) => ({ ...before, problem })),
    });
  }, [query, key, skip]);
  return seen;
}

const NOTHING = { data: null, problem: null, at: null };

/**
 * The answer to a question: { data, problem, busy, again }. Asked when the variables change, when
 * `again()` is called, and once more after a break of the connection: never on a timer.
 */
export function useAsk(query, variables = {}, { skip = false } = {}) {
  const [seen, see] = useState({ ...NOTHING, busy: !skip });
  const [turn, again] = useState(0);
  const key = JSON.stringify(variables);
  const since = useStore(connection, ({ state, since: at }) => (state === "live" ? at : 0));
  const first = useRef(since);
  if (first.current === 0) first.current = since;
  const returned = since && since !== first.current ? since : 0;
  useEffect(() => {
    if (skip) return undefined;
    let present = true;
    see((before) => ({ ...before, busy: true }));
    ask(query, variables).then(
      (data) => present && see({ data, problem: null, at: Date.now(), busy: false }),
      (problem) => present && see((before) => ({ ...before, problem, busy: false })),
    );
    return () => {
      present = false;
    };
  }, [query, key, skip, turn, returned]);
  return { ...seen, again: useMemo(() => () => again((count) => count + 1), []) };
}

/** Keys for as long as the view is there: useKeys({ r: ["retry the task", retry] }). */
export function useKeys(keys) {
  const present = useRef(keys);
  present.current = keys;
  useEffect(() => {
    const names = Object.entries(present.current).map(([combination, [words]]) => [
      combination,
      [words, (event) => present.current[combination]?.[1](event)],
    ]);
    return bind(Object.fromEntries(names), "In this view");
  }, [Object.keys(keys).join()]);
}

export { useEffect, useLayoutEffect, useMemo, useRef, useState };
