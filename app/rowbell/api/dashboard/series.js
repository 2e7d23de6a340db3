// Points in time for charts: as many as a chart can show, the oldest fall out.

/** `lines` values a point. data() is what uPlot takes: one array of times, one of each line. */
export function createSeries(lines, limit) {
  let columns = Array.from({ length: lines + 1 }, () => []);
  return {
    data: () => columns,
    /** Take these instead: columns of equal length, the oldest first. */
    fill(given) {
      columns = given.map((column) => column.slice(-limit));
    },
    /** A point; one of a time that is there already replaces it. */
    push(time, values) {
      const [times] = columns;
      if (times.length && time < times.at(-1)) return;
      const same = times.at(-1) === time;
      const next = [time, ...values];
      columns = columns.map((column, index) => {
        const kept = same ? column.slice(0, -1) : column.slice(column.length >= limit ? 1 : 0);
        kept.push(next[index] ?? null);
        return kept;
      });
    },
  };
}
