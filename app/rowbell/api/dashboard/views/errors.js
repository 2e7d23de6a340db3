// Errors: what fails, grouped by what the failures have in common, and one click to try all again.
import { useKeys, useState, useStore, useWatch } from "../hooks.js";
import { html } from "../html.js";
import { Group } from "../errors/group.js";
import { Trouble, Waiting } from "../parts/trouble.js";
import { refine } from "../router.js";
import { may, session } from "../session.js";
import { DeedDialog } from "../tasks/deed-dialog.js";
import { words } from "../tasks/filter.js";

const ERRORS = `subscription Errors($filter: ErrorFilter, $first: Int) {
  errors(filter: $filter, first: $first, every: "PT2S") {
    fingerprint kind errorType title count firstSeenAt lastSeenAt trend queues message traceback lastTaskId failedNow
  }
}`;
const MOST = 100;
const WINDOWS = [["PT1H", "last hour"], ["P1D", "last 24 hours"], ["P7D", "last 7 days"]];
const USUAL = "P1D";

function View({ query }) {
  const { data, problem } = useWatch(ERRORS, { filter: filterOf(query), first: MOST });
  return html`<${Filters} query=${query} />
    <${Trouble} problem=${problem} />
    ${data ? html`<${Groups} groups=${data.errors} query=${query} />` : !problem && html`<${Waiting} />`}`;
}

function filterOf({ kind, queue, within }) {
  const filter = { window: WINDOWS.some(([name]) => name === within) ? within : USUAL };
  if (words(kind).length) filter.kind = words(kind);
  if (words(queue).length) filter.queue = words(queue);
  return filter;
}

function Filters({ query }) {
  const set = (name) => (event) => refine({ [name]: event.target.value.trim() }, { replace: true });
  return html`<form class="filters" role="search" aria-label="Filter errors" onSubmit=${(event) => event.preventDefault()}>
    <div class="filters-first">
      <label class="field"><span>Kind</span><input data-filter value=${query.kind ?? ""} onChange=${set("kind")} autocomplete="off" spellcheck=${false} /></label>
      <label class="field"><span>Queue</span><input value=${query.queue ?? ""} onChange=${set("queue")} autocomplete="off" spellcheck=${false} /></label>
      <label class="field"><span>Within</span><select value=${query.within ?? USUAL} onChange=${set("within")}>
        ${WINDOWS.map(([name, text]) => html`<option key=${name} value=${name}>${text}</option>`)}
      </select></label>
    </div>
  </form>`;
}

function Groups({ groups, query }) {
  const [retried, retry] = useState(null);
  const viewer = useStore(session, (state) => state.viewer);
  const mayRetry = may("OPERATOR", viewer);
  useKeys({ r: ["retry all of the group", () => mayRetry && retry(focused(groups))] });
  const span = WINDOWS.find(([name]) => name === (query.within ?? USUAL))?.[1] ?? "";
  if (groups.length === 0) return html`<p class="panel all-well">Nothing has failed in the ${span}.</p>`;
  return html`<ol class="groups" aria-label="Groups of errors, the last seen first">
      ${groups.map((group) => html`<${Group} key=${group.fingerprint} group=${group} words=${span} mayRetry=${mayRetry} onRetry=${() => retry(group)} />`)}
    </ol>
    ${retried && html`<${DeedDialog} deed="retry" filter=${{ errorFingerprint: [retried.fingerprint] }}
      what=${`FAILED tasks of kind ${retried.kind} with “${retried.errorType}: ${retried.title}”`} onClose=${() => retry(null)} />`}`;
}

function focused(groups) {
  const row = document.activeElement?.closest?.("[data-fingerprint]");
  return groups.find(({ fingerprint }) => fingerprint === row?.dataset.fingerprint) ?? null;
}

export const errors = { name: "errors", title: "Errors", key: "e", role: "OPERATOR", View };
