/** The decisions in the store: read in their order, put down, removed by id alone. */
import { type Entry } from "../queue";
import type { Decision } from "../rules/decisions";
import { core } from "../ui/core";

export const DECISIONS = "dongui.queue.";

/** The decisions of all tabs, oldest first. */
export const entries = (): Entry[] => core._values(DECISIONS);

const keysOf = (id: string): string[] => core._keys(DECISIONS).filter((key) => key.endsWith(id));

/** Puts an entry down where it stands; a new one comes last. */
export function put(entry: Entry): void {
  const [known] = keysOf(entry.id);
  const last = core._keys(DECISIONS).filter((key) => !key.includes("~")).pop();
  const order = (parseInt(last?.slice(DECISIONS.length) ?? "") || 0) + 1;
  core._store(known ?? `${DECISIONS}${`${order}`.padStart(9, "0")}.${entry.id}`, entry);
}

export const removeById = (id: string): void => keysOf(id).forEach(core._remove);

/** What every request says besides. */
export const facts = (method: string): Pick<Entry, "site" | "method" | "lang" | "signals"> => ({
  site: core._options.site,
  method,
  lang: core._facts ? core._facts.lang : (core._options.lang || navigator.language).slice(0, 2),
  // GPC is a header as well, so that the collector hears of it in any case.
  signals: { [core._dnt ? "dnt" : "gpc"]: core._gpc() },
});

/** Withdrawals that were made before queue.js was there get their place in the queue, and what a request needs. */
export function adopt(): void {
  for (const key of core._keys(DECISIONS + "~")) {
    const [entry] = core._values(key);
    core._remove(key);
    if (entry) put({ ...facts("api"), ...entry });
  }
}

/** Puts `after` in the place of `before`; an entry without an id gets a new one. */
export function rewrite(before: Entry[], after: Decision[]): void {
  const kept = after.map((entry) => ({ ...(entry as Entry), id: entry.id || core._uuid() }));
  const same = before.map(core._json);
  // First what is new: a tab that ends in between leaves too much, never too little.
  for (const entry of kept) if (!same.includes(core._json(entry))) put(entry);
  for (const { id } of before) if (!kept.some((entry) => entry.id == id)) removeById(id);
}
