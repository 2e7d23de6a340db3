// A table with a caption; on a narrow screen each row becomes a card. j and k go through its rows.
import { html } from "../html.js";

/**
 * columns: { title, cell(row), number: right-aligned, wide: takes a whole line of a card }.
 * `caption` is read to who cannot see the heading; `empty` is said when there are no rows.
 */
export function Table({ caption, columns, rows, keyOf, empty = "There is none.", rowClass = () => "" }) {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  return html`<table role="table">
    <caption class="unseen">${caption}</caption>
    <thead role="rowgroup">
      <tr role="row">
        ${columns.map(({ title, number }) => html`<th role="columnheader" scope="col" class=${number ? "number" : ""}>${title}</th>`)}
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${rows.map(
        (row) => html`<tr role="row" key=${keyOf(row)} data-row tabindex="-1" class=${rowClass(row)}>
          ${columns.map((column) => html`<${Cell} ...${column} row=${row} />`)}
        </tr>`,
      )}
    </tbody>
  </table>`;
}

function Cell({ title, cell, number, wide, row }) {
  const kind = [number && "number", wide && "wide"].filter(Boolean).join(" ");
  return html`<td role="cell" class=${kind} data-title=${title}><div>${cell(row)}</div></td>`;
}
