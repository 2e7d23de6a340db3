// Many tasks changed at once: counted first, changed in slices, and taken back by the twin.
import { ask } from "../client.js";

const SLICE = 10_000;
const UNDO_SLICE = 1_000;
const MOST_UNDONE = 100_000;

const RETRY = `mutation RetryMany($filter: BulkFilter!, $limit: Int!, $dryRun: Boolean!) {
  done: retryTasks(filter: $filter, limit: $limit, dryRun: $dryRun) { matched changed keyTaken hasMore sample undoIds }
}`;
const CANCEL = `mutation CancelMany($filter: BulkFilter!, $limit: Int!, $dryRun: Boolean!) {
  done: cancelTasks(filter: $filter, limit: $limit, dryRun: $dryRun) { matched changed keyTaken hasMore sample undoIds }
}`;

/** What can be done to many, what takes it back, and the words. */
export const DEEDS = {
  retry: { mutation: RETRY, twin: CANCEL, verb: "Retry", done: "sent back to PENDING", undoStatus: "PENDING" },
  cancel: { mutation: CANCEL, twin: RETRY, verb: "Cancel", done: "cancelled, or asked to stop", undoStatus: "CANCELLED" },
};

/** How many it would be: { matched, hasMore, sample }. Raises Problem. */
export async function counted(deed, filter) {
  return (await ask(DEEDS[deed].mutation, { filter, limit: SLICE, dryRun: true })).done;
}

/**
 * Slice after slice, until none is left or `signal` stops it: { changed, keyTaken, undoIds, hasMore }.
 * `told(changed)` hears of each slice. Raises Problem.
 */
export async function changedAll(deed, filter, { told = () => {}, signal = null } = {}) {
  const sum = { changed: 0, keyTaken: 0, undoIds: [], hasMore: true };
  while (sum.hasMore && !signal?.aborted) {
    const { done } = await ask(DEEDS[deed].mutation, { filter, limit: SLICE, dryRun: false });
    sum.changed += done.changed;
    sum.keyTaken += done.keyTaken;
    if (sum.undoIds.length < MOST_UNDONE) sum.undoIds = sum.undoIds.concat(done.undoIds);
    sum.hasMore = done.hasMore && done.changed > 0;
    told(sum.changed);
  }
  return sum;
}

/** The twin, for those that nobody has taken up meanwhile; how many it took back. Raises Problem. */
export async function takenBack(deed, ids) {
  const { twin, undoStatus } = DEEDS[deed];
  let changed = 0;
  for (let at = 0; at < ids.length; at += UNDO_SLICE) {
    const filter = { ids: ids.slice(at, at + UNDO_SLICE), status: [undoStatus] };
    changed += (await ask(twin, { filter, limit: SLICE, dryRun: false })).done.changed;
  }
  return changed;
}
