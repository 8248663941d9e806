/**
 * queue.js: makes decisions and delivers those of all tabs, strictly one after another. Loaded once somebody is about to
 * decide, or where something is queued.
 */
import { expire, collapsed, nextDecision, pendingGrants } from "../rules/decisions";
import type { Entry } from "../queue";
import { core } from "../ui/core";
import { attempt, reportGone, resultOf, waiting } from "./answers";
import "./decide";
import { adopt, entries, rewrite } from "./entries";
import { exclusively } from "./lock";

let busy = false;

core._awaited = () => {
  adopt();
  return pendingGrants(entries()).filter((id) => !core._granted.has(id));
};

/** The queue without what has become pointless, and what to send of it now. */
function next(): Entry | undefined {
  adopt();
  const before = entries();
  const after = collapsed(before);
  const { _facts: facts, _options: { site } } = core;
  rewrite(before, facts ? expire(after, Date.now(), facts.version, facts.choice_seconds) : after);
  return nextDecision(entries().filter((entry) => entry.site == site), [...waiting]) as Entry | undefined;
}

async function drain(here: () => boolean): Promise<void> {
  for (let entry; here() && (entry = next()); ) await attempt(entry);
  if (!here()) return;
  core._read();
  core._facts && core._judge();
  core._settle();
  reportGone();
  core._changed.forEach(core._quietly);
  core._queue[0] || core._look();
}

core._deliver = (id) => {
  const result = id ? resultOf(id) : Promise.resolve<"pending">("pending");
  core._changed.forEach(core._quietly);
  if (!busy) {
    busy = true;
    void exclusively(drain).finally(() => (busy = false));
  }
  return result;
};
