// How fast counters of processes grow: each counts from its own start, and may come and go.
import { createSeries } from "./series.js";

const POINTS = 300;

/** `names` are fields of the processes; take() is called with all of them each time they are told. */
export function createRates(names) {
  const series = createSeries(names.length, POINTS);
  let before = new Map();
  let taken = null;
  return {
    data: series.data,
    take(processes) {
      const at = Date.now() / 1000;
      const seconds = taken === null ? 0 : at - taken;
      const present = new Map(processes.map((each) => [`${each.host} ${each.pid} ${each.workerId}`, each]));
      if (seconds >= 0.5) {
        series.push(at, names.map((name) => grown(name, before, present) / seconds));
      }
      if (taken === null || seconds >= 0.5) [before, taken] = [present, at];
    },
  };
}

function grown(name, before, present) {
  let sum = 0;
  for (const [key, each] of present) {
    const known = before.get(key);
    if (known) sum += Math.max(0, each[name] - known[name]);
  }
  return sum;
}
