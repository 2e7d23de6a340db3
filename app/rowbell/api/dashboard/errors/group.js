// One group of errors: what was said, how often, where; and the way to retry all of its tasks.
import { count, many } from "../format.js";
import { html } from "../html.js";
import { Code } from "../parts/copy.js";
import { Ago } from "../parts/time.js";
import { href } from "../router.js";
import { Trend } from "./trend.js";

export function Group({ group, words, mayRetry, onRetry }) {
  const { fingerprint, kind, errorType, title, message, traceback, trend, queues, failedNow, lastTaskId } = group;
  return html`<li class="panel group" data-row tabindex="-1" data-fingerprint=${fingerprint}>
    <div class="group-head">
      <h2><span class="type">${errorType}</span> <span class="title" dir="auto">${title}</span></h2>
      <${Trend} counts=${trend} words=${words} />
    </div>
    <dl class="group-facts">
      <div><dt>Kind</dt><dd><a href=${href("tasks", { query: { kind, status: "FAILED" } })}>${kind}</a></dd></div>
      <div><dt>Queue</dt><dd>${queues.join(", ")}</dd></div>
      <div><dt>Failures</dt><dd>${count(group.count)}</dd></div>
      <div><dt>First seen</dt><dd><${Ago} at=${group.firstSeenAt} /></dd></div>
      <div><dt>Last seen</dt><dd><${Ago} at=${group.lastSeenAt} /></dd></div>
      <div><dt>FAILED now</dt><dd class=${failedNow ? "tone-bad" : ""}>${failedNow >= 10_000 ? "10,000 or more" : count(failedNow)}</dd></div>
    </dl>
    <details>
      <summary>What the last one said</summary>
      <p class="message" dir="auto">${message}</p>
      ${traceback ? html`<${Code} text=${traceback} label="Traceback of the last one" />` : html`<p class="none">There is no traceback of it.</p>`}
    </details>
    <div class="actions">
      ${lastTaskId && html`<a href=${href("task", { id: lastTaskId })}>Task ${lastTaskId}</a>`}
      ${mayRetry && failedNow > 0 && html`<button type="button" onClick=${onRetry}>Retry ${failedNow >= 10_000 ? "all" : many(failedNow, "task")} …</button>`}
    </div>
  </li>`;
}
