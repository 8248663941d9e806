/**
 * queue.js: makes decisions and delivers those of all tabs, strictly one after another. Loaded once somebody is about to
 * decide, or where something is queued.
 */
import { expire, collapsed, nextDecision, pendingGrants, type Decision } from "../rules/decisions";
import type { Entry } from "../queue";
import { core } from "../ui/core";
import { attempt, reportGone, resultOf, waiting } from "./answers";
import "../visitor";
import "./decide";
import { adopt, entries, rewrite } from "./entries";
import { exclusively } from "./lock";

let busy = false;
/** Whether something was to be delivered when the queue had been looked through already. */
let asked = false;

core._awaited = () => {
  adopt();
  return pendingGrants(entries()).filter((id) => !core._granted.has(id));
};

/**
 * The queue without what has become pointless, and what to send of it now. A page that has stood for long knows an old
 * notice: before it holds a grant of another tab's to be outdated, it asks which one is in force, and the collector decides
 * where it cannot.
 */
async function next(): Promise<Entry | undefined> {
  adopt();
  const { site } = core._options;
  const other = ({ granted, notice }: Decision): unknown => granted[0] && notice != core._facts?.version;
  const unsure = entries().some(other) && (await core._learn("no-cache").then(() => 0, () => 1));
  const before = entries();
  const { _facts: facts } = core;
  const after = collapsed(before);
  rewrite(before, facts ? after.flatMap((entry) => expire([entry], Date.now(), unsure ? entry.notice : facts.version, facts.choice_seconds)) : after);
  return nextDecision(entries().filter((entry) => entry.site == site), [...waiting]) as Entry | undefined;
}

async function drain(here: () => boolean): Promise<void> {
  for (let entry; here() && (entry = await next()); ) await attempt(entry);
  if (!here()) return;
  core._read();
  core._facts && core._judge();
  core._settle();
  reportGone();
  core._queue[0] || core._look();
}

async function work(): Promise<void> {
  if (busy) return;
  busy = true;
  try {
    // The lock is given back a little after the last look at the queue.
    for (let here = true; here && asked; ) {
      asked = false;
      here = await exclusively(drain);
    }
  } finally {
    busy = false;
  }
}

core._deliver = (id) => {
  // In the cookies at once, however long another tab's turn takes.
  adopt();
  const result = id ? resultOf(id) : Promise.resolve<"pending">("pending");
  asked = true;
  void work();
  return result;
};
