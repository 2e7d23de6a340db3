// The database below: how large, how dead, who holds what back, and the SQL to mend it.
import { bytes, count, percent } from "../format.js";
import { useWatch } from "../hooks.js";
import { html } from "../html.js";
import { AttentionList } from "../parts/attention.js";
import { Code } from "../parts/copy.js";
import { Holders } from "../parts/holders.js";
import { Meter } from "../parts/meter.js";
import { Panel } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { Ago } from "../parts/time.js";
import { Trouble, Waiting } from "../parts/trouble.js";

const DATABASE = `subscription {
  database(every: "PT10S") {
    at version bytes connections maxConnections ownConnections startedAt isReplica walBytes
    tables { name bytes indexBytes liveRows deadRows bloat lastVacuumAt lastAnalyzeAt vacuumAtRows }
    partitions { name day bytes rows }
    snapshots { pid application role state seconds behind query remedy }
    replicas { name state behindBytes }
    problems { id severity topic sentence remedy remedyKind view filter since }
  }
}`;
const MUCH_DEAD = 0.3;
const FEW_ROWS = 1_000;

function View() {
  const { data, problem } = useWatch(DATABASE);
  if (problem) return html`<${Trouble} problem=${problem} />`;
  if (!data) return html`<${Waiting} />`;
  const found = data.database;
  return html`
    ${found.problems.length > 0 && html`<${Panel} title="Needs attention" name="problems"><${AttentionList} items=${found.problems} here="DATABASE" /><//>`}
    <${Facts} found=${found} />
    <${Panel} title="Tables" name="tables">
      <${Table} caption="Tables of the schema rowbell" columns=${TABLES} rows=${found.tables} keyOf=${({ name }) => name} />
    <//>
    <${Panel} title="Who holds back VACUUM" name="snapshots">
      <${Holders} holders=${found.snapshots} caption="Oldest snapshots" empty="Nobody." />
    <//>
    <${Panel} title="Days of the journal" name="partitions">
      <${Table} caption="Partitions of the journal" columns=${PARTITIONS} rows=${found.partitions} keyOf=${({ name }) => name} />
    <//>
    ${found.replicas.length > 0 && html`<${Panel} title="Replicas" name="replicas">
      <${Table} caption="Replicas" columns=${REPLICAS} rows=${found.replicas} keyOf=${({ name }) => name} />
    <//>`}
  `;
}

function Facts({ found }) {
  const facts = [
    ["Server", found.version, found.isReplica ? "a replica: takes no claims" : html`since <${Ago} at=${found.startedAt} />`],
    ["Size", bytes(found.bytes), "of the whole database"],
    ["Connections", `${count(found.connections)} of ${count(found.maxConnections)}`, `${count(found.ownConnections)} of them Rowbell's`],
    ["WAL written", bytes(found.walBytes), "since its statistics began"],
  ];
  return html`<${Panel} title="Server" name="facts" aside=${html`as of <${Ago} at=${found.at} />`}>
    <dl class="facts">${facts.map(([name, value, more]) => html`<div key=${name}><dt>${name}</dt><dd>${value}<small>${more}</small></dd></div>`)}</dl>
  <//>`;
}

const TABLES = [
  { title: "Table", cell: ({ name }) => name },
  { title: "Size", number: true, cell: (row) => html`${bytes(row.bytes)}<small> ${bytes(row.indexBytes)} indexes</small>` },
  { title: "Rows", number: true, cell: ({ liveRows }) => count(liveRows) },
  { title: "Dead", cell: Dead },
  { title: "Autovacuum at", number: true, cell: ({ vacuumAtRows }) => `${count(vacuumAtRows)} dead` },
  { title: "Vacuumed", cell: ({ lastVacuumAt }) => html`<${Ago} at=${lastVacuumAt} />` },
  { title: "Mend", wide: true, cell: Mend },
];

function Dead({ deadRows, liveRows, bloat }) {
  // Of a small table most rows are dead at any time, and that means nothing.
  if (deadRows + liveRows < FEW_ROWS) return count(deadRows);
  return html`<${Meter} share=${bloat} warnAt=${MUCH_DEAD} /> ${count(deadRows)}<small> ${percent(bloat)}</small>`;
}

/** Where autovacuum is behind; elsewhere there is nothing to do. */
function Mend({ name, deadRows, vacuumAtRows, bloat }) {
  if (deadRows < vacuumAtRows && !(bloat >= MUCH_DEAD && deadRows > FEW_ROWS)) return html`<span class="none">nothing to do</span>`;
  return html`<${Code} text=${`vacuum (analyze) rowbell.${name};`} label=${`SQL that mends ${name}`} />`;
}

const PARTITIONS = [
  { title: "Partition", cell: ({ name }) => name },
  { title: "Day (UTC)", cell: ({ day }) => day ?? "days without one" },
  { title: "Entries", number: true, cell: ({ rows }) => count(rows) },
  { title: "Size", number: true, cell: (row) => bytes(row.bytes) },
];

const REPLICAS = [
  { title: "Replica", cell: ({ name }) => name },
  { title: "State", cell: ({ state }) => state },
  { title: "Behind", number: true, cell: ({ behindBytes }) => bytes(behindBytes) },
];

export const database = { name: "database", title: "Database", key: "p", role: "OPERATOR", View };
