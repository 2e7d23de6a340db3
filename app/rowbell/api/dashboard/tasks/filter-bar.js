// The filter of the list. What is typed goes into the address, and from there to the list.
import { ask } from "../client.js";
import { useEffect, useRef, useState, useStore } from "../hooks.js";
import { html } from "../html.js";
import { refine } from "../router.js";
import { may, session } from "../session.js";
import { cleared, isFiltered, SPANS, STATUSES, words } from "./filter.js";
import { KINDS } from "./questions.js";

const TYPING_MS = 250;

export function FilterBar({ query }) {
  const [open, setOpen] = useState(false);
  const set = (change) => refine({ ...change, after: "" }, { replace: true });
  const others = ["kind", "queue", "id", "by", "error", "within", "from", "until"].filter((name) => query[name]).length;
  return html`<form class="filters ${open ? "open" : ""}" role="search" aria-label="Filter tasks" onSubmit=${(event) => event.preventDefault()}>
    <div class="filters-first">
      <${Field} name="text" label="Text in payload or description" query=${query} set=${set} type="search" hasFocusKey />
      <fieldset class="chips"><legend class="unseen">Status</legend>
        ${STATUSES.map((status) => html`<${Chip} key=${status} status=${status} query=${query} set=${set} />`)}
      </fieldset>
      <button type="button" class="quiet filters-more" aria-expanded=${open ? "true" : "false"} onClick=${() => setOpen(!open)}>
        ${open ? "Fewer filters" : `More filters${others ? ` (${others} set)` : ""}`}
      </button>
    </div>
    <div class="filters-rest">
      <${KindField} query=${query} set=${set} />
      <${Field} name="queue" label="Queue" query=${query} set=${set} />
      <${Field} name="id" label="Id" query=${query} set=${set} inputmode="numeric" />
      <${Field} name="by" label="Author" query=${query} set=${set} />
      <${Field} name="error" label="Error" query=${query} set=${set} />
      <${Time} query=${query} set=${set} />
      ${isFiltered(query) && html`<button type="button" class="quiet" onClick=${() => set(cleared())}>Clear</button>`}
    </div>
  </form>`;
}

function Chip({ status, query, set }) {
  const chosen = words(query.status);
  const on = chosen.includes(status);
  const toggle = () =>
    set({ status: STATUSES.filter((each) => (each === status ? !on : chosen.includes(each))).join() });
  return html`<label class="chip ${on ? "on" : ""}">
    <input type="checkbox" checked=${on} onChange=${toggle} />${status.toLowerCase()}
  </label>`;
}

/** Writes what was typed once the typing pauses; what the address says meanwhile does not disturb it. */
function Field({ name, label, query, set, hasFocusKey = false, list = null, onFocus = null, type = "text", inputmode = null }) {
  const [typed, type_] = useState(query[name] ?? "");
  const timer = useRef(0);
  const own = useRef(query[name] ?? "");
  useEffect(() => {
    if ((query[name] ?? "") === own.current) return;
    own.current = query[name] ?? "";
    type_(own.current);
  }, [query[name]]);
  useEffect(() => () => clearTimeout(timer.current), []);

  function write(value) {
    clearTimeout(timer.current);
    own.current = value.trim();
    set({ [name]: own.current });
  }
  function typing(event) {
    const { value } = event.target;
    type_(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => write(value), TYPING_MS);
  }
  return html`<label class="field field-${name}"><span>${label}</span>
    <input type=${type} value=${typed} list=${list} inputmode=${inputmode} autocomplete="off" autocapitalize="off" spellcheck=${false}
      data-filter=${hasFocusKey ? "" : null} onFocus=${onFocus} onInput=${typing} onChange=${(event) => write(event.target.value)} />
  </label>`;
}

/** Suggests the kinds that there are, asked for when somebody is about to choose one. */
function KindField({ query, set }) {
  const kinds = useKinds();
  return html`<${Field} name="kind" label="Kind" query=${query} set=${set} list="kinds-to-filter" onFocus=${kinds.load} />
    <datalist id="kinds-to-filter">${kinds.known.map(({ name }) => html`<option key=${name} value=${name} />`)}</datalist>`;
}

export function useKinds() {
  const [known, know] = useState([]);
  const viewer = useStore(session, (state) => state.viewer);
  const asked = useRef(false);
  function load() {
    if (asked.current || !may("OPERATOR", viewer)) return;
    asked.current = true;
    ask(KINDS).then(
      ({ kinds }) => know(kinds),
      () => {
        asked.current = false; // suggestions are worth no message
      },
    );
  }
  return { known, load };
}

function Time({ query, set }) {
  const between = Boolean(query.from || query.until);
  const [choosing, choose] = useState(between);
  const value = between || choosing ? "between" : (query.within ?? "");
  function pick(event) {
    const { value: picked } = event.target;
    choose(picked === "between");
    set({ within: picked === "between" ? "" : picked, from: "", until: "" });
  }
  return html`<label class="field"><span>Inserted</span>
      <select value=${value} onChange=${pick}>
        <option value="">at any time</option>
        ${SPANS.map(([word, text]) => html`<option key=${word} value=${word}>${text}</option>`)}
        <option value="between">between …</option>
      </select>
    </label>
    ${value === "between" && html`<${Instant} name="from" label="From" query=${query} set=${set} />
      <${Instant} name="until" label="Before" query=${query} set=${set} />`}`;
}

function Instant({ name, label, query, set }) {
  return html`<label class="field"><span>${label}</span>
    <input type="datetime-local" step="1" value=${query[name] ?? ""} onChange=${(event) => set({ [name]: event.target.value })} />
  </label>`;
}
