// The filter of the Tasks view: in the address, for the API, in words, and held against one task.

export const STATUSES = ["PENDING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"];

/** Spans to choose from: the word in the address, what a person reads, its milliseconds. */
export const SPANS = [
  ["15m", "last 15 minutes", 15 * 60_000],
  ["1h", "last hour", 3_600_000],
  ["24h", "last 24 hours", 24 * 3_600_000],
  ["7d", "last 7 days", 7 * 24 * 3_600_000],
];

// What the address calls it, and what the API does.
const LISTS = { status: "status", kind: "kind", queue: "queue", id: "ids", by: "createdBy", error: "errorType" };
const ALL = [...Object.keys(LISTS), "text", "within", "from", "until"];

/** The words of a list in the address, "echo,sleep" or "echo sleep"; names have neither in them. */
export function words(text) {
  return (text ?? "").split(/[\s,]+/).filter(Boolean);
}

/** Authors and error types may have blanks in their names. */
function names(text) {
  return (text ?? "").split(",").map((each) => each.trim()).filter(Boolean);
}

export function isFiltered(query) {
  return ALL.some((name) => query[name]);
}

/** The query of an address without any filter. */
export function cleared() {
  return Object.fromEntries([...ALL, "after"].map((name) => [name, ""]));
}

/** As input TaskFilter. Spans are counted back from `now`. */
export function taskFilter(query, now = Date.now()) {
  const filter = {};
  for (const [name, field] of Object.entries(LISTS)) {
    const values = name === "by" || name === "error" ? names(query[name]) : words(query[name]);
    if (values.length) filter[field] = values;
  }
  if (query.text?.trim()) filter.text = query.text.trim();
  const span = SPANS.find(([word]) => word === query.within);
  if (span) filter.createdAfter = new Date(now - span[2]).toISOString();
  if (instant(query.from)) filter.createdAfter = instant(query.from);
  if (instant(query.until)) filter.createdBefore = instant(query.until);
  return filter;
}

/** As input BulkFilter. */
export function bulkFilter(query, now = Date.now()) {
  const filter = taskFilter(query, now);
  return Object.keys(filter).length ? filter : { everything: true };
}

/** What the stream of changes is asked for: more than the list, for it must tell of what leaves it. */
export function streamFilter({ ids, kind, queue, createdBy }) {
  return { ...(ids && { ids }), ...(kind && { kind }), ...(queue && { queue }), ...(createdBy && { createdBy }) };
}

/** Whether a task, as it stands, belongs into the list. Undefined: only the service can tell. */
export function matches(task, filter) {
  if (filter.text) return undefined;
  const has = (values, value) => !values || values.includes(value);
  const at = Date.parse(task.createdAt);
  return (
    has(filter.ids, task.id) &&
    has(filter.status, task.status) &&
    has(filter.kind, task.kind) &&
    has(filter.queue, task.queue.name) &&
    has(filter.createdBy, task.createdBy) &&
    has(filter.errorType, task.error?.code) &&
    (!filter.createdAfter || at >= Date.parse(filter.createdAfter)) &&
    (!filter.createdBefore || at < Date.parse(filter.createdBefore))
  );
}

/** For captions and dialogs: "FAILED tasks of kind echo, inserted by alice". */
export function inWords(query) {
  const parts = [];
  if (query.kind) parts.push(`of kind ${words(query.kind).join(" or ")}`);
  if (query.queue) parts.push(`in queue ${words(query.queue).join(" or ")}`);
  if (query.id) parts.push(`with id ${words(query.id).join(" or ")}`);
  if (query.by) parts.push(`inserted by ${names(query.by).join(" or ")}`);
  if (query.error) parts.push(`with the error ${names(query.error).join(" or ")}`);
  if (query.text) parts.push(`with “${query.text}” in payload or description`);
  if (query.within) parts.push(`inserted in the ${SPANS.find(([word]) => word === query.within)?.[1] ?? query.within}`);
  if (query.from) parts.push(`inserted from ${query.from}`);
  if (query.until) parts.push(`inserted before ${query.until}`);
  const status = words(query.status).join(" or ");
  return [status ? `${status} tasks` : "tasks", parts.join(", ")].filter(Boolean).join(" ");
}

function instant(text) {
  const at = text ? new Date(text) : null;
  return at && !Number.isNaN(at.getTime()) ? at.toISOString() : null;
}
