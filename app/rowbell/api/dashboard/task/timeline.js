// What happened to the task, drawn and told, and who did it.
import { clock, duration } from "../format.js";
import { html } from "../html.js";
import { Panel } from "../parts/panel.js";
import { Mark } from "../parts/mark.js";
import { sentence } from "../problem.js";
import { spansOf, spansOfAttempts } from "./spans.js";
import { Waterfall } from "./waterfall.js";

const MOST = 200;

export function Timeline({ task }) {
  const { timeline, createdAt } = task;
  const isWhole = timeline.some(({ kind }) => kind === "CREATED");
  const spans = timeline.length && isWhole ? spansOf(timeline, task) : spansOfAttempts(task);
  const steps = timeline.slice(-MOST);
  return html`<${Panel} title="Timeline" name="timeline">
    ${spans.length > 0 && html`<${Waterfall} spans=${spans} />`}
    ${timeline.length > 0 && !isWhole && html`<p class="none">The journal does not reach back to its beginning.</p>`}
    ${steps.length > 0 && html`<table role="table" class="steps">
      <caption class="unseen">What happened to task ${task.id}, oldest first</caption>
      <thead role="rowgroup"><tr role="row">
        <th role="columnheader" scope="col">At</th><th role="columnheader" scope="col" class="number">After</th>
        <th role="columnheader" scope="col">What happened</th><th role="columnheader" scope="col">Who</th>
      </tr></thead>
      <tbody role="rowgroup">${steps.map((entry, index) => html`<${Step} key=${index} entry=${entry} since=${createdAt} />`)}</tbody>
    </table>`}
    ${timeline.length > MOST && html`<p class="none">The last ${MOST} of ${timeline.length} entries.</p>`}
  <//>`;
}

function Step({ entry, since }) {
  const seconds = Math.max(0, (Date.parse(entry.at) - Date.parse(since)) / 1000);
  return html`<tr role="row">
    <td role="cell" data-title="At"><div><time datetime=${entry.at}>${clock(entry.at)}<small>.${entry.at.slice(20, 23)}</small></time></div></td>
    <td role="cell" data-title="After" class="number"><div>+${duration(seconds)}</div></td>
    <td role="cell" data-title="What happened" class="wide"><div><bdi>${sentence(entry.sentence)}</bdi>${entry.rang && html` <${Mark} shape="bell" tone="processing">bell rung<//>`}</div></td>
    <td role="cell" data-title="Who" class="wide"><div><bdi>${whoOf(entry)}</bdi></div></td>
  </tr>`;
}

/** alice through the API; postgres in psql; worker 3. */
function whoOf({ subject, application, role, workerId, kind }) {
  if (subject) return `${subject}, through the API`;
  const byWorker = workerId && kind !== "CREATED" && kind !== "REOPENED" && kind !== "CANCEL_REQUESTED";
  if (byWorker && application.startsWith("rowbell")) return `worker ${workerId}`;
  return application ? `${role}, in ${application}` : role;
}
