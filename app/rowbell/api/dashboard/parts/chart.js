// A live chart (uPlot) in the colours of the page, with its latest values as text beside it.
import uPlot from "uplot";

import { useEffect, useRef, useStore } from "../hooks.js";
import { html } from "../html.js";
import { dark } from "../look.js";

const HEIGHT = 150;
const DASHES = [[], [6, 4], [2, 3]];

/**
 * data: [seconds since 1970, values of the first line, of the second, …], null for a gap.
 * lines: names, the first drawn strongest. `format(value)` is used for the axis and the values.
 * `summary` says in words what the chart shows, for who does not see it.
 */
export function Chart({ title, data, lines, format, summary, from, to }) {
  const place = useRef(null);
  const chart = useRef(null);
  const isDark = useStore(dark);
  const latest = useRef({});
  latest.current = { from, to };

  useEffect(() => {
    const box = place.current;
    const made = new uPlot(options(box, lines, format, latest), data, box);
    chart.current = made;
    const watcher = new ResizeObserver(() => made.setSize({ width: box.clientWidth, height: HEIGHT }));
    watcher.observe(box);
    return () => {
      watcher.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [isDark, lines.join()]);

  useEffect(() => {
    chart.current?.setData(data);
  }, [data, from, to]);

  return html`<figure class="chart">
    <figcaption>
      <h3>${title}</h3>
      <${Legend} lines=${lines} data=${data} format=${format} />
    </figcaption>
    <div class="plot" ref=${place} role="img" aria-label=${summary}></div>
  </figure>`;
}

function Legend({ lines, data, format }) {
  return html`<dl class="legend">
    ${lines.map(
      (line, index) => html`<div key=${line}>
        <dt><svg class="dash" viewBox="0 0 18 4" width="18" height="4" aria-hidden="true">
          <path d="M0 2h18" class=${`line line-${index}`} stroke-dasharray=${DASHES[index % 3].join(" ") || "none"} /></svg>${line}</dt>
        <dd>${format(lastOf(data[index + 1]))}</dd>
      </div>`,
    )}
  </dl>`;
}

function lastOf(values) {
  return values.findLast((value) => value != null) ?? null;
}

function options(box, lines, format, latest) {
  const style = getComputedStyle(box);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--ink-soft"),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: Math.max(box.clientWidth, 120),
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { setScale: false } },
    padding: [8, 4, 0, 0],
    scales: {
      x: { time: true, range: (_, low, high) => [latest.current.from ?? low, latest.current.to ?? high] },
      y: { range: (_, __, high) => [0, high > 0 ? high * 1.15 : 1] },
    },
    axes: [
      { ...axis, size: 26, values: (_, splits) => splits.map(hour(splits)), space: 70 },
      { ...axis, size: 58, values: (_, splits) => splits.map((value) => format(value)), space: 36 },
    ],
    series: [{}, ...lines.map((label, index) => lineOf(label, index, colour))],
    hooks: { init: [(made) => made.root.setAttribute("aria-hidden", "true")] },
  };
}

function lineOf(label, index, colour) {
  return {
    label,
    stroke: colour(`--line-${index}`),
    width: index === 0 ? 2 : 1.5,
    dash: DASHES[index % 3],
    fill: index === 0 ? colour("--line-fill") : undefined,
    points: { show: true, size: 4, fill: colour(`--line-${index}`), filter: alone },
    spanGaps: false,
  };
}

/** A value between two gaps is no line: it gets a point. */
function alone(made, index) {
  const values = made.data[index];
  return values.flatMap((value, at) => (value != null && values[at - 1] == null && values[at + 1] == null ? [at] : []));
}

/** Seconds where the marks lie within minutes; days where they lie beyond. */
function hour(splits) {
  const step = splits[1] - splits[0];
  const form = {
    ...(step >= 43_200 ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" }),
    ...(step < 60 ? { second: "2-digit" } : {}),
  };
  return (seconds) => new Date(seconds * 1000).toLocaleString("en-GB", form);
}
