// Tasks: all of them, or those that match; live, and changed one by one or all at once.
import { useEffect, useKeys, useMemo, useRef, useState, useStore } from "../hooks.js";
import { ask } from "../client.js";
import { count, many } from "../format.js";
import { html } from "../html.js";
import { Trouble, Waiting } from "../parts/trouble.js";
import { refine } from "../router.js";
import { may, session } from "../session.js";
import { CreateDialog } from "../tasks/create-dialog.js";
import { DeedDialog } from "../tasks/deed-dialog.js";
import { ExportDialog } from "../tasks/export-dialog.js";
import { openFeed } from "../tasks/feed.js";
import { bulkFilter, inWords, isFiltered, taskFilter } from "../tasks/filter.js";
import { FilterBar } from "../tasks/filter-bar.js";
import { useHold } from "../tasks/hold.js";
import { LIST, PAGE, TOTAL } from "../tasks/questions.js";
import { Rows } from "../tasks/rows.js";
import { useSelection } from "../tasks/selection.js";

const COUNT_MS = 5_000;

function View({ query }) {
  const feed = useFeed(query);
  return html`<${FilterBar} query=${query} />${feed && html`<${List} feed=${feed} query=${query} />`}`;
}

/** Another filter, or another page, is another feed. */
function useFeed(query) {
  const [feed, open] = useState(null);
  useEffect(() => {
    const opened = openFeed(query);
    open(opened);
    return opened.close;
  }, [JSON.stringify(query)]);
  return feed;
}

function List({ feed, query }) {
  const { rows, waiting, more, problem, calm, at } = useStore(feed.state);
  const viewer = useStore(session, (state) => state.viewer);
  const [dialog, show] = useState(null);
  const total = useTotal(query, { rows, more, at });
  const selection = useSelection(rows, feed);
  const holding = useHold(feed, selection.ids.size > 0);
  const deed = useDeeds(query, selection, show);
  const older = () => showOlder(feed, query);
  useKeys({
    x: ["select the row, or not", selection.toggleFocused],
    a: ["select all rows of the page, or none", selection.toggleAll],
    r: ["retry the selected, or all that match", () => deed("retry")],
    c: ["cancel the selected, or all that match", () => deed("cancel")],
    e: ["export what matches", () => show({ name: "export" })],
    i: ["insert a task", () => show({ name: "create" })],
    l: ["let new rows in", () => letIn(feed)],
    o: ["older tasks", () => more && older()],
  });
  if (rows === null) return problem ? html`<${Trouble} problem=${problem} again=${feed.again} />` : html`<${Waiting} />`;
  const chosen = selection.ids.size;
  // The browser tells a turn later that a dialog is closed: by then a key may have opened the next.
  const closed = () => show((shown) => (shown === dialog ? null : shown));
  return html`
    <div class="list-tools" role="toolbar" aria-label="What to do with tasks">
      <p class="list-tally" role="status">${chosen ? `${chosen} selected` : tallyOf(rows, more, query, total)}${calm && !query.text && html` <span class="calm">Busy: read every other second</span>`}</p>
      ${may("OPERATOR", viewer) && html`
        <button type="button" onClick=${() => deed("retry")}>${chosen ? `Retry ${chosen}` : "Retry all …"}</button>
        <button type="button" onClick=${() => deed("cancel")}>${chosen ? `Cancel ${chosen}` : "Cancel all …"}</button>`}
      ${chosen > 0 && html`<button type="button" class="quiet" onClick=${selection.clear}>Select none</button>`}
      <button type="button" onClick=${() => show({ name: "export" })}>Export …</button>
      ${may("PRODUCER", viewer) && html`<button type="button" class="primary" onClick=${() => show({ name: "create" })}>New task</button>`}
    </div>
    <${Trouble} problem=${problem} again=${feed.again} />
    <section class="panel list" aria-label="Tasks">
      <div class="newcomers" role="status">
        ${waiting > 0 && html`<button type="button" class="primary" onClick=${() => letIn(feed)}>${waiting >= PAGE ? `${PAGE} or more` : waiting} new</button>`}
      </div>
      ${rows.length
        ? html`<${Rows} rows=${rows} caption=${inWords(query)} selected=${selection.ids} onSelect=${selection.toggle} onSelectAll=${selection.all} holding=${holding} />`
        : html`<p class="empty">${emptyWords(query, more)}</p>`}
      <nav class="pages" aria-label="Pages">
        ${query.after && html`<button type="button" onClick=${() => refine({ after: "" })}>Newest</button>`}
        ${more && html`<button type="button" onClick=${older}>Older</button>`}
      </nav>
    </section>
    <${Dialogs} dialog=${dialog} query=${query} onClose=${closed} onDone=${selection.clear} />`;
}

/** Opens the dialog for the selected rows; without any, for all that match. */
function useDeeds(query, { ids }, show) {
  return (name) => {
    const filter = ids.size > 0 ? { ids: [...ids] } : bulkFilter(query);
    const what = ids.size > 0 ? many(ids.size, "selected task") : `${isFiltered(query) ? "" : "all "}${inWords(query)}`;
    show({ name: "deed", deed: name, filter, what });
  };
}

function Dialogs({ dialog, query, onClose, onDone }) {
  const fixed = useMemo(() => query, [dialog]);
  if (!dialog) return null;
  if (dialog.name === "create") return html`<${CreateDialog} onClose=${onClose} />`;
  if (dialog.name === "export") return html`<${ExportDialog} query=${fixed} what=${inWords(fixed)} onClose=${onClose} />`;
  return html`<${DeedDialog} key=${dialog.deed} ...${dialog} onClose=${onClose} onDone=${onDone} />`;
}

function letIn(feed) {
  scrollTo({ top: 0 });
  feed.release();
}

/** The rows may all have come live, without a cursor: then the list is asked for where its page ends. */
async function showOlder(feed, query) {
  let { end } = feed.state.get();
  if (!end) {
    const { tasks } = await ask(LIST, { filter: taskFilter(query), first: PAGE, after: query.after || null });
    end = tasks.pageInfo.endCursor;
  }
  refine({ after: end });
  scrollTo({ top: 0 });
}

/** Of all pages together; counted again while the list changes, every few seconds at the most. */
function useTotal(query, { rows, more, at }) {
  const [total, know] = useState("");
  const counted = useRef(0);
  useEffect(() => {
    if (!more || Date.now() - counted.current < COUNT_MS) return;
    counted.current = Date.now();
    ask(TOTAL, { filter: taskFilter(query) }).then(
      ({ tasks: { totalCount, totalCountExact } }) => know(` of ${count(totalCount)}${totalCountExact ? "" : " or more"}`),
      () => know(""), // the rows are there, which matters more
    );
  }, [rows, more, at]);
  return more ? total : "";
}

function tallyOf(rows, more, query, total) {
  if (query.after) return `${many(rows.length, "task")} of an older page`;
  if (more) return `The newest ${rows.length}${total || " tasks"}${isFiltered(query) ? " that match" : total && " tasks"}`;
  return `${many(rows.length, "task")}${isFiltered(query) ? ` ${rows.length === 1 ? "matches" : "match"}` : ""}`;
}

function emptyWords(query, more) {
  if (more) return "None among those that were looked at so far. Go on to older ones.";
  return isFiltered(query) ? "No task matches. What comes and matches will be here at once." : "There is no task yet. Insert a row, and it is here at once.";
}

export const tasks = { name: "tasks", title: "Tasks", key: "t", View };
