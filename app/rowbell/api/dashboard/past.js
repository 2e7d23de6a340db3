// What the charts of Now are drawn from: the minutes that the service has kept, and the one that runs.

const TAIL = 5;
/** A minute that has just begun says nothing about its rate yet. */
const TOO_SHORT_SECONDS = 4;

export const WINDOWS = [
  ["PT15M", "15 min", 900],
  ["PT1H", "1 hour", 3_600],
  ["PT6H", "6 hours", 21_600],
  ["P1D", "1 day", 86_400],
  ["P7D", "7 days", 604_800],
];

/** The last minutes as they were when they ended: history tells of them some seconds later. */
export function createTail() {
  const minutes = new Map();
  return {
    minutes: () => [...minutes.values()],
    keep({ now, at }) {
      if (!now) return;
      const elapsed = Math.min(now.seconds, (Date.parse(at) - Date.parse(now.at)) / 1000);
      minutes.set(now.at, { ...now, seconds: elapsed });
      if (minutes.size > TAIL) minutes.delete(minutes.keys().next().value);
    },
  };
}

/**
 * Columns for three charts, { throughput, wait, run }, of the minutes from..to (seconds since
 * 1970). Where nothing happened the rate is 0, and there is nothing that waited or ran.
 */
export function columns(history, tail, from, to) {
  const step = Math.max(60, ...history.map(({ seconds }) => seconds));
  const known = new Set(history.map(({ at }) => at));
  const minutes = [...history, ...tail.filter(({ at }) => !known.has(at))];
  const points = filled(minutes, step, from, to);
  const column = (take) => points.map(take);
  const times = column(({ time }) => time);
  const spread = (name) => [times, ...["p50", "p95", "p99"].map((share) => column(({ minute }) => minute?.[name]?.[share] ?? null))];
  return {
    throughput: [times, column(({ minute }) => (minute ? minute.completed / minute.seconds : 0))],
    wait: spread("waitSeconds"),
    run: spread("runSeconds"),
  };
}

/** One point each `step`, in the middle of what it tells of; the minute that runs ends at `to`. */
function filled(minutes, step, from, to) {
  const at = new Map();
  for (const minute of minutes) {
    const begin = Date.parse(minute.at) / 1000;
    if (begin + minute.seconds < from || begin > to || minute.seconds < TOO_SHORT_SECONDS) continue;
    at.set(begin, minute);
  }
  const begins = [...at.keys()].sort((one, other) => one - other);
  const first = begins[0] ?? Math.floor(from / step) * step;
  const points = [];
  let due = first - Math.floor((first - from) / step) * step;
  for (const begin of begins) {
    for (; due + step / 2 < begin; due += step) points.push({ time: due + step / 2, minute: null });
    const minute = at.get(begin);
    points.push({ time: Math.min(to, begin + minute.seconds / 2), minute });
    due = begin + Math.max(step, minute.seconds);
  }
  for (; due + step <= to; due += step) points.push({ time: due + step / 2, minute: null });
  return points;
}
