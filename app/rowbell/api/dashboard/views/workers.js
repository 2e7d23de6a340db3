// Processes that run tasks: who lives, who is silent, on duty for what, and what each runs now.
import { count, duration, many } from "../format.js";
import { useState, useWatch } from "../hooks.js";
import { html } from "../html.js";
import { Mark } from "../parts/mark.js";
import { Meter } from "../parts/meter.js";
import { Panel } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { Ago } from "../parts/time.js";
import { Trouble, Waiting } from "../parts/trouble.js";
import { refine } from "../router.js";
import { Running } from "./workers-running.js";
import { Stack } from "./workers-stack.js";

const WORKERS = `subscription ($ended: Boolean!) {
  workers(ended: $ended, every: "PT2S") {
    id host pid version state queues kinds slots busy startedAt lastSeenAt silentSeconds leaseSeconds endedAt onDutyFor
    running { taskId kind queue description attempt startedAt progress cancelRequested }
  }
}`;

const STATES = {
  RUNNING: ["dot", "good"],
  DRAINING: ["half", "warn"],
  SILENT: ["warn", "bad"],
  LOST: ["cross", "bad"],
  STOPPED: ["slash", "quiet"],
};

function View({ query }) {
  const ended = query.ended === "yes";
  const { data, problem } = useWatch(WORKERS, { ended });
  const [asked, ask] = useState(null);
  if (problem) return html`<${Trouble} problem=${problem} />`;
  if (!data) return html`<${Waiting} />`;
  return html`
    <${Workers} workers=${data.workers} ended=${ended} />
    <${Running} workers=${data.workers} chosen=${query.worker ?? ""} onStack=${ask} />
    ${asked && html`<${Stack} task=${asked} onClose=${() => ask(null)} />`}
  `;
}

const COLUMNS = [
  { title: "Worker", cell: Name },
  { title: "Busy", cell: Busy },
  { title: "Heartbeat", cell: Heartbeat },
  { title: "On duty for", cell: ({ onDutyFor, queues }) => html`${names(onDutyFor)}${queues.includes("*") ? "" : html`<small> serves ${names(queues)}</small>`}` },
  { title: "Knows", cell: Kinds },
  { title: "Runs since", cell: ({ startedAt, endedAt }) => html`<${Ago} at=${startedAt} />${endedAt && html`<small> ended <${Ago} at=${endedAt} /></small>`}` },
];

function Workers({ workers, ended }) {
  const living = workers.filter(({ endedAt }) => !endedAt);
  const toggle = html`<label class="check"><input type="checkbox" checked=${ended}
    onChange=${({ target }) => refine({ ended: target.checked ? "yes" : "" })} /> with those that ended</label>`;
  return html`<${Panel} title=${many(living.length, "process", "processes")} name="workers" aside=${toggle}>
    <${Table} caption="Worker processes" columns=${COLUMNS} rows=${workers} keyOf=${({ id }) => id}
      empty="No worker runs, so no task does. Start one: rowbell worker" />
  <//>`;
}

function Name({ id, host, pid, version, state }) {
  const [shape, tone] = STATES[state];
  return html`<${Mark} shape=${shape} tone=${tone}>${id} ${state.toLowerCase()}<//>
    <small class="parts">${host}, process ${pid}, ${version}</small>`;
}

function Busy({ busy, slots }) {
  return html`<${Meter} share=${slots ? busy / slots : 0} /> ${count(busy)}<small> of ${many(slots, "slot")}</small>`;
}

/** A worker that is silent for its lease loses its tasks: from half of it on that is told. */
function Heartbeat({ lastSeenAt, silentSeconds, leaseSeconds, endedAt }) {
  const late = !endedAt && silentSeconds > leaseSeconds / 2;
  return html`<span class=${late ? "tone-bad" : ""}><${Ago} at=${lastSeenAt} /></span><small> lease ${duration(leaseSeconds)}</small>`;
}

function Kinds({ kinds }) {
  return html`<details class="kinds"><summary>${many(kinds.length, "kind")}</summary>${names(kinds)}</details>`;
}

function names(list) {
  return list.map((name) => (name === "*" ? "every queue" : name)).join(", ") || "—";
}

export const workers = { name: "workers", title: "Workers", key: "w", role: "OPERATOR", View };
