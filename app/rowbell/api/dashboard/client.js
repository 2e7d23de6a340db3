// The way to the service: subscriptions and questions over one WebSocket, changes by POST.
import { createClient } from "graphql-ws";

import { Problem } from "./problem.js";
import { refuse, session } from "./session.js";
import { createStore } from "./store.js";

const ENDPOINT = new URL("graphql", document.baseURI.split("#")[0]);
const ALIVE_MS = 10_000;
const ANSWER_MS = 5_000;
const ASK_MS = 40_000;
const LONGEST_WAIT_MS = 15_000;
const REFUSED = [4401, 4403];
// Of these a subscription recovers by itself; of others the view has to tell.
const PASSING = ["CLIENT_TOO_SLOW", "UNAVAILABLE", "DRAINING", "TOO_MANY_OPERATIONS", "INTERNAL_SERVER_ERROR"];
const PASSING_MS = 2_000;

/** state: connecting, live, waiting (tries again at `retryAt`), refused, or ended (`reason`). */
export const connection = createStore({
  state: "connecting",
  since: Date.now(),
  lostAt: null,
  awayMs: null,
  retryAt: null,
  reason: "",
});

const watches = new Set();
let client = connect();
let hurry = () => {};

function connect() {
  const socket = new URL(ENDPOINT);
  socket.protocol = ENDPOINT.protocol === "https:" ? "wss:" : "ws:";
  let silence;
  const made = createClient({
    url: socket.href,
    connectionParams: () => authorization(),
    keepAlive: ALIVE_MS,
    lazy: false,
    onNonLazyError: (event) => made === client && fell(event),
    retryAttempts: Infinity,
    // An event without a code is a service that is not there: try again, as after any close.
    shouldRetry: (event) => made === client && !REFUSED.includes(event.code),
    retryWait: (attempt) => pause(made, attempt),
    on: {
      connected: () => made === client && arrived(),
      closed: (event) => made === client && left(event),
      // A machine that slept has a socket that looks open: ask, and hang up on silence.
      ping: (received) => {
        if (!received) silence = setTimeout(() => made.terminate(), ANSWER_MS);
      },
      pong: (received) => received && clearTimeout(silence),
    },
  });
  return made;
}

function arrived() {
  const { lostAt } = connection.get();
  const awayMs = lostAt === null ? null : Date.now() - lostAt;
  connection.set({ state: "live", since: Date.now(), lostAt: null, awayMs, retryAt: null, reason: "" });
}

function left({ code, reason }) {
  if (code === 1000) return;
  const { lostAt } = connection.get();
  const words = reason.replace(/^(Forbidden|Unauthorized): /, "");
  if (REFUSED.includes(code)) {
    connection.set({ state: "refused", reason: words });
    refuse(words);
    return;
  }
  connection.set({ state: "waiting", lostAt: lostAt ?? Date.now(), awayMs: null, reason: words });
}

/** The service closed it for a reason that another try would not mend. */
function fell({ code, reason }) {
  if (!REFUSED.includes(code)) connection.set({ state: "ended", reason: reason || `closed with ${code}` });
}

/** Longer each time, and not at the same moment as everybody else. */
async function pause(made, attempt) {
  if (made !== client) return;
  const most = Math.min(LONGEST_WAIT_MS, 500 * 2 ** attempt);
  const wait = most * (0.5 + Math.random() / 2);
  connection.set({ state: "waiting", retryAt: Date.now() + wait });
  await new Promise((resolve) => {
    hurry = resolve;
    setTimeout(resolve, wait);
  });
  if (made === client) connection.set({ retryAt: null });
}

/** Do not wait for the next try. */
export function retryNow() {
  hurry();
}

/** Begin anew, with the token of the session. */
export function reconnect() {
  const old = client;
  connection.set({ state: "connecting", since: Date.now(), lostAt: null, awayMs: null, retryAt: null, reason: "" });
  client = connect();
  old.dispose();
  for (const each of watches) each.begin();
}

/**
 * Watch a subscription; returns how to stop. `next(data)` gets each answer, `failed(problem)` what
 * ends it. `cursorOf(data)` names the cursor to go on from after a break, as the variable `after`.
 */
export function watch(query, variables, { next, failed = () => {}, cursorOf = null }) {
  const payload = { query, variables: { ...variables } };
  let stop = () => {};
  let timer;
  const each = { begin };

  function begin() {
    clearTimeout(timer);
    stop();
    let present = true;
    const end = client.subscribe(payload, {
      next(answer) {
        if (!present) return;
        if (answer.data) {
          const cursor = cursorOf?.(answer.data);
          if (cursor) payload.variables.after = cursor;
          next(answer.data);
        }
        if (answer.errors) failed(Problem.of(answer.errors));
      },
      error(error) {
        if (present) ended(error);
      },
      complete() {},
    });
    stop = () => {
      present = false;
      end();
    };
  }

  function ended(error) {
    if (!Array.isArray(error)) return; // the connection: `left` and `fell` have told it
    const problem = Problem.of(error);
    const { cursor } = error[0]?.extensions ?? {};
    if (cursor && cursorOf) payload.variables.after = cursor;
    if (PASSING.includes(problem.code)) timer = setTimeout(begin, PASSING_MS);
    else failed(problem);
  }

  watches.add(each);
  begin();
  return () => {
    watches.delete(each);
    clearTimeout(timer);
    stop();
  };
}

/** One question, or one change; its data. Raises Problem. */
export function ask(document, variables = {}) {
  return /^\s*mutation\b/.test(document) ? change(document, variables) : question(document, variables);
}

/** While the connection is down it waits for it. */
function question(query, variables) {
  return new Promise((resolve, reject) => {
    const slow = setTimeout(() => stop(), ASK_MS);
    let answer = null;
    const stop = client.subscribe({ query, variables }, {
      next: (given) => {
        answer = given;
      },
      error(error) {
        clearTimeout(slow);
        reject(Array.isArray(error) ? Problem.of(error) : new Problem("the connection was closed.", { code: "UNREACHABLE" }));
      },
      complete() {
        clearTimeout(slow);
        if (answer === null) reject(new Problem(`no answer came within ${ASK_MS / 1000} s.`, { code: "UNREACHABLE" }));
        else if (answer.errors) reject(Problem.of(answer.errors));
        else resolve(answer.data);
      },
    });
  });
}

/** Sent once, and not again after a break: it may have been made. */
async function change(mutation, variables) {
  let response;
  let answer;
  try {
    response = await fetch(ENDPOINT, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json", ...authorization() },
      body: JSON.stringify({ query: mutation, variables }),
      signal: AbortSignal.timeout(ASK_MS),
    });
    answer = await response.json();
  } catch (error) {
    const slow = error.name === "TimeoutError";
    throw new Problem(slow ? `no answer came within ${ASK_MS / 1000} s.` : "the service cannot be reached.", {
      code: "UNREACHABLE",
      hint: slow ? "Look whether it was done, then try again." : "See whether it runs: rowbell serve.",
    });
  }
  if (answer.errors) {
    const problem = Problem.of(answer.errors);
    if (response.status === 401) refuse(problem.message);
    throw problem;
  }
  return answer.data;
}

function authorization() {
  const { token } = session.get();
  return token ? { authorization: `Bearer ${token}` } : {};
}
