// The attempts: how each ended, where it was raised, what it logged.
import { clock, duration } from "../format.js";
import { html } from "../html.js";
import { Code } from "../parts/copy.js";
import { Mark } from "../parts/mark.js";
import { Panel } from "../parts/panel.js";
import { sentence } from "../problem.js";

const MOST = 50;

const LOOKS = {
  COMPLETED: ["check", "good", "completed"], FAILED: ["cross", "bad", "failed"], CANCELLED: ["slash", "quiet", "cancelled"],
  RELEASED: ["slash", "quiet", "released"], LOST: ["warn", "bad", "lost with its worker"],
};

export function Attempts({ attempts }) {
  if (attempts.length === 0) return null;
  const shown = attempts.slice(-MOST).reverse();
  return html`<${Panel} title="Attempts" name="attempts" aside=${attempts.length > MOST ? `the last ${MOST} of ${attempts.length}` : null}>
    <ol class="attempts">${shown.map((each, index) => html`<${Attempt} key=${each.number} attempt=${each} isLast=${index === 0} />`)}</ol>
  <//>`;
}

function Attempt({ attempt, isLast }) {
  const { number, outcome, startedAt, seconds, error, traceback, lines, workerId } = attempt;
  const [shape, tone, word] = outcome ? (LOOKS[outcome] ?? ["ring", "quiet", outcome.toLowerCase()]) : ["play", "processing", "runs"];
  return html`<li>
    <details open=${isLast}>
      <summary>
        <span class="name">Attempt ${number}</span> <${Mark} shape=${shape} tone=${tone}>${word}<//>
        <span class="when">${startedAt && clock(startedAt)}${seconds != null && `, ${duration(seconds)}`}${workerId && `, worker ${workerId}`}</span>
      </summary>
      ${error && html`<p class="tone-bad" dir="auto"><strong>${error.code}</strong> ${sentence(error.message)}</p>`}
      ${traceback && html`<${Code} text=${traceback} label=${`Traceback of attempt ${number}`} />`}
      ${lines.length > 0 && html`<${Lines} lines=${lines} number=${number} />`}
      ${!error && !traceback && lines.length === 0 && html`<p class="none">${outcome ? "It logged nothing." : "What it logs is here when it has ended."}</p>`}
    </details>
  </li>`;
}

function Lines({ lines, number }) {
  return html`<ol class="lines" aria-label=${`Log of attempt ${number}`} tabindex="0">
    ${lines.map(({ at, text, fields }, index) => html`<li key=${index}>
      <time datetime=${at}>${clock(at)}</time> <span dir="auto">${text}</span> ${fieldsOf(fields)}
    </li>`)}
  </ol>`;
}

function fieldsOf(fields) {
  if (fields === null || typeof fields !== "object") return null;
  return Object.entries(fields).map(([name, value]) => html`<span class="log-field" key=${name}>${name}=<b>${typeof value === "string" ? value : JSON.stringify(value)}</b></span> `);
}
