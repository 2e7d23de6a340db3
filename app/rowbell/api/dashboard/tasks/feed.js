// A list that stays right: read once, then kept by the changes since that reading. Where they are
// too many to be read by anybody, or only the service can tell what matches, one change is the
// sign to read the list again, every other second at the most: a thousand changes cost one reading.
import { ask, watch } from "../client.js";
import { createStore } from "../store.js";
import { streamFilter, taskFilter } from "./filter.js";
import { CHANGES, LIST, PAGE, STIRRED } from "./questions.js";
import { changed, merged, reread, rowsOf, settled } from "./roll.js";

const BUSY_CHANGES = 150;
const BUSY_MS = 1_000;
const CALM_MS = 2_000;
const QUIET_MS = 3_000;

/**
 * Begins at once. `state`: { rows, waiting, more, end, problem, calm, at }: `waiting` counts new
 * rows that are held back, `calm` says that the list is read again instead of streamed.
 */
export function openFeed(query) {
  const state = createStore({ rows: null, waiting: 0, more: false, end: null, problem: null, calm: false, at: 0 });
  const first = !query.after;
  const reasons = new Set();
  let held = []; // new rows that the reader has not let in yet
  let filter = taskFilter(query);
  let stop = () => {};
  let timer;
  let closed = false;
  let counted = 0;
  let since = 0;

  async function read() {
    filter = taskFilter(query);
    const { tasks } = await ask(LIST, { filter, first: PAGE, after: query.after || null });
    return { rows: rowsOf(tasks.edges), more: tasks.pageInfo.hasNextPage, end: tasks.pageInfo.endCursor, cursor: tasks.streamCursor };
  }

  async function begin() {
    stop();
    try {
      const { rows, more, end, cursor } = await read();
      if (closed) return;
      held = [];
      state.set({ rows, waiting: 0, more, end, problem: null, calm: Boolean(filter.text), at: Date.now() });
      if (filter.text) awaitChange(cursor);
      else stream(cursor);
    } catch (problem) {
      if (!closed) state.set({ problem });
    }
  }

  function stream(cursor) {
    counted = 0;
    const wanted = first ? streamFilter(filter) : { ids: state.get().rows.map(({ task }) => task.id) };
    stop = watch(CHANGES, { filter: wanted, after: cursor }, {
      cursorOf: (data) => data.taskChanges.cursor,
      next: ({ taskChanges: { event } }) => event && happened(event),
      failed: lapsed,
    });
  }

  function happened(event) {
    const { rows } = state.get();
    const { rows: next, added } = changed(rows, event, filter, reasons.size > 0);
    if (next !== rows) state.set({ rows: next });
    if (added && first) admit(added);
    else if (!added) forget(event.taskId);
    if (isBusy()) calmDown();
  }

  function isBusy() {
    const now = Date.now();
    if (now - since > BUSY_MS) [since, counted] = [now, 0];
    counted += 1;
    return counted > BUSY_CHANGES;
  }

  function admit(added) {
    if (reasons.size === 0) {
      place([added]);
      return;
    }
    const isNew = !held.some(({ task }) => task.id === added.task.id);
    held = merged(held, [added], PAGE);
    if (isNew) state.set({ waiting: state.get().waiting + 1 });
  }

  /** A row that was held back, and matches no more before anybody saw it. */
  function forget(taskId) {
    const left = held.filter(({ task }) => task.id !== taskId);
    if (left.length < held.length) state.set({ waiting: state.get().waiting - 1 });
    held = left;
  }

  /** Somebody reads: nothing moves until every reason has gone. */
  function hold(reason, on) {
    if (on) reasons.add(reason);
    else if (reasons.delete(reason) && reasons.size === 0) release();
  }

  function release() {
    if (state.get().rows === null) return;
    place(held);
    state.set({ waiting: 0 });
    held = [];
  }

  /** Into the list, from whose end as many fall. What follows the list begins after its last row. */
  function place(added) {
    const before = settled(state.get().rows);
    const rows = merged(before, added, PAGE);
    const last = rows.at(-1);
    if (last && last.task.id !== before.at(-1)?.task.id && before.length) state.set({ more: true, end: last.cursor });
    state.set({ rows });
  }

  function calmDown() {
    stop();
    state.set({ calm: true });
    later();
  }

  /** Reads the list again, two seconds after it was last read, and while somebody looks at the page. */
  function later() {
    clearTimeout(timer);
    timer = setTimeout(again, Math.max(0, state.get().at + CALM_MS - Date.now()));
  }

  async function again() {
    if (document.hidden) {
      document.addEventListener("visibilitychange", again, { once: true });
      return;
    }
    try {
      const { rows: latest, more, end, cursor } = await read();
      if (closed) return;
      refresh(latest, more, end);
      awaitChange(cursor);
    } catch (problem) {
      if (closed) return;
      state.set({ problem, at: Date.now() });
      later();
    }
  }

  function refresh(latest, more, end) {
    const at = Date.now();
    if (reasons.size === 0) {
      const known = new Set(state.get().rows.map(({ task }) => task.id));
      const rows = latest.map((row) => ({ ...row, fresh: !known.has(row.task.id) }));
      state.set({ rows, waiting: 0, more, end, problem: null, at });
      return;
    }
    const { rows, added } = reread(state.get().rows, latest);
    state.set({ rows, problem: null, at });
    if (first) {
      held = added;
      state.set({ waiting: added.length });
    }
  }

  /** Nothing is read until something has changed. */
  function awaitChange(cursor) {
    const began = Date.now();
    stop();
    stop = watch(STIRRED, { filter: streamFilter(filter), after: cursor }, {
      next({ taskChanges: { event } }) {
        if (!event) return;
        stop();
        if (!filter.text && Date.now() - began > QUIET_MS) begin();
        else later();
      },
      failed: lapsed,
    });
  }

  function lapsed(problem) {
    if (problem.code === "CURSOR_EXPIRED") begin();
    else state.set({ problem });
  }

  begin();
  return {
    state,
    hold,
    release,
    again: begin,
    close() {
      closed = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", again);
      stop();
    },
  };
}
