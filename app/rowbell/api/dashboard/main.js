// The operations page. Everything it shows comes from our own GraphQL subscriptions.
//
// How a view is made:
//
// 1. `views/NAME.js` exports `NAME = { name, title, key, role, View }`: its place in the address
//    (#/NAME), its heading, the letter after `g` that goes there (none: not in the menu), the role
//    that it needs, and a Preact component. Its styles are `views/NAME.css`.
// 2. `views/index.js` lists it, in the order of the menu; `index.html` links its styles and names
//    its modules for preloading (tests/unit/test_dashboard.py holds that list to the files).
//
// `View` gets `id` and `query` from the address, `#/tasks/42` and `#/tasks?status=FAILED`:
//
//     import { html } from "../html.js";                                    // markup; ${} is text
//     import { useWatch, useAsk, useKeys, useStore } from "../hooks.js";    // live, once, keys, state
//     import { act } from "../act.js";                                      // a change, and what to say of it
//     import { href, go, refine } from "../router.js";                      // links; filters are in the address
//
//     function View({ query }) {
//       const { data, problem } = useWatch(TASKS, { status: query.status });
//       useKeys({ r: ["retry all", () => act(RETRY, {}, "They wait again.")] });
//       if (problem) return html`<${Trouble} problem=${problem} />`;
//       if (!data) return html`<${Waiting} />`;
//       return html`<${Panel} title="Tasks" name="tasks"><${Table} … /><//>`;
//     }
//
// In `parts/`: Mark and Status (shape, colour and word), Table (rows that j, k and Enter go
// through; cards on a narrow screen), Panel, Chart, Ago and Clock, Code and Copy, Dialog and
// Confirm, Trouble and Waiting. `format.js` writes numbers and times, `announce.js` says things.
// The field that `/` goes to has the attribute `data-filter`.
// A list that grows with time is bounded; what must outlive its view is a store of its module.
import { html, render } from "./html.js";
import { Shell } from "./shell.js";

const root = document.getElementById("page");
root.replaceChildren();
render(html`<${Shell} />`, root);
