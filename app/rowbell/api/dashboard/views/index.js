// The views, in the order of the menu. How one is made stands at the head of ../main.js.
import { now } from "./now.js";

export const views = [now];
