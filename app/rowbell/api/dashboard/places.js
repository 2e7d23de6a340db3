// Where the service says to look, as addresses of this page.
import { href } from "./router.js";

// What addresses call the fields of TaskFilter, where it is shorter.
const SHORT = { ids: "id", createdBy: "by", errorType: "error" };

/** The address of { view, filter } of an Attention; of a filter, lists have commas between. */
export function placeOf({ view, filter }) {
  const query = Object.fromEntries(
    Object.entries(filter ?? {}).map(([name, value]) => [SHORT[name] ?? name, Array.isArray(value) ? value.join(",") : value]),
  );
  const { id = "", ...rest } = query;
  return view === "TASK" ? href("task", { id, query: rest }) : href(view.toLowerCase(), { query });
}

export const task = (id) => href("task", { id });
export const tasks = (query) => href("tasks", { query });
