// Who looks: the token, kept as long as this tab, and what it may do.
import { createStore } from "./store.js";

const KEY = "rowbell.token";
const RANKS = ["READER", "PRODUCER", "OPERATOR", "ADMIN"];

/** `viewer` is null until it is known; `asked`: the service wants a token; `failed`: why, in words. */
export const session = createStore({
  token: sessionStorage.getItem(KEY) ?? "",
  viewer: null,
  asked: false,
  failed: "",
});

export function keepToken(token) {
  if (token) sessionStorage.setItem(KEY, token);
  else sessionStorage.removeItem(KEY);
  session.set({ token, viewer: null, asked: false, failed: "" });
}

/** The service let nobody in with what we have. */
export function refuse(reason) {
  const { token } = session.get();
  session.set({ asked: true, viewer: null, failed: token ? reason : "" });
}

/** Whether the viewer may do what needs this role. */
export function may(role, viewer = session.get().viewer) {
  return viewer !== null && RANKS.indexOf(viewer.role) >= RANKS.indexOf(role);
}
