// @urql/core: HTTP for queries and mutations, graphql-ws for subscriptions, the document cache.
import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';

import { connectTo } from './sockets.mjs';
import { errorsOf, obey, tell } from './talk.mjs';

const { addresses, options } = JSON.parse(process.argv[2]);
const { client: sockets } = connectTo(addresses, options);
const client = new Client({
  url: `${addresses[0]}/graphql`,
  preferGetMethod: options?.preferGetMethod ?? false,
  exchanges: [
    cacheExchange,
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: (request) => ({
        subscribe: (sink) => ({ unsubscribe: sockets.subscribe(request, sink) }),
      }),
    }),
  ],
});
const ends = new Map();

function show(name) {
  return ({ data, error, operation, hasNext }) => {
    const isSubscription = operation.kind === 'subscription';
    // urql tells the end of a subscription by its last result once more, with hasNext false.
    if (isSubscription && !hasNext && !error) return tell({ name, complete: true });
    return tell({
      name,
      data: data ?? null,
      errors: error?.graphQLErrors.length ? errorsOf(error.graphQLErrors) : undefined,
      failed: error?.networkError?.message,
      cache: isSubscription ? undefined : operation.context.meta?.cacheOutcome,
    });
  };
}

async function run({ name, query, variables, requestPolicy }) {
  const isMutation = query.trimStart().startsWith('mutation');
  const answer = isMutation
    ? client.mutation(query, variables)
    : client.query(query, variables, { requestPolicy });
  show(name)(await answer.toPromise());
}

function follow(name, source) {
  ends.set(name, source.subscribe(show(name)).unsubscribe);
}

await obey({
  run,
  subscribe: ({ name, query, variables }) => follow(name, client.subscription(query, variables)),
  watch: ({ name, query, variables }) => follow(name, client.query(query, variables)),
  unsubscribe: ({ name }) => ends.get(name)(),
});
