// Changes that a person makes: done, and said; or refused, and said why.
import { say } from "./announce.js";
import { ask } from "./client.js";
import { sentence } from "./problem.js";

/** Returns the data, or null if it was refused. `done(data)` is what to say, or the text itself. */
export async function act(mutation, variables, done, { undo = null } = {}) {
  try {
    const data = await ask(mutation, variables);
    say(typeof done === "function" ? done(data) : done, { tone: "good", undo });
    return data;
  } catch (problem) {
    say([sentence(problem.message), sentence(problem.hint)].filter(Boolean).join(" "), { tone: "bad" });
    return null;
  }
}
