// graphql-sse, distinct connections: a request for each operation.
import { createClient } from 'graphql-sse';

import { errorsOf, obey, tell } from './talk.mjs';

const { addresses } = JSON.parse(process.argv[2]);
const client = createClient({
  url: `${addresses[0]}/graphql`,
  retryAttempts: 0,
});
const ends = new Map();

function run({ name, query, variables }) {
  const end = client.subscribe(
    { query, variables },
    {
      next: ({ data, errors }) => tell({ name, data, errors: errorsOf(errors) }),
      error: (problem) => tell({ name, failed: String(problem?.message ?? problem) }),
      complete: () => tell({ name, complete: true }),
    },
  );
  ends.set(name, end);
}

await obey({ run, subscribe: run, unsubscribe: ({ name }) => ends.get(name)() });
