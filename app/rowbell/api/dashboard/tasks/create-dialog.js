// A new task, or one like another with another payload. What is wrong is said before it is sent.
import { say } from "../announce.js";
import { ask } from "../client.js";
import { bytes } from "../format.js";
import { useEffect, useRef, useState } from "../hooks.js";
import { html } from "../html.js";
import { Dialog } from "../parts/dialog.js";
import { Trouble } from "../parts/trouble.js";
import { go } from "../router.js";
import { useKinds } from "./filter-bar.js";
import { bytesOf, parsed } from "./json-text.js";

const CREATE = "mutation Create($input: TaskInput!) { createTask(input: $input) { id } }";
const MOST_BYTES = 65_536;

/** `like`: a task to begin from, in the fields of TaskInput. */
export function CreateDialog({ like = {}, title = "New task", onClose }) {
  const [given, set] = useState({
    kind: like.kind ?? "echo",
    description: like.description ?? "",
    queue: like.queue ?? "default",
    payload: like.payload == null ? "{}" : JSON.stringify(like.payload, null, 2),
    priority: like.priority ?? 0,
    maxAttempts: like.maxAttempts ?? "",
    uniqueKey: "",
    runAt: "",
  });
  const [problem, tell] = useState(null);
  const [sending, send] = useState(false);
  const sent = useRef(false);
  const kinds = useKinds();
  useEffect(kinds.load, []);
  const change = (name) => (event) => set((before) => ({ ...before, [name]: event.target.value }));
  const wrong = wrongWith(parsed(given.payload));

  // What the form holds counts, and what was sent: both may be ahead of what was drawn.
  async function submit(event) {
    event.preventDefault();
    const filled = Object.fromEntries(new FormData(event.target));
    const payload = parsed(filled.payload);
    if (wrongWith(payload) || sent.current) return;
    sent.current = true;
    send(true);
    try {
      const { createTask } = await ask(CREATE, { input: inputOf(filled, payload.value, like) });
      say(`Task ${createTask.id} inserted.`, { tone: "good" });
      onClose();
      go("task", { id: createTask.id });
    } catch (refusal) {
      tell(refusal);
      sent.current = false;
      send(false);
    }
  }

  const field = (name, label, rest = {}) => html`<label class="field field-${name}"><span>${label}</span>
    <input name=${name} value=${given[name]} onInput=${change(name)} autocomplete="off" spellcheck=${false} ...${rest} /></label>`;
  const about = kinds.known.find(({ name }) => name === given.kind);
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <form class="create" onSubmit=${submit}>
      <div class="pair">
        ${field("kind", "Kind", { list: "kinds-to-create", required: true })}
        ${field("queue", "Queue", { required: true })}
      </div>
      <datalist id="kinds-to-create">${kinds.known.map(({ name, description }) => html`<option key=${name} value=${name}>${description}</option>`)}</datalist>
      <p class="about" role="status">${about ? `${about.description || "It says nothing about itself."}${about.workers ? "" : " No live worker knows it."}` : ""}</p>
      ${field("description", "Description, in words", { maxlength: 1000 })}
      <label class="field"><span>Payload, as JSON</span>
        <textarea name="payload" rows="9" spellcheck=${false} value=${given.payload} onInput=${change("payload")}
          aria-invalid=${wrong ? "true" : "false"} aria-describedby="payload-problem"></textarea></label>
      <p id="payload-problem" class="wrong" role="status">${wrong ?? ""}</p>
      <details><summary>When, how often, only once</summary>
        <div class="pair">
          ${field("runAt", "Not before", { type: "datetime-local", step: 1 })}
          ${field("priority", "Priority, -100 to 100", { type: "number", min: -100, max: 100 })}
          ${field("maxAttempts", "Failures until it is FAILED", { type: "number", min: 1, max: 1000, placeholder: "as its kind" })}
          ${field("uniqueKey", "Unique key", { maxlength: 200 })}
        </div>
      </details>
      <${Trouble} problem=${problem} />
      <footer>
        <button type="button" onClick=${onClose}>Cancel</button>
        <button type="submit" class="primary" disabled=${Boolean(wrong) || sending}>Insert</button>
      </footer>
    </form>
  <//>`;
}

function wrongWith({ problem, value }) {
  return problem ?? tooLarge(value);
}

function tooLarge(value) {
  const size = bytesOf(value);
  return size > MOST_BYTES ? `${bytes(size)}: a payload has room for 64 KiB. Put a key here, and the rest elsewhere.` : null;
}

function inputOf(given, payload, like) {
  const { kind, description, queue, priority, maxAttempts, uniqueKey, runAt } = given;
  return {
    kind: kind.trim(),
    queue: queue.trim(),
    payload,
    priority: Number(priority),
    ...(description.trim() && { description: description.trim() }),
    ...(maxAttempts !== "" && { maxAttempts: Number(maxAttempts) }),
    ...(uniqueKey.trim() && { uniqueKey: uniqueKey.trim() }),
    ...(runAt && { schedule: { at: new Date(runAt).toISOString() } }),
    ...(like.audience?.length && { audience: like.audience }),
    ...(like.concurrencyKey && { concurrencyKey: like.concurrencyKey }),
  };
}
