// Where the service says to look, as addresses of this page.
import { href } from "./router.js";

const NAMES = { TASK: "task" };

/** The address of { view, filter } of an Attention; of a filter, lists have commas between. */
export function placeOf({ view, filter }) {
  const query = Object.fromEntries(
    Object.entries(filter ?? {}).map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : value]),
  );
  const name = NAMES[view] ?? view.toLowerCase();
  if (name === "task") {
    const { ids = "", id = ids, ...rest } = query;
    return href(name, { id, query: rest });
  }
  return href(name, { query });
}

export const task = (id) => href("task", { id });
export const tasks = (query) => href("tasks", { query });
