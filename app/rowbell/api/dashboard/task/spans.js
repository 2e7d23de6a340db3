// The course of a task as spans of time, from its timeline: what the waterfall draws.

const ENDS = { COMPLETED: "good", FAILED: "bad", RETRY_SCHEDULED: "bad", LOST: "bad", CANCELLED: "quiet", RELEASED: "quiet" };
const OUTCOMES = {
  COMPLETED: "completed", FAILED: "failed", RETRY_SCHEDULED: "failed, and is tried again",
  LOST: "was lost with its worker", CANCELLED: "was cancelled", RELEASED: "was released",
};
const FOUND = { BELL: "answered by the bell", CLOCK: "its time had come", SWEEP: "found by a sweep" };
const BARELY_SECONDS = 0.05;

/**
 * [{ label, note, from, to, tone, open }], in order; times in ms. tone: scheduled, waiting,
 * running, good, bad or quiet. The last span is `open` while it goes on: its `to` is null.
 */
export function spansOf(timeline, task) {
  const spans = [];
  let waiting = null; // since when
  let running = null; // { from, attempt }
  for (const entry of timeline) {
    const at = Date.parse(entry.at);
    if (entry.kind === "STARTED") {
      if (waiting !== null) spans.push(...waits(waiting, at, entry));
      waiting = null;
      running = { from: at, attempt: entry.attempt };
    } else if (entry.kind in ENDS) {
      if (running) spans.push(ran(running, at, entry.kind));
      else if (waiting !== null) spans.push({ label: "waited", note: OUTCOMES[entry.kind], from: waiting, to: at, tone: "waiting" });
      running = null;
      waiting = entry.status === "PENDING" ? at : null;
    } else if (entry.kind === "CREATED") {
      waiting = Math.min(at, Date.parse(task.createdAt)); // the statement ran later than its transaction began
    } else if (entry.kind === "REOPENED") {
      waiting = at;
    }
  }
  if (running) spans.push({ label: `attempt ${running.attempt}`, note: "runs", from: running.from, to: null, tone: "running", open: true });
  else if (waiting !== null) spans.push(...stillWaits(waiting, task));
  return spans;
}

function waits(from, to, { waitSeconds, foundBy }) {
  const due = waitSeconds == null ? from : Math.max(from, to - waitSeconds * 1000);
  const spans = [];
  if (due - from > BARELY_SECONDS * 1000) spans.push({ label: "not due yet", note: "", from, to: due, tone: "scheduled" });
  spans.push({ label: "due", note: FOUND[foundBy] ?? "", from: spans.length ? due : from, to, tone: "waiting", swept: foundBy === "SWEEP" });
  return spans;
}

function ran({ from, attempt }, to, kind) {
  return { label: `attempt ${attempt}`, note: OUTCOMES[kind], from, to, tone: ENDS[kind] };
}

function stillWaits(from, { runAt, status }) {
  if (status !== "PENDING") return [];
  const due = Date.parse(runAt);
  if (due > Date.now()) return [{ label: "not due yet", note: "until its time", from, to: due, tone: "scheduled", ahead: true }];
  const start = Math.max(from, due);
  const spans = start - from > BARELY_SECONDS * 1000 ? [{ label: "not due yet", note: "", from, to: start, tone: "scheduled" }] : [];
  return [...spans, { label: "due", note: "waits for a worker", from: start, to: null, tone: "waiting", open: true }];
}

/** Without a timeline, which only operators see: what the attempts tell. */
export function spansOfAttempts({ attempts, createdAt, runAt, status, finishedAt }) {
  const spans = [];
  let since = Date.parse(createdAt);
  for (const { number, outcome, startedAt, endedAt } of attempts) {
    if (!startedAt) continue;
    const from = Date.parse(startedAt);
    spans.push({ label: "waited", note: "", from: since, to: from, tone: "waiting" });
    const to = endedAt ? Date.parse(endedAt) : null;
    spans.push({ label: `attempt ${number}`, note: OUTCOMES[outcome] ?? (to ? "ended" : "runs"), from, to, tone: to ? (ENDS[outcome] ?? "quiet") : "running", open: !to });
    since = to;
  }
  if (status === "PENDING") spans.push(...stillWaits(since, { runAt, status }));
  else if (spans.length === 0) spans.push({ label: "waited", note: status.toLowerCase(), from: since, to: Date.parse(finishedAt), tone: "waiting" });
  return spans;
}
