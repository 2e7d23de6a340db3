// Why it is not running, or what it does instead; asked again while its queue moves.
import { count, duration } from "../format.js";
import { useAsk, useEffect, useRef, useWatch } from "../hooks.js";
import { html } from "../html.js";
import { Panel } from "../parts/panel.js";
import { sentence } from "../problem.js";
import { PLACE, QUEUE_STATS } from "./questions.js";

export function Why({ task }) {
  const waits = task.status === "PENDING";
  const moved = useWatch(QUEUE_STATS, { queue: task.queue.name }, { skip: !waits });
  const { data, again } = useAsk(PLACE, { id: task.id }, { skip: !waits });
  const asked = useRef(false);
  useEffect(() => {
    if (moved.at && asked.current) again();
    asked.current = true;
  }, [moved.at]);
  const { explanation, position, expectedStartSeconds } = (waits && data?.task) || task;
  if (explanation.length === 0 || task.finishedAt) return null;
  return html`<${Panel} title=${waits ? "Why is it not running?" : "What it does"} name="why">
    <ul class="why">${explanation.map((each) => html`<li key=${each}>${sentence(each)}</li>`)}</ul>
    ${waits && (position != null || expectedStartSeconds != null) && html`<dl class="facts">
      ${position != null && html`<div><dt>Ahead of it</dt><dd>${count(position)}${position >= 10_000 && " or more"}</dd></div>`}
      ${expectedStartSeconds != null && html`<div><dt>Expected to start</dt><dd>in about ${duration(expectedStartSeconds)}</dd></div>`}
    </dl>`}
  <//>`;
}
