// Light or dark: as the system has it, until somebody says otherwise.
import { createStore } from "./store.js";

const KEY = "rowbell.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

/** Whether the page is dark now, whoever decided it. */
export const dark = createStore(isDark());

function isDark() {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : system.matches;
}

system.addEventListener("change", () => dark.set(isDark()));

/** To the other one. What the system has by itself is not kept, so that it goes on to decide. */
export function switchLook() {
  const wanted = isDark() ? "light" : "dark";
  if (wanted === (system.matches ? "dark" : "light")) {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem(KEY);
  } else {
    document.documentElement.dataset.theme = wanted;
    localStorage.setItem(KEY, wanted);
  }
  dark.set(isDark());
}
