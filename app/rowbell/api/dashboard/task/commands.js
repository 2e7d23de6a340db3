// The same by hand: what to paste into psql, a shell or GraphiQL.

/** [title, text, label], for the task as it stands. */
export function commandsFor(task) {
  const { id, can } = task;
  const sql = [
    `select * from rowbell.task_overview where id = ${id};`,
    `select * from rowbell.explain(${id});`,
    `select at, event, status, attempt, role, application, subject from rowbell.journal where task_id = ${id} order by id;`,
    can.retry && `select rowbell.retry(${id});`,
    can.cancel && `select rowbell.cancel(${id});`,
  ];
  const shell = [
    `rowbell show ${id}`,
    `rowbell explain ${id}`,
    can.retry && `rowbell retry ${id}`,
    can.cancel && `rowbell cancel ${id}`,
  ];
  const graphql = [
    operation("query", `task(id: "${id}") { id status result error { code message } explanation }`),
    operation("subscription", `task(id: "${id}") { status progress result }`),
    can.retry && operation("mutation", `retryTask(id: "${id}") { id status }`),
    can.cancel && operation("mutation", `cancelTask(id: "${id}") { id status }`),
  ];
  return [
    ["psql", lines(sql)],
    ["Insert another like it", insertOf(task)],
    ["Shell", lines(shell)],
    ["GraphQL", lines(graphql)],
  ];
}

function insertOf({ kind, payload, description, queue, priority }) {
  const given = { kind: quoted(kind), payload: `${quoted(JSON.stringify(payload ?? {}, null, 2))}::jsonb` };
  if (description) given.description = quoted(description);
  if (queue.name !== "default") given.queue = quoted(queue.name);
  if (priority) given.priority = String(priority);
  return `insert into rowbell.tasks (${Object.keys(given).join(", ")})\nvalues (${Object.values(given).join(", ")}) returning id;`;
}

/** A literal of SQL, whatever standard_conforming_strings says. */
function quoted(text) {
  const doubled = text.replaceAll("'", "''");
  return doubled.includes("\\") ? `E'${doubled.replaceAll("\\", "\\\\")}'` : `'${doubled}'`;
}

function operation(kind, field) {
  return `${kind} { ${field} }`;
}

function lines(texts) {
  return texts.filter(Boolean).join("\n");
}
