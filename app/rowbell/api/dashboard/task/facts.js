// What the task is, in short.
import { count } from "../format.js";
import { html } from "../html.js";
import { Ago, Clock } from "../parts/time.js";
import { href } from "../router.js";

export function Facts({ task }) {
  const facts = [
    ["Queue", html`<a href=${href("tasks", { query: { queue: task.queue.name } })}>${task.queue.name}</a>${task.queue.paused && html`<small>paused</small>`}`],
    ["Attempts", html`${count(task.attempt)}<small>${task.failures} of ${task.maxAttempts} failures${task.crashes > 0 && `, ${task.crashes} lost with a worker`}</small>`],
    ["Inserted", html`<${Ago} at=${task.createdAt} /><small>by <bdi>${task.createdBy}</bdi></small>`],
    task.status === "PENDING" && ["Not before", html`<${Ago} at=${task.runAt} /><small><${Clock} at=${task.runAt} /></small>`],
    task.startedAt && ["Last begun", html`<${Ago} at=${task.startedAt} /><small><${Clock} at=${task.startedAt} /></small>`],
    task.finishedAt && ["Ended", html`<${Ago} at=${task.finishedAt} /><small><${Clock} at=${task.finishedAt} /></small>`],
    task.cancelRequestedAt && ["Cancel asked for", html`<${Ago} at=${task.cancelRequestedAt} />`],
    task.priority !== 0 && ["Priority", task.priority],
    task.uniqueKey && ["Unique key", html`<bdi>${task.uniqueKey}</bdi>`],
    task.concurrencyKey && ["Concurrency key", html`<bdi>${task.concurrencyKey}</bdi>`],
    task.batch && ["Batch", html`<bdi>${task.batch}</bdi>`],
    task.afterBatch && ["After the batch", html`<bdi>${task.afterBatch}</bdi>`],
    task.after.length > 0 && ["After", task.after.map((id) => html`<a key=${id} href=${href("task", { id })}>${id}</a> `)],
    task.audience.length > 0 && ["Shared with", html`<bdi>${task.audience.join(", ")}</bdi>`],
  ];
  return html`<dl class="facts">
    ${facts.filter(Boolean).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}
