// What happens now, what has happened, and what needs somebody.
import { count, many, percent } from "../format.js";
import { useStore } from "../hooks.js";
import { html } from "../html.js";
import { overview } from "../overview.js";
import { AttentionList } from "../parts/attention.js";
import { Code } from "../parts/copy.js";
import { Mark, Status } from "../parts/mark.js";
import { Panel } from "../parts/panel.js";
import { Trouble, Waiting } from "../parts/trouble.js";
import { tasks } from "../places.js";
import { href } from "../router.js";
import { Charts } from "./now-charts.js";
import { Queues } from "./now-queues.js";

const FIRST = "insert into rowbell.tasks (kind, payload)\nvalues ('echo', '{\"hello\": \"world\"}') returning id;";

function View({ query }) {
  const { data, problem } = useStore(overview);
  if (problem && !data) return html`<${Trouble} problem=${problem} />`;
  if (!data) return html`<${Waiting} />`;
  return html`
    ${problem && html`<${Trouble} problem=${problem} />`}
    <${Attention} items=${data.attention} />
    <${Counts} data=${data} />
    ${isNew(data.counts) && html`<${First} />`}
    <${Charts} data=${data} window=${query.window} />
    <${Queues} queues=${data.queues} />
  `;
}

function isNew(counts) {
  return Object.values(counts).every((number) => number === 0);
}

function Attention({ items }) {
  if (items.length === 0) return html`<p class="calm"><${Mark} shape="check" tone="good">Nothing needs you.<//></p>`;
  return html`<${Panel} title="Needs attention" name="attention" aside=${many(items.length, "thing")}>
    <${AttentionList} items=${items} here="NOW" />
  <//>`;
}

const STATUSES = ["PENDING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"];

function Counts({ data }) {
  const { counts, slots, busy, workers, stats } = data;
  return html`<section class="counts" aria-label="Tasks by status">
    ${STATUSES.map(
      (status) => html`<a key=${status} href=${tasks({ status })} class=${counts[status.toLowerCase()] === 0 ? "zero" : ""}>
        <${Status} status=${status} /><b>${count(counts[status.toLowerCase()])}</b>
      </a>`,
    )}
    <a href=${href("workers")}>
      <${Mark} shape="half">${many(workers, "worker").toUpperCase()}<//>
      <b>${count(busy)}<small> of ${many(slots, "slot")} busy</small></b>
    </a>
    <p class="hour">In the last hour ${many(stats.created, "task")} came, ${count(stats.completed)} were completed and ${count(stats.failed)} failed${failedShare(stats)}.</p>
  </section>`;
}

function failedShare({ completed, failed }) {
  return failed > 0 ? ` (${percent(failed / (completed + failed))})` : "";
}

/** For who has just started it. */
function First() {
  return html`<${Panel} title="No task yet" name="first">
    <div class="padded">
      <p>Insert a row, and it runs. In psql (<code>rowbell psql</code> opens it on this database):</p>
      <${Code} text=${FIRST} label="SQL that inserts a task" />
      <p>Or over GraphQL: <a href="graphql">try it in the browser</a>.</p>
    </div>
  <//>`;
}

export const now = { name: "now", title: "Now", key: "n", role: "OPERATOR", View, Count };

function Count() {
  const items = useStore(overview, ({ data }) => data?.attention) ?? [];
  const loud = items.filter(({ severity }) => severity !== "NOTICE");
  if (loud.length === 0) return null;
  const bad = loud.some(({ severity }) => severity === "CRITICAL");
  return html`<span class=${`count ${bad ? "bad" : "warn"}`}>${loud.length}<span class="unseen"> need attention</span></span>`;
}
