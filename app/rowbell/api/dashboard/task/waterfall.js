// The waterfall: a bar for each span, one below the other, along one axis of time.
import { now } from "../clock.js";
import { duration } from "../format.js";
import { useStore } from "../hooks.js";
import { html } from "../html.js";
import { Mark } from "../parts/mark.js";

const WIDTH = 1000;
const HEIGHT = 14;
const NARROWEST = 4;
const MOST = 24;
const TICKS = 4;

export function Waterfall({ spans }) {
  const goesOn = spans.some(({ open, ahead }) => open || ahead);
  const time = useStore(now, (at) => (goesOn ? at : 0)) || Date.now();
  const shown = spans.slice(-MOST);
  const [from, to] = bounds(shown, time);
  return html`<figure class="waterfall">
    ${spans.length > MOST && html`<p class="none">The last ${MOST} of ${spans.length} spans; the table has all that happened.</p>`}
    <ol aria-label="Spans of time">
      ${shown.map((span, index) => html`<${Bar} key=${index} span=${span} from=${from} to=${to} time=${time} />`)}
    </ol>
    <div class="axis" aria-hidden="true">
      ${Array.from({ length: TICKS + 1 }, (_, tick) => html`<span key=${tick}>${tick === 0 ? "0" : `+${duration(((to - from) * tick) / TICKS / 1000)}`}</span>`)}
    </div>
  </figure>`;
}

function bounds(spans, time) {
  const from = Math.min(...spans.map((span) => span.from));
  const to = Math.max(...spans.map((span) => span.to ?? time));
  return [from, Math.max(to, from + 1)];
}

function Bar({ span, from, to, time }) {
  const end = span.to ?? Math.max(time, span.from);
  const scale = WIDTH / (to - from);
  const width = Math.max((end - span.from) * scale, NARROWEST);
  const x = Math.min((span.from - from) * scale, WIDTH - width);
  const seconds = (end - span.from) / 1000;
  return html`<li>
    <span class="name">${span.label}</span>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
      <path class="rail" d="M0 ${HEIGHT / 2}H${WIDTH}" />
      <rect class=${`bar ${span.tone} ${span.swept ? "swept" : ""}`} x=${x} y="0" width=${width} height=${HEIGHT} />
    </svg>
    <span class="length">${duration(seconds)}${span.open && " …"}</span>
    <span class="note">${span.swept ? html`<${Mark} shape="warn" tone="warn">${span.note}<//>` : span.note}</span>
  </li>`;
}
