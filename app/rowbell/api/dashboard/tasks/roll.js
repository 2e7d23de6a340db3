// The rows of a list while it changes: plain values in, plain values out.
import { matches } from "./filter.js";

/** rows: [{ task, cursor, fresh, left }], newest first; `fresh` came live, `left` matches no more. */
export function rowsOf(edges) {
  return edges.map(({ cursor, node }) => ({ task: node, cursor, fresh: false, left: false }));
}

/**
 * What an event makes of the rows: { rows, added }. `added` is a row that is not among them yet.
 * `held`: the reader is at work, so nothing may move.
 */
export function changed(rows, { taskId, task }, filter, held) {
  const at = rows.findIndex((row) => row.task.id === taskId);
  const belongs = task !== null && matches(task, filter);
  if (at < 0) return { rows, added: belongs ? { task, cursor: null, fresh: true, left: false } : null };
  if (!belongs && !held) return { rows: rows.toSpliced(at, 1), added: null };
  const row = { ...rows[at], task: task ?? rows[at].task, left: !belongs };
  return { rows: rows.with(at, row), added: null };
}

/** New rows among the others, in the order of the list, and no more than `most`. */
export function merged(rows, added, most) {
  if (added.length === 0) return rows;
  const known = new Set(added.map(({ task }) => task.id));
  return [...added, ...rows.filter(({ task }) => !known.has(task.id))].sort(newestFirst).slice(0, most);
}

/** The same rows with what a new reading of the list says of them; and the rows that it adds. */
export function reread(rows, read) {
  const seen = new Map(read.map((row) => [row.task.id, row]));
  const known = new Set(rows.map(({ task }) => task.id));
  return {
    rows: rows.map((row) => seen.get(row.task.id) ?? row),
    added: read.filter(({ task }) => !known.has(task.id)).map((row) => ({ ...row, fresh: true })),
  };
}

export function settled(rows) {
  return rows.some(({ left }) => left) ? rows.filter(({ left }) => !left) : rows;
}

function newestFirst({ task: one }, { task: other }) {
  const apart = Date.parse(other.createdAt) - Date.parse(one.createdAt);
  return apart || Number(BigInt(other.id) - BigInt(one.id));
}
