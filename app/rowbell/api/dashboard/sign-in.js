// The form that asks for a token, where the service wants one.
import { reconnect } from "./client.js";
import { useEffect, useRef, useStore } from "./hooks.js";
import { html } from "./html.js";
import { sentence } from "./problem.js";
import { keepToken, session } from "./session.js";

const COMMAND = "rowbell token create NAME --role operator";

export function SignIn() {
  const failed = useStore(session, (state) => state.failed);
  const field = useRef(null);
  useEffect(() => field.current.focus(), [failed]);

  function submit(event) {
    event.preventDefault();
    const token = field.current.value.trim().replace(/^Bearer\s+/i, "");
    if (!token) return;
    keepToken(token);
    reconnect();
  }

  return html`<main id="main" tabindex="-1" class="sign-in">
    <h1>Sign in</h1>
    <p>This service wants to know who asks. Give it a token, or a JWT of your own sign-in.</p>
    <form onSubmit=${submit}>
      <label for="token">Token</label>
      <input id="token" ref=${field} type="password" autocomplete="off" spellcheck=${false} placeholder="rbt_…"
        aria-describedby="token-help token-failed" aria-invalid=${failed ? "true" : "false"} />
      <p id="token-failed" class="failed" role="alert">${failed && html`<strong>You were not let in.</strong> ${sentence(failed)}`}</p>
      <button type="submit" class="primary">Sign in</button>
    </form>
    <p id="token-help" class="help">A person with access to the database makes one: <code>${COMMAND}</code>. It stays in this tab and is gone when the tab is closed.</p>
  </main>`;
}
