// Instants: how long ago, with the clock time on hover; drawn anew each second.
import { now } from "../clock.js";
import { ago, clock } from "../format.js";
import { useStore } from "../hooks.js";
import { html } from "../html.js";

export function Ago({ at }) {
  const words = useStore(now, (time) => ago(at, time));
  if (at == null) return html`<span class="none">—</span>`;
  return html`<time datetime=${new Date(at).toISOString()} title=${new Date(at).toLocaleString()}>${words}</time>`;
}

export function Clock({ at }) {
  if (at == null) return html`<span class="none">—</span>`;
  return html`<time datetime=${new Date(at).toISOString()} title=${new Date(at).toLocaleString()}>${clock(at)}</time>`;
}
