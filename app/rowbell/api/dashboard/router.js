// The address says what is shown: #/VIEW/ID?FILTER=VALUE. So every view and filter is a link, and
// the back button works.
import { createStore } from "./store.js";

const FIRST = "now";

/** { view, id, query }: `id` is "" for a list, `query` an object of texts. */
export const route = createStore(parse(location.hash));

addEventListener("hashchange", () => route.set(parse(location.hash)));

export function parse(hash) {
  const [path, search = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  const [view, ...rest] = path.split("/").map(decoded);
  return { view: view || FIRST, id: rest.join("/"), query: Object.fromEntries(new URLSearchParams(search)) };
}

/** The address of a view, for links: href("tasks", { query: { status: "FAILED" } }). */
export function href(view, { id = "", query = {} } = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value != null);
  const search = new URLSearchParams(given).toString();
  return `#/${encodeURIComponent(view)}${id === "" ? "" : `/${encodeURIComponent(id)}`}${search && `?${search}`}`;
}

/** Go there. `replace`: without a step for the back button, for what changes while one types. */
export function go(view, { id, query, replace = false } = {}) {
  const address = href(view, { id, query });
  if (address === location.hash) return;
  if (!replace) {
    location.hash = address;
    return;
  }
  history.replaceState(null, "", address);
  route.set(parse(address));
}

/** Change the filters of the view that is shown; "" or null takes one away. */
export function refine(query, { replace = false } = {}) {
  const { view, id, query: present } = route.get();
  go(view, { id, query: { ...present, ...query }, replace });
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
