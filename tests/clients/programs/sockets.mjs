// A graphql-ws client that tells what becomes of its connection. Its addresses take turns, as behind
// a load balancer.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

import { tell } from './talk.mjs';

// Offers another subprotocol than graphql-ws asks for.
function offering(subprotocol) {
  return class extends WebSocket {
    constructor(url) {
      super(url, subprotocol || undefined);
    }
  };
}

export function connectTo(addresses, { subprotocol, ...options } = {}) {
  let turn = 0;
  let socket;
  const client = createClient({
    url: () => addresses[turn++ % addresses.length].replace('http', 'ws') + '/graphql',
    // Node 22 has a WebSocket of its own, 18 and 20 have none.
    webSocketImpl: subprotocol === undefined ? WebSocket : offering(subprotocol),
    // By default an address where nobody listens is not tried again.
    shouldRetry: () => true,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
    ...options,
    on: {
      opened: (opened) => (socket = opened),
      connected: (connected) => tell({ event: 'connected', url: connected.url }),
      pong: () => tell({ event: 'pong' }),
      closed: ({ code, reason }) => tell({ event: 'closed', code, reason }),
    },
  });
  return { client, socket: () => socket };
}
