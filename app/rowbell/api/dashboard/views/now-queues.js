// Queues: how deep, how old, how fast, and the two things to do about it.
import { act } from "../act.js";
import { ago, count, duration, many, rate } from "../format.js";
import { useState } from "../hooks.js";
import { html } from "../html.js";
import { Mark } from "../parts/mark.js";
import { Panel } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { tasks } from "../places.js";
import { Limits } from "./now-limits.js";

const PAUSE = "mutation ($name: String!) { pauseQueue(name: $name) { name paused } }";
const RESUME = "mutation ($name: String!) { resumeQueue(name: $name) { name paused } }";

export function Queues({ queues }) {
  const [limiting, limit] = useState(null);
  const columns = [
    { title: "Queue", cell: Name },
    { title: "Waiting", number: true, cell: Waiting },
    { title: "Oldest due", number: true, cell: ({ oldestDueSeconds }) => duration(oldestDueSeconds) },
    { title: "Running", number: true, cell: Running },
    { title: "Completed", number: true, cell: ({ throughput }) => rate(throughput) },
    { title: "Start limit", number: true, cell: ({ rate: most, burst }) => html`${most === null ? "—" : rate(most)}${burst ? html` <small>burst ${burst}</small>` : ""}` },
    { title: "Workers", number: true, cell: ({ workers }) => html`<span class=${workers ? "" : "tone-warn"}>${count(workers)}</span>` },
    { title: "", wide: true, cell: (queue) => html`<${Actions} queue=${queue} onLimits=${() => limit(queue.name)} />` },
  ];
  const limited = queues.find(({ name }) => name === limiting);
  return html`<${Panel} title="Queues" name="queues" aside=${queues.length > 0 && many(queues.length, "queue")}>
    <${Table} caption="Queues with open tasks, those of the last minutes, and those that are paused or limited"
      columns=${columns} rows=${queues} keyOf=${({ name }) => name} empty="No queue has tasks, or had some lately." />
    ${limited && html`<${Limits} queue=${limited} onClose=${() => limit(null)} />`}
  <//>`;
}

function Name(queue) {
  return html`<a href=${tasks({ queue: queue.name })}>${queue.name}</a>
    ${queue.paused && html`<div><${Mark} shape="pause" tone="warn">paused${by(queue)}<//></div>`}`;
}

function by({ pausedBy, pausedAt }) {
  return `${pausedBy ? ` by ${pausedBy}` : ""}${pausedAt ? ` ${ago(pausedAt)}` : ""}`;
}

/** Of what waits, what could run now comes first. */
function Waiting({ pending, due, scheduled, held, isCapped }) {
  const least = isCapped ? "≥ " : "";
  const parts = [due && `${least}${count(due)} due`, scheduled && `${least}${count(scheduled)} later`, held && `${count(held)} held`];
  return html`${count(pending)}${pending > 0 && html`<small class="parts">${parts.filter(Boolean).join(", ")}</small>`}`;
}

function Running({ processing, maxRunning }) {
  return html`${count(processing)}${maxRunning !== null && html`<small> of ${count(maxRunning)}</small>`}`;
}

function Actions({ queue: { name, paused }, onLimits }) {
  const toggle = () =>
    paused
      ? act(RESUME, { name }, `The queue ${name} goes on.`)
      : act(PAUSE, { name }, `The queue ${name} is paused: what runs goes on, nothing more starts.`);
  return html`<div class="actions">
    <button type="button" onClick=${toggle} aria-label=${`${paused ? "Resume" : "Pause"} the queue ${name}`}>${paused ? "Resume" : "Pause"}</button>
    <button type="button" class="quiet" onClick=${onLimits} aria-label=${`Limits of the queue ${name}`}>Limits</button>
  </div>`;
}
