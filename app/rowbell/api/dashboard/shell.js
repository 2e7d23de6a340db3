// What is around every view: the menu, the strip that tells of the connection, help, sign-in.
import { bind, focusFilter, open, step } from "./keys.js";
import { said } from "./announce.js";
import { reconnect } from "./client.js";
import { useAsk, useEffect, useRef, useState, useStore } from "./hooks.js";
import { html } from "./html.js";
import { switchLook } from "./look.js";
import { Help } from "./help.js";
import { Menu } from "./menu.js";
import { watchOverview } from "./overview.js";
import { go, route } from "./router.js";
import { keepToken, may, session } from "./session.js";
import { SignIn } from "./sign-in.js";
import { Strip } from "./strip.js";
import { views } from "./views/index.js";

const VIEWER = "query { viewer { subject role audiences } }";

export function Shell() {
  const { asked, viewer, token } = useStore(session);
  const [helping, help] = useState(false);
  useKeysOfPage(() => help(true));
  return html`
    <button type="button" class="skip" onClick=${focusMain}>Skip to the content</button>
    <${Menu} onHelp=${() => help(true)} onSignOut=${signOut} />
    <div class="body">
      <${Strip} />
      ${asked ? html`<${SignIn} />` : html`<${Viewer} key=${token} viewer=${viewer} />`}
    </div>
    <${Said} />
    ${helping && html`<${Help} onClose=${() => help(false)} />`}
  `;
}

/** Finds out who looks, then shows the view of the address. */
function Viewer({ viewer }) {
  const { data } = useAsk(VIEWER);
  useEffect(() => {
    if (data) session.set({ viewer: data.viewer });
  }, [data]);
  const operates = may("OPERATOR", viewer);
  useEffect(() => (operates ? watchOverview() : undefined), [operates]);
  return html`<${View} viewer=${viewer} />`;
}

function View({ viewer }) {
  const { view: name, id, query } = useStore(route);
  const view = views.find((each) => each.name === name);
  const heading = useRef(null);
  const shown = useRef(null);
  useEffect(() => {
    document.title = `${view?.title ?? "Not found"}${id ? ` ${id}` : ""} · Rowbell`;
    // Who listens hears where the link led; the first view is read by itself.
    if (shown.current !== null) heading.current?.focus();
    shown.current = name;
  }, [name, id]);
  return html`<main id="main" tabindex="-1" class=${`view view-${name}`}>
    <h1 ref=${heading} tabindex="-1">${view?.title ?? "Nothing is here"}${id && html` <span class="id">${id}</span>`}</h1>
    <${Content} view=${view} viewer=${viewer} id=${id} query=${query} />
  </main>`;
}

function Content({ view, viewer, id, query }) {
  if (!view) return html`<p>This address names no view. The menu has all of them.</p>`;
  if (viewer && view.role && !may(view.role, viewer)) {
    return html`<p>This view is for the role ${view.role}; yours is ${viewer.role}. Tasks that you may see are under Tasks.</p>`;
  }
  return html`<${view.View} key=${view.name} id=${id} query=${query} />`;
}

/** Good and bad news, read aloud as they come. */
function Said() {
  const { text, tone, undo } = useStore(said);
  return html`<div class="said ${tone}" role="status" aria-live="polite">
    ${text && html`<span>${text}</span>`}
    ${undo && html`<button type="button" onClick=${undo.run}>${undo.label}</button>`}
  </div>`;
}

function useKeysOfPage(help) {
  useEffect(() => {
    const places = views.filter(({ key }) => key);
    const keys = {
      "?": ["show the keys", help],
      "/": ["go to the filter", focusFilter],
      j: ["next row", () => step(1)],
      k: ["previous row", () => step(-1)],
      Enter: ["open the row", open],
      d: ["light or dark", switchLook],
      ...Object.fromEntries(places.map(({ key, name, title }) => [`g ${key}`, [title, () => go(name)]])),
    };
    return bind(keys, "Everywhere");
  }, []);
}

function focusMain() {
  document.getElementById("main")?.focus();
}

function signOut() {
  keepToken("");
  reconnect();
}
