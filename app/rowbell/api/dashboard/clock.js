// The time of day, once a second, for all ages and countdowns of the page.
import { createStore } from "./store.js";

export const now = createStore(Date.now());

setInterval(() => document.hidden || now.set(Date.now()), 1000);
document.addEventListener("visibilitychange", () => now.set(Date.now()));
