// A part of a view under its own heading.
import { html } from "../html.js";

/** `aside` stands beside the heading: a count, a button. */
export function Panel({ title, name, aside = null, children }) {
  const id = `panel-${name}`;
  return html`<section class="panel" aria-labelledby=${id} data-panel=${name}>
    <header><h2 id=${id}>${title}</h2>${aside && html`<div class="aside">${aside}</div>`}</header>
    ${children}
  </section>`;
}
