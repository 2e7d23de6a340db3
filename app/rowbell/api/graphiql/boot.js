// Starts GraphiQL on the endpoint that served this page; subscriptions go over a WebSocket to it.
"use strict";

const endpoint = new URL(location.pathname, location.origin);
const socket = new URL(endpoint);
socket.protocol = endpoint.protocol === "https:" ? "wss:" : "ws:";

// A WebSocket of a browser has no headers: those of the headers tab go with connection_init.
let headers = {};
const fetchers = GraphiQL.createFetcher({
  url: endpoint.href,
  wsClient: graphqlWs.createClient({
    url: socket.href,
    lazy: true,
    connectionParams: () => headers,
  }),
});
const fetcher = (request, options) => {
  headers = options?.headers ?? {};
  return fetchers(request, options);
};

const parameters = new URLSearchParams(location.search);

const example = `# A task runs as soon as its row is there. Try it:
mutation {
  createTask(input: { description: "x" }) { id status }
}

# Then watch tasks as they come:
subscription {
  taskAdded { id kind description status }
}

query {
  tasks(first: 10) { nodes { id kind status progress createdAt } }
}
`;

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultQuery: example,
    query: parameters.get("query") ?? undefined,
    variables: parameters.get("variables") ?? undefined,
    defaultEditorToolsVisibility: true,
  }),
);
