// A state as a shape, a colour and a word: whoever cannot see one of them has the others.
import { html } from "../html.js";

const SHAPES = {
  ring: html`<circle cx="8" cy="8" r="5.25" fill="none" stroke-width="2" />`,
  dot: html`<circle cx="8" cy="8" r="5" class="fill" />`,
  half: html`<circle cx="8" cy="8" r="5.25" fill="none" stroke-width="2" /><path d="M8 2.75a5.25 5.25 0 0 1 0 10.5z" class="fill" />`,
  play: html`<path d="M4.5 2.6v10.8l9-5.4z" class="fill" />`,
  pause: html`<path d="M4 3h3v10H4zM9 3h3v10H9z" class="fill" />`,
  check: html`<path d="M2.8 8.6 6.4 12l6.8-7.6" fill="none" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round" />`,
  cross: html`<path d="M3.5 3.5l9 9m0-9-9 9" fill="none" stroke-width="2.4" stroke-linecap="round" />`,
  slash: html`<circle cx="8" cy="8" r="5.25" fill="none" stroke-width="2" /><path d="M4.5 11.5l7-7" fill="none" stroke-width="2" />`,
  warn: html`<path d="M8 1.8 15 14H1z" class="fill" /><path d="M8 6v4m0 1.4v1.1" class="cut" stroke-width="1.6" fill="none" />`,
  bell: html`<path d="M2.5 11.5h11M8 4a4 4 0 0 1 4 4v3.5H4V8a4 4 0 0 1 4-4zm0 0V2.5M6.5 13.5h3" fill="none" stroke-width="1.5" stroke-linecap="round" />`,
  clock: html`<circle cx="8" cy="8" r="5.75" fill="none" stroke-width="1.8" /><path d="M8 4.8V8l2.2 1.6" fill="none" stroke-width="1.6" stroke-linecap="round" />`,
};

const STATES = {
  PENDING: ["ring", "pending"],
  PROCESSING: ["play", "processing"],
  COMPLETED: ["check", "good"],
  FAILED: ["cross", "bad"],
  CANCELLED: ["slash", "quiet"],
};

/** tone: good, bad, warn, quiet, pending, processing. Without words it is decoration. */
export function Mark({ shape, tone = "quiet", children }) {
  return html`<span class="mark ${tone}">
    <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">${SHAPES[shape]}</svg>${children}
  </span>`;
}

/** The status of a task, or a word with a shape of its own: of(STATES). */
export function Status({ status }) {
  const [shape, tone] = STATES[status] ?? ["ring", "quiet"];
  return html`<${Mark} shape=${shape} tone=${tone}>${status}<//>`;
}
