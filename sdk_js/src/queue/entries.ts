/** The decisions in the store: read in their order, put down, removed by id alone. */
import { type Entry } from "../queue";
import type { Decision } from "../rules/decisions";
import { gpc } from "../signals";
import { core } from "../ui/core";
import { shrink } from "./cookies";
import { shown } from "./shown";

export const DECISIONS = "dongui.queue.";

/** The decisions of all tabs, oldest first. */
export const entries = (): Entry[] => keys().flatMap((key) => core._values(key));

const keys = (): string[] => core._keys(DECISIONS).sort();
const keysOf = (id: string): string[] => keys().filter((key) => key.endsWith(id));

/** Puts an entry down where it stands; a new one comes last. */
export function put(entry: Entry): void {
  const [known] = keysOf(entry.id);
  const last = keys().filter((key) => !key.includes("~")).pop();
  const order = (parseInt(last?.slice(DECISIONS.length) ?? "") || 0) + 1;
  const key = known ?? `${DECISIONS}${`${order}`.padStart(9, "0")}.${entry.id}`;
  // A storage without room is left for an object that lives as long as the page.
  if (!core._store(key, entry)) core._box = { ...core._stored(), [key]: core._json(entry) };
}

export const removeById = (id: string): void => keysOf(id).forEach(core._remove);

/** What every request says besides. */
export const facts = (method: string): Pick<Entry, "site" | "method" | "lang" | "signals" | "layout" | "catalog"> => ({
  ...shown(method),
  site: core._options.site,
  method,
  lang: core._facts ? core._facts.lang : (core._options.lang || navigator.language).slice(0, 2),
  // GPC is a header as well, so that the collector hears of it in any case; of no other signal does the ledger know.
  signals: { gpc: gpc() },
});

/** Withdrawals that were made before queue.js was there get their place in the queue: for each id in sight a request. */
export function adopt(): void {
  for (const key of core._keys(DECISIONS + "~")) {
    const [made] = core._values(key) as Entry[];
    const [visitor = null, ...others] = core._ids!();
    core._remove(key);
    if (!made) continue;
    // What it takes away is in the cookies, or in the queue.
    const notice = core._cookieChoice()?.version ?? entries()[0]?.notice ?? core._facts?.version;
    const id = key.split("~")[1]!;
    const entry = { ...facts("api"), ...made, id, at: Date.now(), notice, visitor, granted: [], withdraws: made.refused };
    put(entry);
    for (const visitor of others) put({ ...entry, id: core._uuid(), visitor });
    shrink(made.refused);
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
