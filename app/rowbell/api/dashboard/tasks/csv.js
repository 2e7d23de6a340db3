// Tasks as lines of CSV (RFC 4180) that no spreadsheet runs as a formula.

const FORMULA = /^[=+\-@\t\r\n]/;

/** [heading, the value of a task]. */
export const COLUMNS = [
  ["id", (task) => Number(task.id)],
  ["kind", (task) => task.kind],
  ["description", (task) => task.description],
  ["queue", (task) => task.queue.name],
  ["status", (task) => task.status],
  ["priority", (task) => task.priority],
  ["progress", (task) => task.progress],
  ["attempt", (task) => task.attempt],
  ["failures", (task) => task.failures],
  ["max_attempts", (task) => task.maxAttempts],
  ["created_by", (task) => task.createdBy],
  ["created_at", (task) => task.createdAt],
  ["run_at", (task) => task.runAt],
  ["started_at", (task) => task.startedAt],
  ["finished_at", (task) => task.finishedAt],
  ["error_code", (task) => task.error?.code],
  ["error_message", (task) => task.error?.message],
  ["payload", (task) => json(task.payload)],
  ["result", (task) => json(task.result)],
];

export function heading() {
  return line(COLUMNS.map(([name]) => name));
}

export function lineOf(task) {
  return line(COLUMNS.map(([, value]) => value(task)));
}

function line(values) {
  return `${values.map(cell).join(",")}\r\n`;
}

/** Numbers are numbers. A text that a spreadsheet would run begins with ', which makes it text there. */
function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return `"${text.replaceAll('"', '""')}"`;
}

function json(value) {
  return value === null || value === undefined ? null : JSON.stringify(value);
}
