// What happens now.
import { many, rate } from "../format.js";
import { useWatch } from "../hooks.js";
import { html } from "../html.js";
import { Panel } from "../parts/panel.js";
import { Trouble, Waiting } from "../parts/trouble.js";

const STATS = `subscription { stats(window: "PT1M", every: "PT1S") { pending processing throughput } }`;

function View() {
  const { data, problem } = useWatch(STATS);
  if (problem) return html`<${Trouble} problem=${problem} />`;
  if (!data) return html`<${Waiting} />`;
  const { pending, processing, throughput } = data.stats;
  return html`<${Panel} title="Tasks" name="counts">
    <p>${many(pending, "task")} waiting, ${processing} running, ${rate(throughput)} completed.</p>
  <//>`;
}

export const now = { name: "now", title: "Now", key: "n", role: "OPERATOR", View };
