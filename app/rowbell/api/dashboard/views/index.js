// The views, in the order of the menu. How one is made stands at the head of ../main.js.
import { errors } from "./errors.js";
import { now } from "./now.js";
import { task } from "./task.js";
import { tasks } from "./tasks.js";

export const views = [now, tasks, task, errors];
