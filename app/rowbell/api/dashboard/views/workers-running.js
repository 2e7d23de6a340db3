// What the workers run now, the longest first.
import { count, many, percent } from "../format.js";
import { html } from "../html.js";
import { Meter } from "../parts/meter.js";
import { Panel } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { Ago } from "../parts/time.js";
import { task } from "../places.js";
import { refine } from "../router.js";

const SHOWN = 100;

export function Running({ workers, chosen, onStack }) {
  const of = workers.filter(({ id }) => !chosen || id === chosen);
  const running = of
    .flatMap((worker) => worker.running.map((each) => ({ ...each, worker: worker.id })))
    .sort((one, other) => (one.startedAt < other.startedAt ? -1 : 1));
  const columns = [
    { title: "Task", cell: Task },
    { title: "Worker", cell: ({ worker }) => worker },
    { title: "Queue", cell: ({ queue }) => queue },
    { title: "Attempt", number: true, cell: ({ attempt }) => count(attempt) },
    { title: "Begun", number: true, cell: ({ startedAt }) => html`<${Ago} at=${startedAt} />` },
    { title: "Progress", cell: Progress },
    { title: "", wide: true, cell: (row) => html`<div class="actions"><button type="button" onClick=${() => onStack(row)} aria-label=${`Live stack of task ${row.taskId}`}>Stack</button></div>` },
  ];
  return html`<${Panel} title=${`They run ${many(running.length, "task")}`} name="running" aside=${html`<${Choice} workers=${workers} chosen=${chosen} />`}>
    <${Table} caption="Tasks that run now" columns=${columns} rows=${running.slice(0, SHOWN)} keyOf=${({ taskId, attempt }) => `${taskId}/${attempt}`}
      empty="Nothing runs at this moment." />
    ${running.length > SHOWN && html`<p class="more">The ${SHOWN} longest are shown.</p>`}
  <//>`;
}

function Choice({ workers, chosen }) {
  return html`<select aria-label="Of which worker" data-filter value=${chosen} onChange=${({ target }) => refine({ worker: target.value })}>
    <option value="">all workers</option>
    ${workers.map(({ id, host, pid }) => html`<option value=${id} selected=${id === chosen}>${id}: ${host}, process ${pid}</option>`)}
  </select>`;
}

function Task({ taskId, kind, description }) {
  return html`<a href=${task(taskId)}>${taskId}</a> ${kind}${description && html`<small class="parts">${description}</small>`}`;
}

function Progress({ progress, cancelRequested }) {
  if (cancelRequested) return html`<span class="tone-warn">asked to stop</span>`;
  if (progress === null) return html`<span class="none">—</span>`;
  return html`<${Meter} share=${progress} /> ${percent(progress)}`;
}
