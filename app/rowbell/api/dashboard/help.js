// What `?` shows: every key that works here, and the switch that turns single keys off.
import { bindings, keysOn, switchKeys } from "./keys.js";
import { useStore } from "./hooks.js";
import { html } from "./html.js";
import { Dialog } from "./parts/dialog.js";

export function Help({ onClose }) {
  const groups = useStore(bindings);
  const on = useStore(keysOn);
  return html`<${Dialog} title="Keys" onClose=${onClose}>
    <div class="keys">
      ${groups.map(
        ({ group, keys }) => html`<section>
          <h3>${group}</h3>
          <dl>${Object.entries(keys).map(
            ([combination, [words]]) => html`<div key=${combination}>
              <dt>${combination.split(" ").map((key) => html`<kbd>${key}</kbd>`)}</dt><dd>${words}</dd>
            </div>`,
          )}</dl>
        </section>`,
      )}
    </div>
    <label class="check">
      <input type="checkbox" checked=${on} onChange=${(event) => switchKeys(event.target.checked)} />
      Single keys work
    </label>
  <//>`;
}
