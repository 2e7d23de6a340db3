// Export: which form, how far it is, stop, save.
import { bytes, count, many } from "../format.js";
import { useEffect, useRef, useState } from "../hooks.js";
import { html } from "../html.js";
import { Dialog } from "../parts/dialog.js";
import { Trouble } from "../parts/trouble.js";
import { sentence } from "../problem.js";
import { exported, save } from "./export.js";

const FORMS = [
  ["csv", "CSV", "for spreadsheets; no cell is run as a formula"],
  ["json", "JSON", "an array of objects, payload and result as they are"],
];

export function ExportDialog({ query, what, onClose }) {
  const [form, choose] = useState("csv");
  const [state, set] = useState({ running: false, tasks: 0, done: null, problem: null });
  const stopper = useRef(null);
  const present = useRef(true);
  const change = (part) => present.current && set((before) => ({ ...before, ...part }));
  useEffect(() => () => {
    present.current = false;
    stopper.current?.abort();
  }, []);

  async function run() {
    stopper.current = new AbortController();
    change({ running: true, tasks: 0, done: null, problem: null });
    try {
      const done = await exported(query, form, { told: change, signal: stopper.current.signal });
      if (!present.current) return;
      save(done.blob, `tasks-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.${form}`);
      change({ running: false, done });
    } catch (problem) {
      change({ running: false, problem });
    }
  }

  const { running, tasks, done, problem } = state;
  return html`<${Dialog} title="Export" onClose=${onClose}>
    <p dir="auto">${sentence(what)} Newest first, with payload and result.</p>
    <fieldset class="choices" disabled=${running}><legend class="unseen">Form</legend>
      ${FORMS.map(([name, title, words]) => html`<label key=${name} class="check">
        <input type="radio" name="form" checked=${form === name} onChange=${() => choose(name)} />
        <span><strong>${title}</strong> ${words}</span>
      </label>`)}
    </fieldset>
    <${Trouble} problem=${problem} />
    <p role="status">${running && `${many(tasks, "task")} read …`}${done && doneWords(done)}</p>
    <footer>
      ${running
        ? html`<button type="button" onClick=${() => stopper.current.abort()}>Stop and save</button>`
        : html`<button type="button" onClick=${onClose}>Close</button>`}
      <button type="button" class="primary" disabled=${running} onClick=${run}>Export</button>
    </footer>
  <//>`;
}

function doneWords({ tasks, blob, complete }) {
  return `${count(tasks)} ${tasks === 1 ? "task" : "tasks"} saved, ${bytes(blob.size)}${complete ? "" : "; stopped before the end"}.`;
}
