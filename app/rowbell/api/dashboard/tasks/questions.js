// What the Tasks view asks of the API.

export const PAGE = 50;

export const LIST = `query Tasks($filter: TaskFilter, $first: Int, $after: Cursor) {
  tasks(filter: $filter, first: $first, after: $after) {
    edges { cursor node {
      id kind description queue { name } status priority progress attempt failures maxAttempts
      createdBy createdAt runAt startedAt finishedAt error { code message }
    } }
    pageInfo { hasNextPage endCursor }
    streamCursor
  }
}`;

export const CHANGES = `subscription TaskChanges($filter: TaskFilter, $after: Cursor) {
  taskChanges(filter: $filter, after: $after) { cursor event { kind taskId task {
    id kind description queue { name } status priority progress attempt failures maxAttempts
    createdBy createdAt runAt startedAt finishedAt error { code message }
  } } }
}`;

/** How many match: counted no further than 10,000, and apart from the list, which must not wait for it. */
export const TOTAL = `query Total($filter: TaskFilter) {
  tasks(filter: $filter, first: 1) { totalCount totalCountExact }
}`;

/** That something has changed, and no more. */
export const STIRRED = `subscription Stirred($filter: TaskFilter, $after: Cursor) {
  taskChanges(filter: $filter, after: $after) { cursor event { taskId } }
}`;

export const KINDS = `query Kinds { kinds { name description workers } }`;
