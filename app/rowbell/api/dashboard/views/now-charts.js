// Throughput, wait and run time: the kept minutes, and the one that runs as it comes.
import { duration, rate } from "../format.js";
import { useMemo, useRef, useWatch } from "../hooks.js";
import { html } from "../html.js";
import { columns, createTail, WINDOWS } from "../past.js";
import { Chart } from "../parts/chart.js";
import { Panel } from "../parts/panel.js";
import { Trouble } from "../parts/trouble.js";
import { refine } from "../router.js";

const HISTORY = `subscription ($window: Duration!) {
  history(window: $window, every: "PT20S") {
    at seconds completed failed waitSeconds { p50 p95 p99 } runSeconds { p50 p95 p99 }
  }
}`;
const SHARES = ["p50", "p95", "p99"];
const THROUGHPUT = ["completed"];

export function Charts({ data, window = "PT1H" }) {
  const [chosen, , length] = WINDOWS.find(([name]) => name === window) ?? WINDOWS[1];
  const past = useWatch(HISTORY, { window: chosen });
  const tail = useRef(null);
  tail.current ??= createTail();
  const drawn = useMemo(() => {
    tail.current.keep(data);
    const to = Date.parse(data.at) / 1000;
    const from = to - length;
    return { from, to, ...columns(past.data?.history ?? [], tail.current.minutes(), from, to) };
  }, [data, past.data, length]);
  return html`<${Panel} title="Pace" name="charts" aside=${html`<${Windows} chosen=${chosen} />`}>
    <${Trouble} problem=${past.problem} />
    <div class="charts">
      <${Pace} title="Throughput" lines=${THROUGHPUT} data=${drawn.throughput} format=${rate} drawn=${drawn} />
      <${Pace} title="Wait" lines=${SHARES} data=${drawn.wait} format=${duration} drawn=${drawn} />
      <${Pace} title="Run time" lines=${SHARES} data=${drawn.run} format=${duration} drawn=${drawn} />
    </div>
  <//>`;
}

function Pace({ drawn: { from, to }, ...chart }) {
  return html`<${Chart} ...${chart} from=${from} to=${to} summary=${inWords(chart)} />`;
}

/** The same as the chart, for who does not see it. */
function inWords({ title, lines, data, format }) {
  const said = lines.map((line, index) => {
    const values = data[index + 1].filter((value) => value !== null);
    if (values.length === 0) return `${line}: nothing yet`;
    return `${line}: now ${format(values.at(-1))}, lowest ${format(Math.min(...values))}, highest ${format(Math.max(...values))}`;
  });
  return `${title}. ${said.join("; ")}.`;
}

function Windows({ chosen }) {
  return html`<label class="window">Show <select value=${chosen} data-filter onChange=${(event) => refine({ window: event.target.value })}>
    ${WINDOWS.map(([name, words]) => html`<option value=${name} selected=${name === chosen}>${words}</option>`)}
  </select></label>`;
}
