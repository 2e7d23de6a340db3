// JSON as text: indented, cut where it is long, with nothing in it that could be taken for markup
// or turn the direction of the text around.
import { bytes, many } from "../format.js";
import { useMemo, useState } from "../hooks.js";
import { html } from "../html.js";
import { Copy } from "../parts/copy.js";
import { bytesOf } from "../tasks/json-text.js";

const SHOWN = 4_000;
// What reorders or hides text: shown as the escapes that JSON has for them.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

export function Json({ value, label }) {
  const [whole, show] = useState(false);
  const text = useMemo(() => plain(JSON.stringify(value, null, 2) ?? "null"), [value]);
  const isLong = text.length > SHOWN;
  return html`<figure class="code json">
    <pre tabindex="0" role="region" aria-label=${label} dir="ltr">${isLong && !whole ? text.slice(0, SHOWN) : text}</pre>
    <${Copy} text=${JSON.stringify(value, null, 2)} />
    ${isLong && html`<figcaption>
      ${bytes(bytesOf(value))}${whole ? "" : `, of which ${many(SHOWN, "character")} are shown`}
      <button type="button" class="quiet" onClick=${() => show(!whole)}>${whole ? "Show less" : "Show all of it"}</button>
    </figcaption>`}
  </figure>`;
}

export function plain(text) {
  return text.replace(UNSEEN, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
