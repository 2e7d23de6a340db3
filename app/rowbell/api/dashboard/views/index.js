// The views, in the order of the menu. How one is made stands at the head of ../main.js.
import { bell } from "./bell.js";
import { database } from "./database.js";
import { now } from "./now.js";
import { schedules } from "./schedules.js";
import { workers } from "./workers.js";

export const views = [now, workers, bell, schedules, database];
