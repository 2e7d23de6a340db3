// Retry or cancel many: says how many first, does it slice by slice, and offers to take it back.
import { say } from "../announce.js";
import { count, many } from "../format.js";
import { useEffect, useRef, useState } from "../hooks.js";
import { html } from "../html.js";
import { Dialog } from "../parts/dialog.js";
import { Trouble } from "../parts/trouble.js";
import { sentence } from "../problem.js";
import { changedAll, counted, DEEDS, takenBack } from "./bulk.js";

/** `filter` as BulkFilter, `what` in words: "FAILED tasks of kind echo". */
export function DeedDialog({ deed, filter, what, onClose, onDone = () => {} }) {
  const { verb } = DEEDS[deed];
  const [state, set] = useState({ found: null, problem: null, running: false, changed: 0 });
  const stopper = useRef(new AbortController());
  const change = (part) => set((before) => ({ ...before, ...part }));
  useEffect(() => {
    counted(deed, filter).then((found) => change({ found }), (problem) => change({ problem }));
    return () => stopper.current.abort();
  }, []);

  async function run() {
    change({ running: true });
    try {
      const told = (changed) => change({ changed });
      const sum = await changedAll(deed, filter, { told, signal: stopper.current.signal });
      tell(deed, sum);
      onDone();
      onClose();
    } catch (problem) {
      change({ problem, running: false });
    }
  }

  const { found, problem, running, changed } = state;
  return html`<${Dialog} title=${`${verb} tasks`} onClose=${onClose}>
    <p dir="auto">${sentence(what)}</p>
    <${Trouble} problem=${problem} />
    ${!problem && html`<p role="status">${running ? `${many(changed, "task")} so far …` : found ? foundWords(deed, found) : "Counting …"}</p>`}
    ${found?.sample.length > 0 && !running && html`<p class="sample">Among them: ${found.sample.slice(0, 8).join(", ")}${found.matched > 8 && " …"}</p>`}
    <footer>
      ${running
        ? html`<button type="button" onClick=${() => stopper.current.abort()}>Stop</button>`
        : html`<button type="button" onClick=${onClose}>${found?.matched ? "Leave them" : "Close"}</button>`}
      ${found?.matched > 0 && html`<button type="button" class=${deed === "cancel" ? "danger" : "primary"} disabled=${running} onClick=${run}>
        ${verb} ${number(found)}
      </button>`}
    </footer>
  <//>`;
}

function number({ matched, hasMore }) {
  return `${count(matched)}${hasMore ? " and more" : ""}`;
}

function foundWords(deed, found) {
  if (!found.matched) return deed === "retry" ? "None of them is FAILED or CANCELLED: nothing to retry." : "None of them is open: nothing to cancel.";
  const tasks = found.hasMore ? `${number(found)} tasks` : many(found.matched, "task");
  const taken = found.keyTaken ? ` Of these, ${count(found.keyTaken)} stay as they are: an open task has their key.` : "";
  return deed === "retry"
    ? `${tasks} will be sent back to PENDING, with their failures at 0.${taken}`
    : `${tasks} will be cancelled: those that wait at once, those that run when their handlers have stopped.`;
}

/** What was done, with the way back for those that nobody has taken up. */
export function tell(deed, { changed, keyTaken, undoIds }) {
  const { done } = DEEDS[deed];
  const taken = keyTaken ? ` ${count(keyTaken)} stayed: an open task has their key.` : "";
  const undo = undoIds.length > 0 ? { label: "Undo", run: () => undone(deed, undoIds) } : null;
  say(`${many(changed, "task")} ${done}.${taken}`, { tone: "good", undo });
}

async function undone(deed, ids) {
  try {
    const changed = await takenBack(deed, ids);
    const late = ids.length - changed;
    say(`${many(changed, "task")} taken back.${late ? ` ${count(late)} had gone on meanwhile.` : ""}`, { tone: "good" });
  } catch (problem) {
    say(`${sentence(problem.message)} ${sentence(problem.hint)}`, { tone: "bad" });
  }
}
