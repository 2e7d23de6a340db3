// The rows of the list. A row is drawn again only when it is another.
import { now } from "../clock.js";
import { clock, duration, percent } from "../format.js";
import { useMemo, useStore } from "../hooks.js";
import { html } from "../html.js";
import { Status } from "../parts/mark.js";
import { Clock } from "../parts/time.js";
import { href } from "../router.js";

export function Rows({ rows, caption, selected, onSelect, onSelectAll, holding }) {
  const all = rows.length > 0 && rows.every(({ task }) => selected.has(task.id));
  return html`<table role="table" class="tasks">
    <caption class="unseen">${caption}</caption>
    <thead role="rowgroup"><tr role="row">
      <th role="columnheader" scope="col"><label class="check">
        <input type="checkbox" aria-label="Select all rows of this page" checked=${all} onChange=${() => onSelectAll(!all)} />Task</label></th>
      <th role="columnheader" scope="col">Status</th>
      <th role="columnheader" scope="col">Course</th>
      <th role="columnheader" scope="col">Queue</th>
      <th role="columnheader" scope="col" class="number">Attempt</th>
      <th role="columnheader" scope="col">Inserted</th>
      <th role="columnheader" scope="col">By</th>
    </tr></thead>
    <tbody role="rowgroup" ...${holding}>
      ${rows.map((row) => html`<${Row} key=${row.task.id} row=${row} isSelected=${selected.has(row.task.id)} onSelect=${onSelect} />`)}
    </tbody>
  </table>`;
}

function Row({ row, isSelected, onSelect }) {
  return useMemo(() => drawn(row, isSelected, onSelect), [row, isSelected, onSelect]);
}

function drawn({ task, fresh, left }, isSelected, onSelect) {
  const { id, kind, description, status, error } = task;
  const look = [isSelected && "selected", fresh && "fresh", left && "left"].filter(Boolean).join(" ");
  const showsError = error && status !== "COMPLETED" && status !== "CANCELLED";
  return html`<tr role="row" data-row data-id=${id} tabindex="-1" class=${look} aria-selected=${isSelected ? "true" : "false"}>
    <td role="cell" class="task">
      <input type="checkbox" aria-label=${`Select task ${id}`} checked=${isSelected} onClick=${(event) => onSelect(id, event.shiftKey)} />
      <div>
        <a href=${href("task", { id })}><span class="kind">${kind}</span> <span class="id">${id}</span></a>
        ${description && html`<span class="description" dir="auto" title=${description}>${description}</span>`}
      </div>
    </td>
    <td role="cell" data-title="Status"><div>
      <${Status} status=${status} />
      ${showsError && html`<span class="error" dir="auto" title=${error.message}>${error.code}: ${error.message}</span>`}
    </div></td>
    <td role="cell" data-title="Course"><div><${Course} task=${task} /></div></td>
    <td role="cell" data-title="Queue"><div>${task.queue.name}</div></td>
    <td role="cell" data-title="Attempt" class="number"><div title=${`${task.failures} of ${task.maxAttempts} failures`}>${task.attempt}</div></td>
    <td role="cell" data-title="Inserted"><div><${Clock} at=${task.createdAt} /></div></td>
    <td role="cell" data-title="By"><div class="author" dir="auto" title=${task.createdBy}>${task.createdBy}</div></td>
  </tr>`;
}

/** How far it is, in words: due in 5 min, waits 3 s, runs 12 s, ran 1.2 s. */
export function Course({ task }) {
  const open = task.status === "PENDING" || task.status === "PROCESSING";
  const words = useStore(now, (time) => (open ? openCourse(task, time) : ""));
  if (!open) return html`<span title=${task.finishedAt && `ended ${clock(task.finishedAt)}`}>${closedCourse(task)}</span>`;
  return html`<span class="course">${words}${task.progress != null && html`<${Progress} value=${task.progress} of=${task.id} />`}</span>`;
}

export function Progress({ value, of }) {
  return html`<span class="progress"><progress max="1" value=${value} aria-label=${`Progress of task ${of}`}></progress>${percent(value)}</span>`;
}

function openCourse({ status, runAt, startedAt }, time) {
  const since = (at) => Math.max(0, Math.round((time - Date.parse(at)) / 1000));
  if (status === "PROCESSING") return `runs ${duration(since(startedAt))}`;
  if (Date.parse(runAt) > time + 500) return `due in ${duration(Math.round((Date.parse(runAt) - time) / 1000))}`;
  return `waits ${duration(since(runAt))}`;
}

function closedCourse({ startedAt, finishedAt, attempt }) {
  if (!attempt || !startedAt || !finishedAt) return "never ran";
  return `ran ${duration((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000)}`;
}
