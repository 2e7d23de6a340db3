// A modal dialog: the browser's own, which traps the focus and closes on Escape.
import { useEffect, useRef } from "../hooks.js";
import { html } from "../html.js";

export function Dialog({ title, onClose, children }) {
  const box = useRef(null);
  useEffect(() => {
    box.current.showModal();
  }, []);
  const outside = (event) => event.target === box.current && onClose();
  return html`<dialog ref=${box} aria-labelledby="dialog-title" onClose=${onClose} onClick=${outside}>
    <div class="dialog">
      <header>
        <h2 id="dialog-title">${title}</h2>
        <button type="button" class="quiet" aria-label="Close" onClick=${onClose}>✕</button>
      </header>
      ${children}
    </div>
  </dialog>`;
}

/** A question with two answers. `yes` is the word on the button that does it. */
export function Confirm({ title, yes, danger = false, onYes, onClose, children }) {
  return html`<${Dialog} title=${title} onClose=${onClose}>
    ${children}
    <footer>
      <button type="button" onClick=${onClose}>Cancel</button>
      <button type="button" class=${danger ? "danger" : "primary"} onClick=${() => (onYes(), onClose())}>${yes}</button>
    </footer>
  <//>`;
}
