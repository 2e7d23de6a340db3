// Words for everybody: shown at the foot of the page for a while, and read aloud politely.
import { createStore } from "./store.js";

const SHOWN_MS = 6_000;

/** { text, tone, undo } or null. */
export const said = createStore({ text: "", tone: "", undo: null });

let timer;

/** tone: "", "good" or "bad". `undo`: { label, run }, a button beside the words. */
export function say(text, { tone = "", undo = null } = {}) {
  said.set({ text, tone, undo });
  clearTimeout(timer);
  timer = setTimeout(hush, undo ? 2 * SHOWN_MS : SHOWN_MS);
}

export function hush() {
  clearTimeout(timer);
  said.set({ text: "", tone: "", undo: null });
}
