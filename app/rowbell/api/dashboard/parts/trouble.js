// What a view shows instead of what it could not get.
import { html } from "../html.js";
import { sentence } from "../problem.js";

export function Trouble({ problem, again = null }) {
  if (!problem) return null;
  return html`<div class="trouble" role="alert">
    <strong>${sentence(problem.message)}</strong> ${sentence(problem.hint)}
    ${again && html` <button type="button" class="quiet" onClick=${again}>Try again</button>`}
  </div>`;
}

/** While the first answer is on its way; says nothing for the moment that it usually takes. */
export function Waiting() {
  return html`<p class="waiting" role="status">Reading …</p>`;
}
