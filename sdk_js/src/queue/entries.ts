/** The decisions in the store: read in their order, put down, removed by id alone. */
import { type Entry } from "../queue";
import { parts, without, type Decision } from "../rules/decisions";
import { gpc } from "../signals";
import { core } from "../ui/core";
import { keepsCookies, shrink } from "./cookies";
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

/** The requests that a decision makes; the one that gives, or else the first, has its id. */
export function requests(decision: Omit<Entry, "visitor">, all: string[]): Entry[] {
  const { granted, refused, withdraws } = decision;
  const gives = !!without(granted, core._cookieChoice()?.granted ?? [])[0];
  const made = parts(all, [granted, refused, withdraws], gives, core._visitor(), core._ids!());
  const own = made.find(([granted]) => granted[0]) ?? made[0];
  return made.map((part) => {
    const [granted, refused, withdraws, visitor] = part;
    return { ...decision, id: part == own ? decision.id : core._uuid(), granted, refused, withdraws, visitor };
  });
}

/** A grant in a browser that keeps no cookie of ours would be of nobody's: then nobody is asked any more. */
export function mayGrant(): boolean {
  const kept = keepsCookies();
  if (!kept) {
    core._quiet = 1;
    core._complain("cookies");
  }
  return kept;
}

/** Decisions that were put down before queue.js was there get their place in the queue. */
export function adopt(): void {
  for (const key of core._keys(DECISIONS + "~").sort()) {
    const [made] = core._values(key) as Entry[];
    core._remove(key);
    if (!made?.refused) continue;
    const { granted = [], at = Date.now() } = made;
    const refused = [...new Set(made.refused)];
    const held = [...(core._cookieChoice()?.granted ?? []), ...entries().flatMap((entry) => entry.granted)];
    const withdraws = refused.filter((id) => held.includes(id));
    // Without the notice, what is taken away is in the cookies, or in the queue.
    const notice = made.notice ?? core._cookieChoice()?.version ?? entries()[0]?.notice ?? core._facts?.version;
    // How it was asked is known where it was asked: on the page that stood by then.
    const method = made.method ?? "api";
    const decision = { ...facts(at < performance.timeOrigin ? "api" : method), method, id: key.split(/[~.]/).pop()!, at, notice, granted: [...new Set(granted)], refused, withdraws };
    if (granted[0] && !mayGrant()) Object.assign(decision, { granted: [], refused: withdraws });
    if (decision.granted[0] || decision.refused[0]) requests(decision, [...granted, ...refused]).forEach(put);
    shrink(refused);
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
