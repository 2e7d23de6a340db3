// Recurring tasks: when they run next, how the last one ended; run now, pause, resume.
import { act } from "../act.js";
import { duration, many, secondsOf } from "../format.js";
import { useState, useWatch } from "../hooks.js";
import { html } from "../html.js";
import { Mark, Status } from "../parts/mark.js";
import { Panel } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { Ago, Clock } from "../parts/time.js";
import { Trouble, Waiting } from "../parts/trouble.js";
import { sentence } from "../problem.js";
import { task } from "../places.js";
import { refine } from "../router.js";

const SCHEDULES = `subscription {
  schedules(every: "PT2S") {
    name kind queue state cron every timeZone missed nextRunAt nextRunLocal lastRunAt problem description source pausedBy
    nextRuns(first: 5)
    lastTask { id status finishedAt }
  }
}`;
const PAUSE = "mutation ($name: String!) { pauseSchedule(name: $name) { name } }";
const RESUME = "mutation ($name: String!) { resumeSchedule(name: $name) { name } }";
const RUN = "mutation ($name: String!) { runSchedule(name: $name) { id } }";

const STATES = {
  ACTIVE: ["dot", "good"],
  PAUSED: ["pause", "warn"],
  NEW: ["ring", "quiet"],
  OVERDUE: ["clock", "bad"],
  UNREADABLE: ["cross", "bad"],
  UNDECLARED: ["slash", "warn"],
};

function View({ query }) {
  const { data, problem } = useWatch(SCHEDULES);
  if (problem) return html`<${Trouble} problem=${problem} />`;
  if (!data) return html`<${Waiting} />`;
  const text = (query.text ?? "").toLowerCase();
  const shown = data.schedules.filter(({ name, kind, state }) => !text || `${name} ${kind} ${state}`.toLowerCase().includes(text));
  return html`<${Panel} title=${many(data.schedules.length, "schedule")} name="schedules" aside=${html`<${Filter} text=${query.text ?? ""} />`}>
    <${Table} caption="Recurring tasks" columns=${COLUMNS} rows=${shown} keyOf=${({ name }) => name}
      empty=${text ? "No schedule matches." : "Nothing recurs. rowbell schedule add makes one, or @task(cron=…), or a row of rowbell.schedules."} />
  <//>`;
}

function Filter({ text }) {
  return html`<input type="search" data-filter aria-label="Filter by name, kind or state" placeholder="Filter" value=${text}
    onInput=${({ target }) => refine({ text: target.value }, { replace: true })} />`;
}

const COLUMNS = [
  { title: "Schedule", cell: Name },
  { title: "Times", cell: Times },
  { title: "Next run", cell: Next },
  { title: "Last run", cell: Last },
  { title: "", wide: true, cell: (row) => html`<${Actions} schedule=${row} />` },
];

function Name({ name, kind, queue, state, problem, description, pausedBy, source }) {
  const [shape, tone] = STATES[state];
  return html`<b>${name}</b> <${Mark} shape=${shape} tone=${tone}>${state.toLowerCase()}${pausedBy ? ` by ${pausedBy}` : ""}<//>
    <small class="parts">${kind} in ${queue}, kept in ${source === "code" ? "code" : "SQL"}${description ? `: ${description}` : ""}</small>
    ${problem && html`<p class="tone-bad">${sentence(problem)}</p>`}`;
}

function Times({ cron, every, timeZone, missed }) {
  return html`${cron ? html`<code>${cron}</code>` : `every ${duration(secondsOf(every))}`}
    <small class="parts">${cron ? `${timeZone}, ` : ""}missed runs: ${missed.toLowerCase()}</small>`;
}

function Next({ nextRunAt, nextRunLocal, nextRuns }) {
  if (!nextRunAt) return html`<span class="none">—</span>`;
  return html`<${Ago} at=${nextRunAt} />
    <details><summary>${nextRunLocal}</summary><ol>${nextRuns.map((at) => html`<li key=${at}><${Clock} at=${at} /></li>`)}</ol></details>`;
}

function Last({ lastRunAt, lastTask }) {
  if (!lastRunAt) return html`<span class="none">not yet</span>`;
  return html`<${Ago} at=${lastRunAt} />${lastTask && html`<div><a href=${task(lastTask.id)}><${Status} status=${lastTask.status} /></a></div>`}`;
}

function Actions({ schedule: { name, state } }) {
  const [busy, work] = useState(false);
  const doing = async (...change) => {
    work(true);
    await act(...change);
    work(false);
  };
  const paused = state === "PAUSED";
  return html`<div class="actions">
    <button type="button" disabled=${busy} aria-label=${`Run ${name} now`}
      onClick=${() => doing(RUN, { name }, ({ runSchedule }) => `Task ${runSchedule.id} was enqueued.`)}>Run now</button>
    <button type="button" class="quiet" disabled=${busy} aria-label=${`${paused ? "Resume" : "Pause"} ${name}`}
      onClick=${() => (paused ? doing(RESUME, { name }, `${name} goes on with its next run.`) : doing(PAUSE, { name }, `${name} is paused.`))}
    >${paused ? "Resume" : "Pause"}</button>
  </div>`;
}

export const schedules = { name: "schedules", title: "Schedules", key: "s", role: "OPERATOR", View };
