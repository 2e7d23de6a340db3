// The strip over the views: says when what one sees is not live, since when, why, and what to do.
import { connection, reconnect, retryNow } from "./client.js";
import { now } from "./clock.js";
import { clock, duration } from "./format.js";
import { useEffect, useState, useStore } from "./hooks.js";
import { html } from "./html.js";
import { sentence } from "./problem.js";

const SHOWN_MS = 8_000;
const SHORT_MS = 800;

export function Strip() {
  const link = useStore(connection);
  const back = useReturn(link);
  return html`<div class="strip ${link.state}" role="status" aria-live="polite">
    ${link.state === "waiting" && html`<${Lost} link=${link} />`}
    ${link.state === "ended" && html`<p><strong>The service closed the connection.</strong> ${sentence(link.reason)}
      <button type="button" onClick=${reconnect}>Connect again</button></p>`}
    ${back && html`<p class="back">Connected again after ${duration(Math.round(link.awayMs / 1000))}: the page is up to date.</p>`}
  </div>`;
}

function Lost({ link }) {
  return html`<p>
    <strong>Not connected since ${clock(link.lostAt)}.</strong> ${sentence(link.reason)} What you see is from then.${" "}
    <${Countdown} at=${link.retryAt} />
    <button type="button" onClick=${retryNow}>Try now</button>
  </p>`;
}

/** Not read aloud: it would be, each second. */
function Countdown({ at }) {
  const time = useStore(now);
  const left = at === null ? 0 : Math.max(0, Math.ceil((at - time) / 1000));
  return html`<span aria-hidden="true">${left > 0 ? `Trying again in ${left} s.` : "Trying …"} </span>`;
}

/** True for some seconds after a break that one could notice. */
function useReturn({ state, since, awayMs }) {
  const [told, tell] = useState(0);
  const fresh = state === "live" && awayMs > SHORT_MS && told !== since;
  useEffect(() => {
    if (!fresh) return undefined;
    const timer = setTimeout(() => tell(since), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [fresh, since]);
  return fresh;
}
