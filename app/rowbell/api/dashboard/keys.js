// The keyboard: single keys and sequences ("g n"), told by `?`, and off for who wants none.
import { createStore } from "./store.js";

const SEQUENCE_MS = 1_500;
const SWITCH = "rowbell.keys";

/** Groups of { combination: [words, action] }, for the list that `?` shows. */
export const bindings = createStore([]);
export const keysOn = createStore(localStorage.getItem(SWITCH) !== "off");

let begun = "";
let forget;

export function switchKeys(on) {
  if (on) localStorage.removeItem(SWITCH);
  else localStorage.setItem(SWITCH, "off");
  keysOn.set(on);
}

/** Returns how to take them back. What is bound last wins; false from an action: not for me. */
export function bind(keys, group) {
  const entry = { group, keys };
  bindings.set([...bindings.get(), entry]);
  return () => bindings.set(bindings.get().filter((each) => each !== entry));
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isWriting(event.target) || document.querySelector("dialog[open]") || !keysOn.get()) return;
  const combination = begun ? `${begun} ${event.key}` : event.key;
  begun = "";
  clearTimeout(forget);
  const action = actionOf(combination);
  if (action) {
    if (action(event) !== false) event.preventDefault();
  } else if (begins(combination)) {
    begun = combination;
    forget = setTimeout(() => {
      begun = "";
    }, SEQUENCE_MS);
  }
});

function actionOf(combination) {
  const found = bindings.get().findLast(({ keys }) => combination in keys);
  return found?.keys[combination][1];
}

function begins(combination) {
  return bindings.get().some(({ keys }) => Object.keys(keys).some((each) => each.startsWith(`${combination} `)));
}

function isWriting(element) {
  return element.closest?.("input, textarea, select, [contenteditable]") !== null;
}

/** j and k: the next or the previous row, in whatever list the view has. */
export function step(by) {
  const rows = [...document.querySelectorAll("main [data-row]")].filter((row) => row.checkVisibility());
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const row = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))];
  row?.focus();
  row?.scrollIntoView({ block: "nearest" });
}

/** Enter on a row: what its first link or button does; elsewhere what Enter does anyway. */
export function open() {
  const { activeElement } = document;
  if (!activeElement?.matches("[data-row]")) return false;
  activeElement.querySelector("a, button, summary")?.click();
  return true;
}

export function focusFilter() {
  document.querySelector("main [data-filter]")?.focus();
}
