// What needs somebody: a sentence, where to look, and what mends it.
import { html } from "../html.js";
import { placeOf } from "../places.js";
import { sentence } from "../problem.js";
import { Code } from "./copy.js";
import { Mark } from "./mark.js";
import { Ago } from "./time.js";

const LOOKS = { CRITICAL: ["cross", "bad", "Critical"], WARNING: ["warn", "warn", "Warning"], NOTICE: ["dot", "quiet", "Notice"] };
const KINDS = { SQL: "SQL that mends it, for psql", COMMAND: "Command that mends it, for a shell" };

/** `here` is the view that shows it: no link leads to where one is. */
export function AttentionList({ items, here }) {
  return html`<ul class="attention">
    ${items.map((item) => html`<${Item} key=${item.id} item=${item} here=${here} />`)}
  </ul>`;
}

function Item({ item, here }) {
  const [shape, tone, word] = LOOKS[item.severity];
  const elsewhere = item.view !== here || item.filter;
  return html`<li data-row tabindex="-1" data-topic=${item.topic}>
    <${Mark} shape=${shape} tone=${tone}><span class="unseen">${word}: </span><//>
    <div>
      <p>${sentence(item.sentence)}
        ${item.since && html` <small>since <${Ago} at=${item.since} /></small>`}
        ${elsewhere && html` <a href=${placeOf(item)}>Look<span class="unseen"> at: ${item.sentence}</span></a>`}
      </p>
      ${item.remedy && html`<details><summary>How to mend it</summary><${Code} text=${item.remedy} label=${KINDS[item.remedyKind]} /></details>`}
    </div>
  </li>`;
}
