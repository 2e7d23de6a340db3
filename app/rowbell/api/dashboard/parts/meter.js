// How much of something is taken, as a bar: beside a number, which says the same.
import { html } from "../html.js";

/** share: 0 to 1; from `warnAt` on it is coloured as a warning. */
export function Meter({ share, warnAt = Infinity }) {
  const width = Math.min(100, Math.max(0, share * 100));
  return html`<span class=${`meter${share >= warnAt ? " warn" : ""}`} aria-hidden="true">
    <svg viewBox="0 0 100 1" preserveAspectRatio="none"><rect width=${width} height="1" /></svg>
  </span>`;
}
