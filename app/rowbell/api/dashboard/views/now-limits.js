// The form that sets the limits of a queue.
import { act } from "../act.js";
import { html } from "../html.js";
import { Dialog } from "../parts/dialog.js";

const SET = `mutation ($name: String!, $limits: LimitsInput!) {
  setQueueLimits(name: $name, limits: $limits) { name }
}`;
const FIELDS = [
  ["maxRunning", "Tasks that run at once", "1", "0"],
  ["rate", "Tasks started a second", "any", "0"],
  ["burst", "Started at once after a pause", "1", "1"],
];

export function Limits({ queue, onClose }) {
  async function submit(event) {
    event.preventDefault();
    const filled = new FormData(event.target);
    const limits = Object.fromEntries(FIELDS.map(([name]) => [name, numberOf(filled.get(name))]));
    if (await act(SET, { name: queue.name, limits }, `The limits of ${queue.name} hold from the next claim on.`)) onClose();
  }
  return html`<${Dialog} title=${`Limits of ${queue.name}`} onClose=${onClose}>
    <form class="limits" onSubmit=${submit}>
      <p>Over all workers. An empty field is no limit.</p>
      ${FIELDS.map(
        ([name, words, step, least]) => html`<label key=${name}><span>${words}</span>
          <input name=${name} type="number" inputmode="decimal" min=${least} step=${step} defaultValue=${queue[name] ?? ""} />
        </label>`,
      )}
      <footer>
        <button type="button" onClick=${onClose}>Cancel</button>
        <button type="submit" class="primary">Set limits</button>
      </footer>
    </form>
  <//>`;
}

function numberOf(text) {
  return text === "" ? null : Number(text);
}
