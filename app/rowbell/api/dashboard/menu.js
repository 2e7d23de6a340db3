// The menu: where one is, where one can go, who one is.
import { connection } from "./client.js";
import { useStore } from "./hooks.js";
import { html } from "./html.js";
import { dark, switchLook } from "./look.js";
import { href, route } from "./router.js";
import { may, session } from "./session.js";
import { views } from "./views/index.js";

export function Menu({ onHelp, onSignOut }) {
  const isDark = useStore(dark);
  return html`<header class="menu">
    <a class="brand" href=${href("now")}><${Bell} />Rowbell</a>
    <${Places} />
    <div class="tools">
      <${Link} />
      <${Who} onSignOut=${onSignOut} />
      <div class="buttons">
        <button type="button" class="quiet" onClick=${switchLook} aria-pressed=${isDark ? "true" : "false"}>Dark</button>
        <button type="button" class="quiet" onClick=${onHelp}>Keys<kbd>?</kbd></button>
      </div>
    </div>
  </header>`;
}

function Places() {
  const shown = useStore(route, ({ view }) => view);
  const viewer = useStore(session, (state) => state.viewer);
  const places = views.filter(({ key, role }) => key && (!viewer || !role || may(role, viewer)));
  const current = (name) => (name === shown || views.find((each) => each.name === shown)?.within === name ? "page" : null);
  return html`<nav aria-label="Views"><ul>
    ${places.map(
      ({ name, title, Count }) => html`<li key=${name}>
        <a href=${href(name)} aria-current=${current(name)}>${title}${Count && html`<${Count} />`}</a>
      </li>`,
    )}
  </ul></nav>`;
}

const LINKS = { live: "Live", connecting: "Connecting", waiting: "Not connected", refused: "Signed out", ended: "Disconnected" };

function Link() {
  const state = useStore(connection, (each) => each.state);
  return html`<span class="link ${state}">${LINKS[state]}</span>`;
}

function Who({ onSignOut }) {
  const { viewer, token } = useStore(session);
  if (!viewer || !token) return null;
  return html`<div class="who">
    <span>${viewer.subject ?? "nobody"} <small>${viewer.role}</small></span>
    <button type="button" class="quiet" onClick=${onSignOut}>Sign out</button>
  </div>`;
}

function Bell() {
  return html`<svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" class="bell">
    <path d="M4 17h16M12 6a7 7 0 0 1 7 7v1.5H5V13a7 7 0 0 1 7-7zm0 0V3.5M9.5 3.5h5M10 20h4" fill="none" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" />
  </svg>`;
}
