// One task: how it stands, what happened to it, why it does not run, and what can be done.
import { act } from "../act.js";
import { useAsk, useEffect, useKeys, useRef, useState, useStore, useWatch } from "../hooks.js";
import { html } from "../html.js";
import { Code } from "../parts/copy.js";
import { Status } from "../parts/mark.js";
import { Panel } from "../parts/panel.js";
import { Trouble, Waiting } from "../parts/trouble.js";
import { sentence } from "../problem.js";
import { go, href } from "../router.js";
import { may, session } from "../session.js";
import { Attempts } from "../task/attempts.js";
import { commandsFor } from "../task/commands.js";
import { Facts } from "../task/facts.js";
import { Json } from "../task/json.js";
import { CANCEL, EVENTS, LIVE, RETRY, WHOLE } from "../task/questions.js";
import { Timeline } from "../task/timeline.js";
import { Why } from "../task/why.js";
import { CreateDialog } from "../tasks/create-dialog.js";
import { Progress } from "../tasks/rows.js";

const PROGRESS_MS = 1_000;

function View({ id }) {
  if (!/^[0-9]{1,19}$/.test(id)) return html`<p>A task has a number: this address has none. <a href=${href("tasks")}>All tasks</a></p>`;
  return html`<${Watched} key=${id} id=${id} />`;
}

function Watched({ id }) {
  const { task, problem, again } = useTask(id);
  if (!task && problem) return html`<${Trouble} problem=${problem} again=${again} />`;
  if (task === null) return html`<${Gone} id=${id} />`;
  if (!task) return html`<${Waiting} />`;
  return html`<${Trouble} problem=${problem} again=${again} /><${Shown} task=${task} />`;
}

/** The whole of it, asked for whenever something has happened to it; how it stands, pushed. */
function useTask(id) {
  const whole = useAsk(WHOLE, { id });
  const refresh = useOften(whole.again);
  const [lives, relive] = useState(0);
  useWatch(EVENTS, { filter: { ids: [id] } }, {
    cursorOf: (data) => data.taskChanges.cursor,
    onNext({ taskChanges: { event } }) {
      if (!event) return;
      // Of progress the subscription of the task tells more.
      refresh(event.kind === "UPDATED" ? PROGRESS_MS : 0);
      if (event.kind === "REOPENED") relive((count) => count + 1);
    },
  });
  // The subscription ends with the task: another life of it is another subscription.
  const { data, at } = useWatch(LIVE, { id, lives });
  const live = { task: data?.task, at };
  const asked = whole.data?.task;
  // Whichever is newer tells how it stands.
  const task = asked && live.task && live.at >= whole.at ? { ...asked, ...live.task, error: live.task.error && { ...asked.error, ...live.task.error } } : asked;
  return { task, problem: whole.problem, again: whole.again };
}

/** Calls at most once in so many ms, and always once more after the last call. */
function useOften(call) {
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (ms) => {
    if (ms && timer.current) return;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      timer.current = 0;
      call();
    }, ms);
  };
}

function Gone({ id }) {
  return html`<p>There is no task ${id}, or it is not yours. Finished tasks are deleted after the retention. <a href=${href("tasks")}>All tasks</a></p>`;
}

function Shown({ task }) {
  const { id, kind, description, status, payload, result, error, can, progress } = task;
  const viewer = useStore(session, (state) => state.viewer);
  const [cloning, clone] = useState(false);
  const retry = () => act(RETRY, { id }, `Task ${id} waits again.`, { undo: { label: "Undo", run: () => act(CANCEL, { id }, "Taken back: it is CANCELLED again.") } });
  const cancel = () => act(CANCEL, { id }, cancelledWords, status === "PENDING" ? { undo: { label: "Undo", run: () => act(RETRY, { id }, `Task ${id} waits again.`) } } : {});
  useKeys({
    r: ["retry the task", () => can.retry && retry()],
    c: ["cancel the task", () => can.cancel && cancel()],
    y: ["clone it with another payload", () => clone(true)],
    u: ["up, to the list", () => go("tasks")],
  });
  return html`
    <header class="task-head">
      <p class="what"><strong>${kind}</strong> <${Status} status=${status} />${task.cancelRequestedAt && status === "PROCESSING" && html`<span class="none">asked to stop</span>`}
        ${progress != null && status === "PROCESSING" && html`<${Progress} value=${progress} of=${id} />`}</p>
      ${description && html`<p class="words" dir="auto">${description}</p>`}
      <div class="actions" role="toolbar" aria-label="What to do with the task">
        ${can.retry && html`<button type="button" class="primary" onClick=${retry}>Retry</button>`}
        ${can.cancel && html`<button type="button" class="danger" onClick=${cancel}>Cancel</button>`}
        ${may("PRODUCER", viewer) && html`<button type="button" onClick=${() => clone(true)}>Clone …</button>`}
      </div>
    </header>
    <section class="panel" aria-label="Facts"><${Facts} task=${task} /></section>
    ${error && status !== "COMPLETED" && html`<${Failure} error=${error} kind=${kind} />`}
    <${Why} task=${task} />
    <${Timeline} task=${task} />
    <div class="grid">
      <${Panel} title="Payload" name="payload"><${Json} value=${payload} label="Payload as JSON" /><//>
      ${status === "COMPLETED" && html`<${Panel} title="Result" name="result"><${Json} value=${result} label="Result as JSON" /><//>`}
    </div>
    <${Attempts} attempts=${task.attempts} />
    <${ByHand} task=${task} />
    ${cloning && html`<${CreateDialog} title=${`Clone of task ${id}`} like=${{ ...task, queue: task.queue.name }} onClose=${() => clone(false)} />`}`;
}

function cancelledWords({ cancelTask: { id, status } }) {
  return status === "CANCELLED" ? `Task ${id} is cancelled.` : `Task ${id} was asked to stop.`;
}

function Failure({ error, kind }) {
  return html`<div class="failure">
    <p dir="auto"><strong>${error.code}</strong> ${sentence(error.message)}</p>
    <p>${error.retryable === false ? "The handler gave up: no further attempt can succeed. " : ""}
      <a href=${href("errors", { query: { kind } })}>Errors of this kind</a></p>
  </div>`;
}

function ByHand({ task }) {
  return html`<${Panel} title="The same by hand" name="by-hand">
    <div class="by-hand">${commandsFor(task).map(([title, text]) => html`<details key=${title} open=${title === "psql"}>
      <summary>${title}</summary><${Code} text=${text} label=${title} />
    </details>`)}</div>
  <//>`;
}

export const task = { name: "task", title: "Task", within: "tasks", View };
