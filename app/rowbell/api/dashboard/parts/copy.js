// Text to take along: SQL, commands, stacks.
import { say } from "../announce.js";
import { html } from "../html.js";

export function Copy({ text, label = "Copy" }) {
  return html`<button type="button" class="quiet copy" onClick=${() => copy(text)}>${label}</button>`;
}

/** A block of it with the button; `label` says what it is, for who cannot see it. */
export function Code({ text, label }) {
  return html`<figure class="code">
    <pre tabindex="0" role="region" aria-label=${label}>${text}</pre>
    <${Copy} text=${text} />
  </figure>`;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Browsers have no clipboard on a plain http address that is not loopback.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    if (!copied) {
      say("The browser does not let the page copy: select the text.", { tone: "bad" });
      return;
    }
  }
  say("Copied.", { tone: "good" });
}
