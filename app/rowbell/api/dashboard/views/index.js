// The views, in the order of the menu. How one is made stands at the head of ../main.js.
import { bell } from "./bell.js";
import { database } from "./database.js";
import { errors } from "./errors.js";
import { now } from "./now.js";
import { schedules } from "./schedules.js";
import { task } from "./task.js";
import { tasks } from "./tasks.js";
import { workers } from "./workers.js";

export const views = [now, tasks, task, errors, workers, bell, schedules, database];
