// Where the handler of a running task is at this moment: asked for from its worker, on request.
import { useAsk } from "../hooks.js";
import { html } from "../html.js";
import { Code } from "../parts/copy.js";
import { Dialog } from "../parts/dialog.js";
import { Clock } from "../parts/time.js";
import { Trouble } from "../parts/trouble.js";
import { sentence } from "../problem.js";

const STACK = "query ($task: ID!) { stack(task: $task) { attempt at stack reason } }";

export function Stack({ task, onClose }) {
  const { data, problem, busy, again } = useAsk(STACK, { task: task.taskId });
  const found = data?.stack;
  return html`<${Dialog} title=${`Stack of task ${task.taskId}, ${task.kind}`} onClose=${onClose}>
    <div class="stack" aria-live="polite">
      <${Trouble} problem=${problem} />
      ${!found && !problem && html`<p>Asking its worker …</p>`}
      ${found?.reason && html`<p>${sentence(found.reason)}</p>`}
      ${found?.stack && html`<${Code} text=${found.stack} label=${`Stack of task ${task.taskId}`} />
        <p class="none">Attempt ${found.attempt}, at <${Clock} at=${found.at} />.</p>`}
    </div>
    <footer><button type="button" class="primary" disabled=${busy} onClick=${again}>Look again</button></footer>
  <//>`;
}
