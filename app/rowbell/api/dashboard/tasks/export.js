// All tasks that match, page after page by cursor, into a file. It can be stopped, and it keeps
// little in memory: every few pages become a Blob, which the browser may put on disk.
import { ask } from "../client.js";
import { heading, lineOf } from "./csv.js";
import { taskFilter } from "./filter.js";

const FIRST = 100;
const PAGES_OF_A_PART = 20;

const PAGE = `query Export($filter: TaskFilter, $first: Int, $after: Cursor) {
  tasks(filter: $filter, first: $first, after: $after) {
    nodes {
      id kind description queue { name } status priority payload result error { code message } progress attempt
      failures maxAttempts createdBy createdAt runAt startedAt finishedAt
    }
    pageInfo { hasNextPage endCursor }
  }
}`;

const FORMS = {
  csv: { type: "text/csv;charset=utf-8", begin: () => `\uFEFF${heading()}`, write: lineOf, end: "" },
  json: { type: "application/json", begin: () => "[", write: (task, number) => `${number ? "," : ""}\n${JSON.stringify(flat(task))}`, end: "\n]\n" },
};

/**
 * Returns { blob, tasks, complete }. `told({ tasks, bytes })` hears of each page; `signal` stops
 * it, and what was read until then is in the file. Raises Problem.
 */
export async function exported(query, form, { told, signal }) {
  const { type, begin, write, end } = FORMS[form];
  const filter = taskFilter(query);
  const parts = [];
  let piece = [begin()];
  let tasks = 0;
  let after = null;
  let more = true;
  while (more && !signal.aborted) {
    const page = (await ask(PAGE, { filter, first: FIRST, after })).tasks;
    for (const task of page.nodes) piece.push(write(task, tasks++));
    ({ hasNextPage: more, endCursor: after } = page.pageInfo);
    if (piece.length > FIRST * PAGES_OF_A_PART) {
      parts.push(new Blob(piece));
      piece = [];
    }
    told({ tasks });
  }
  piece.push(end);
  return { blob: new Blob([...parts, ...piece], { type }), tasks, complete: !more };
}

/** Hands the file to the browser. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function flat({ queue, ...task }) {
  return { ...task, queue: queue.name };
}
