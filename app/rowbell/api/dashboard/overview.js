// What an operator sees first, as long as the page is open: the menu and the view Now share it.
import { watch } from "./client.js";
import { createStore } from "./store.js";

const OVERVIEW = `subscription {
  overview(window: "PT1H", every: "PT2S") {
    at workers slots busy
    counts { pending processing completed failed cancelled }
    stats { created completed failed throughput }
    attention { id severity topic sentence remedy remedyKind view filter since }
    now { at seconds completed failed waitSeconds { p50 p95 p99 } runSeconds { p50 p95 p99 } }
    queues {
      name paused pausedAt pausedBy pending due scheduled held isCapped processing oldestDueSeconds
      maxRunning rate burst throughput workers
    }
  }
}`;

/** { data, problem }: `data` is the Overview, null until the first has come. */
export const overview = createStore({ data: null, problem: null });

/** Returns how to stop. */
export function watchOverview() {
  return watch(OVERVIEW, {}, {
    next: ({ overview: data }) => overview.set({ data, problem: null }),
    failed: (problem) => overview.set({ problem }),
  });
}
