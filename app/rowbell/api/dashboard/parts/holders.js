// Sessions and others that hold something back, each with the SQL that ends it.
import { count, duration } from "../format.js";
import { html } from "../html.js";
import { Code } from "./copy.js";
import { Table } from "./table.js";

const COLUMNS = [
  { title: "Who", cell: ({ application, role, pid }) => html`${application || "a session without a name"}<small class="parts">${[role, pid && `process ${pid}`].filter(Boolean).join(", ")}</small>` },
  { title: "State", cell: ({ state }) => state },
  { title: "For", number: true, cell: ({ seconds }) => duration(seconds) },
  { title: "Behind", number: true, cell: ({ behind }) => (behind == null ? "—" : `${count(behind)} transactions`) },
  { title: "Last statement", wide: true, cell: ({ query }) => (query ? html`<code>${query}</code>` : html`<span class="none">not to be seen</span>`) },
  { title: "Ends it", wide: true, cell: ({ remedy }) => html`<${Code} text=${remedy} label="SQL that ends it" />` },
];

export function Holders({ holders, caption, empty }) {
  return html`<${Table} caption=${caption} columns=${COLUMNS} rows=${holders} keyOf=${({ pid, application }) => `${pid} ${application}`} empty=${empty} />`;
}
