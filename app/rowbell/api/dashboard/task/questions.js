// What the Task view asks of the API.

/** While it is open: its present state, then every change. */
export const LIVE = `subscription Task($id: ID!) {
  task(id: $id) {
    id kind description queue { name paused } status priority progress attempt failures crashes maxAttempts
    createdBy createdAt runAt startedAt finishedAt cancelRequestedAt can { cancel retry }
    result error { code message }
  }
}`;

/** That something happened to it, also after it was final: somebody may retry it. */
export const EVENTS = `subscription TaskEvents($filter: TaskFilter, $after: Cursor) {
  taskChanges(filter: $filter, after: $after) { cursor event { kind status detail } }
}`;

/** Everything. */
export const WHOLE = `query Task($id: ID!) {
  task(id: $id) {
    id kind description queue { name paused } status priority progress attempt failures crashes maxAttempts
    createdBy createdAt runAt startedAt finishedAt cancelRequestedAt can { cancel retry }
    payload result error { code message retryable at fingerprint } audience uniqueKey concurrencyKey
    after afterFailure afterBatch batch explanation position expectedStartSeconds
    attempts { number outcome startedAt endedAt seconds error { code message } traceback lines { at text fields } workerId }
    timeline { at kind sentence status attempt waitSeconds runSeconds foundBy rang role application subject workerId }
  }
}`;

/** Moves while other tasks of its queue do: then the place in it is asked for again. */
export const QUEUE_STATS = `subscription QueueStats($queue: String!) {
  stats(window: "PT1M", queue: $queue, every: "PT2S") { started pending processing }
}`;

export const PLACE = `query Place($id: ID!) { task(id: $id) { explanation position expectedStartSeconds } }`;

export const RETRY = "mutation Retry($id: ID!) { retryTask(id: $id) { id status } }";
export const CANCEL = "mutation Cancel($id: ID!) { cancelTask(id: $id) { id status } }";
