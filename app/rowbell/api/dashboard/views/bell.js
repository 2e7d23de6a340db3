// How bells are rung and heard: the listener of each process, and what came of it.
import { count, duration, many, percent, rate } from "../format.js";
import { useMemo, useRef, useWatch } from "../hooks.js";
import { html } from "../html.js";
import { Chart } from "../parts/chart.js";
import { Holders } from "../parts/holders.js";
import { Code } from "../parts/copy.js";
import { Mark } from "../parts/mark.js";
import { Meter } from "../parts/meter.js";
import { Panel } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { Ago } from "../parts/time.js";
import { Trouble, Waiting } from "../parts/trouble.js";
import { sentence } from "../problem.js";
import { createRates } from "../rates.js";

const BELL = `subscription {
  bell(every: "PT2S") {
    problem queueUsage
    triggers { name table inForce remedy }
    holders { pid application role state seconds query remedy }
    processes {
      workerId host pid at listening deaf probedAt probeSeconds probes reconnects gaps heard looks emptyLooks
      failedLooks answered sweptTasks sweeps rescued tally
    }
  }
}`;
const COUNTED = ["heard", "answered", "sweptTasks"];
const LINES = ["bells heard", "tasks answered", "found by sweep"];

function View() {
  const rates = useRef(null);
  rates.current ??= createRates(COUNTED);
  const { data, problem } = useWatch(BELL, {}, { onNext: ({ bell }) => rates.current.take(bell.processes) });
  if (problem) return html`<${Trouble} problem=${problem} />`;
  if (!data) return html`<${Waiting} />`;
  const { processes, triggers, holders, queueUsage, problem: wrong } = data.bell;
  return html`
    <${Force} wrong=${wrong} triggers=${triggers} usage=${queueUsage} />
    <${Listeners} processes=${processes} />
    <${Pace} data=${rates.current.data()} />
    ${holders.length > 0 && html`<${Panel} title="Who fills the queue of notifications" name="holders"><${Holders} holders=${holders} caption="Sessions that listen within a transaction" /><//>`}
    <${Tallies} processes=${processes} />
  `;
}

function Force({ wrong, triggers, usage }) {
  const columns = [
    { title: "Trigger", cell: ({ name, inForce }) => html`<${Mark} shape=${inForce ? "check" : "cross"} tone=${inForce ? "good" : "bad"}>${name}<//>` },
    { title: "On", cell: ({ table }) => `rowbell.${table}` },
    { title: "State", cell: ({ inForce, remedy }) => (inForce ? "in force" : html`not in force<${Code} text=${remedy} label="SQL that mends it" />`) },
  ];
  const off = triggers.filter(({ inForce }) => !inForce);
  return html`<${Panel} title="The bell" name="force" aside=${html`<span>Queue of notifications <${Meter} share=${usage} warnAt=${0.5} /> ${percent(usage)} full</span>`}>
    ${wrong
      ? html`<div class="trouble" role="alert"><strong>The bell is not in force.</strong> ${sentence(wrong)}</div>`
      : html`<p><${Mark} shape="check" tone="good">All ${triggers.length} triggers of bell and journal are in force.<//></p>`}
    ${off.length > 0 && html`<${Table} caption="Triggers that are not in force" columns=${columns} rows=${off} keyOf=${({ name, table }) => `${table}.${name}`} />`}
    <details class="triggers"><summary>${many(triggers.length, "trigger")}</summary>
      <${Table} caption="Triggers of bell and journal" columns=${columns} rows=${triggers} keyOf=${({ name, table }) => `${table}.${name}`} />
    </details>
  <//>`;
}

const COLUMNS = [
  { title: "Process", cell: Process },
  { title: "Last probe", cell: ({ probedAt, probeSeconds }) => html`<${Ago} at=${probedAt} />${probeSeconds > 0 && html`<small> took ${duration(probeSeconds)}</small>`}` },
  { title: "Reconnects", number: true, cell: ({ reconnects }) => count(reconnects) },
  { title: "Gaps", number: true, cell: ({ gaps }) => count(gaps) },
  { title: "Bells heard", number: true, cell: ({ heard }) => count(heard) },
  { title: "Looks", number: true, cell: ({ looks, emptyLooks }) => html`${count(looks)}<small> ${count(emptyLooks)} empty</small>` },
  { title: "Answered", number: true, cell: ({ answered }) => count(answered) },
  { title: "By sweep", number: true, cell: ({ sweptTasks }) => html`<span class=${sweptTasks > 0 ? "tone-warn" : ""}>${count(sweptTasks)}</span>` },
  { title: "Rescued", number: true, cell: ({ rescued }) => count(rescued) },
];

function Listeners({ processes }) {
  return html`<${Panel} title="Listeners" name="listeners" aside="counted since each process began">
    <${Table} caption="The listener of each process" columns=${COLUMNS} rows=${processes} keyOf=${keyOf}
      empty="No process listens: tasks wait until one does." />
  <//>`;
}

function keyOf({ workerId, host, pid }) {
  return `${workerId ?? "api"} ${host} ${pid}`;
}

function Process({ workerId, host, pid, listening, deaf }) {
  const [shape, tone, words] = deaf ? ["warn", "bad", "deaf: sweeps only"] : listening ? ["dot", "good", "listening"] : ["cross", "bad", "not listening"];
  return html`<${Mark} shape=${shape} tone=${tone}>${workerId === null ? "API" : `worker ${workerId}`}, ${words}<//>
    <small class="parts">${host}, process ${pid}</small>`;
}

function Pace({ data }) {
  const highest = useMemo(() => data.slice(1).map((values) => Math.max(0, ...values.filter((value) => value !== null))), [data]);
  const summary = `Since this page was opened, at the most a second: ${LINES.map((line, index) => `${rate(highest[index])} ${line}`).join(", ")}.`;
  return html`<${Panel} title="Since this view was opened" name="pace" aside="a second">
    <${Chart} title="Bells and answers" lines=${LINES} data=${data} format=${rate} summary=${summary} />
  <//>`;
}

/** All that the processes count, for who wants to know more. */
function Tallies({ processes }) {
  return html`<details class="tallies"><summary>All counters</summary>
    <div class="grid">${processes.map(
      (each) => html`<${Panel} key=${keyOf(each)} title=${each.workerId === null ? "API" : `Worker ${each.workerId}`} name=${`tally-${keyOf(each).replaceAll(/\W/g, "-")}`}>
        <dl class="tally">${Object.entries(each.tally).map(([name, value]) => html`<div key=${name}><dt>${name.replaceAll("_", " ")}</dt><dd>${shown(value)}</dd></div>`)}</dl>
      <//>`,
    )}</div>
  </details>`;
}

function shown(value) {
  if (typeof value === "number") return value.toLocaleString("en", { maximumFractionDigits: 4 });
  return value === null ? "—" : String(value);
}

export const bell = { name: "bell", title: "Bell", key: "b", role: "OPERATOR", View };
