// How often it failed in each 24th of the window, as small bars.
import { many } from "../format.js";
import { html } from "../html.js";

const HEIGHT = 28;
const STEP = 6;

export function Trend({ counts, words }) {
  const most = Math.max(1, ...counts);
  const sum = counts.reduce((one, other) => one + other, 0);
  return html`<svg class="trend" viewBox="0 0 ${counts.length * STEP} ${HEIGHT}" role="img" aria-label=${`${many(sum, "failure")} in the ${words}`}>
    ${counts.map((count, index) => {
      const height = count ? Math.max(3, (count / most) * HEIGHT) : 1;
      return html`<rect key=${index} class=${count ? "some" : "none"} x=${index * STEP} y=${HEIGHT - height} width=${STEP - 2} height=${height} />`;
    })}
  </svg>`;
}
