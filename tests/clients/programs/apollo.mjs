// @apollo/client: HTTP for queries and mutations, graphql-ws for subscriptions, a normalised cache.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { CombinedGraphQLErrors } from '@apollo/client/errors';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import WebSocket from 'ws';

import { connectTo } from './sockets.mjs';
import { errorsOf, obey, tell } from './talk.mjs';

// GraphQLWsLink compares with the WebSocket of the browser, which Node has from 22 on.
globalThis.WebSocket ??= WebSocket;

const { addresses, options } = JSON.parse(process.argv[2]);
const { client: sockets } = connectTo(addresses, options);
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(sockets),
    new HttpLink({ uri: `${addresses[0]}/graphql` }),
  ),
});
const ends = new Map();

function show(name) {
  return ({ data, error }) =>
    tell({
      name,
      data: data ?? null,
      errors: CombinedGraphQLErrors.is(error) ? errorsOf(error.errors) : undefined,
      failed: error && !CombinedGraphQLErrors.is(error) ? error.message : undefined,
    });
}

async function run({ name, query, variables, fetchPolicy }) {
  const document = gql(query);
  const isMutation = document.definitions.some(({ operation }) => operation === 'mutation');
  const answer = isMutation
    ? client.mutate({ mutation: document, variables, errorPolicy: 'all' })
    : client.query({ query: document, variables, errorPolicy: 'all', fetchPolicy });
  show(name)(await answer);
}

function follow(name, observable) {
  const subscription = observable.subscribe({
    next: show(name),
    error: (error) => show(name)({ error }),
    complete: () => tell({ name, complete: true }),
  });
  ends.set(name, () => subscription.unsubscribe());
}

await obey({
  run,
  subscribe: ({ name, query, variables }) =>
    follow(name, client.subscribe({ query: gql(query), variables, errorPolicy: 'all' })),
  watch: ({ name, query, variables }) =>
    follow(name, client.watchQuery({ query: gql(query), variables, fetchPolicy: 'cache-only' })),
  unsubscribe: ({ name }) => ends.get(name)(),
  cache: ({ name }) => tell({ name, data: client.cache.extract() }),
});
