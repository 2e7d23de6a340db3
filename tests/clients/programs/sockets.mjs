// A graphql-ws client that tells what becomes of its connection. Its addresses take turns, as behind
// a load balancer.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

import { tell } from './talk.mjs';

export function connectTo(addresses, options = {}) {
  let turn = 0;
  let socket;
  const client = createClient({
    url: () => addresses[turn++ % addresses.length].replace('http', 'ws') + '/graphql',
    // Node 22 has a WebSocket of its own, 18 and 20 have none.
    webSocketImpl: WebSocket,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
    ...options,
    on: {
      opened: (opened) => (socket = opened),
      connected: (connected) => tell({ event: 'connected', url: connected.url }),
      closed: ({ code, reason }) => tell({ event: 'closed', code, reason }),
    },
  });
  return { client, socket: () => socket };
}
