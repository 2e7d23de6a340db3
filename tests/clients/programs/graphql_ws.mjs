// graphql-ws alone: queries, mutations and subscriptions on one WebSocket.
import { connectTo } from './sockets.mjs';
import { errorsOf, obey, tell } from './talk.mjs';

const { addresses, options } = JSON.parse(process.argv[2]);
const { client, socket } = connectTo(addresses, options);
const ends = new Map();

function run({ name, query, variables }) {
  const end = client.subscribe(
    { query, variables },
    {
      next: ({ data, errors }) => tell({ name, data, errors: errorsOf(errors) }),
      // An error message of the protocol, a close event of the socket, or what it threw.
      error: (problem) =>
        Array.isArray(problem)
          ? tell({ name, errors: errorsOf(problem), refused: true })
          : tell({ name, code: problem?.code, failed: String(problem?.message ?? problem) }),
      complete: () => tell({ name, complete: true }),
    },
  );
  ends.set(name, end);
}

await obey({
  run,
  subscribe: run,
  unsubscribe: ({ name }) => ends.get(name)(),
  send: ({ text }) => socket().send(text),
  pause: () => socket().pause(),
  resume: () => socket().resume(),
  dispose: () => client.dispose(),
});
