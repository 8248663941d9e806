/**
 * The life of a decision between the click and the collector's record of it (DESIGN 4): what an answer means, what the
 * queued decisions change at once, and how the queue shrinks. Pure; `tests/vectors/decisions.json` has the cases.
 */
import type { Choice } from "./types";

/** One decision of which the collector's final answer is not known. */
export interface Decision {
  /** A UUID; empty where the caller gives a new one, because the request differs from the one that may have arrived. */
  id: string;
  /** When it was made, in epoch milliseconds of the browser's clock: only its age is ever read. */
  at: number;
  /** The notice version that was shown. */
  notice: string;
  granted: string[];
  refused: string[];
  /** Those of the refused that were given or may have been: taking them away is never dropped. */
  withdraws: string[];
  /** Whether it was sent, so that it may have arrived. */
  tried?: boolean;
  /** An erasure; it names every purpose among the refused, and is in force as their withdrawal. */
  erase?: boolean;
}

/** What counts of a `201`: the visitor's state as the ledger has it now, and the server's time, in epoch milliseconds. */
export interface Recorded {
  state: Record<string, string>;
  at: number;
}

/** How long a grant may wait for its record, in milliseconds. */
const PENDING = 864e5;
const PROBLEM = "urn:dongui:problem:";
const FINAL = ["malformed", "unknown-site", "origin-not-listed", "superseded-notice", "decision-conflict"];

/** The JSON object in a text; nothing else is one. */
const object = (text: string): Record<string, any> => {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
};

/**
 * What an answer to a decision means: `"recorded"`, the slug of the problem that refuses it for good, or `"none"`.
 * A captive portal, a firewall, a redirect, a broken body: none of them is an answer of the collector's.
 */
export function classifyAnswer(status: number, type: string, text: string, id: string): string {
  const body = object(text);
  if (status == 201) return body.id === id && body.state && typeof body.state == "object" && Number.isInteger(body.at) ? "recorded" : "none";
  const slug = `${body.type}`.slice(PROBLEM.length);
  const ours = /^application\/problem\+json *(;|$)/i.test(type) && body.type === PROBLEM + slug;
  return ours && status > 399 && status < 500 && FINAL.includes(slug) ? slug : "none";
}

export const without = (list: string[], gone: string[]): string[] => list.filter((id) => !gone.includes(id));
const empty = ({ granted, refused, erase }: Decision): boolean => !granted[0] && !refused[0] && !erase;

/** Of the purposes that a cookie grants, those that no queued decision takes away. */
export const overlay = (granted: string[], queue: Pick<Decision, "refused">[]): string[] =>
  granted.filter((id) => !queue.some(({ refused }) => refused.includes(id)));

/** The purposes whose last queued decision grants them. */
export function pendingGrants(queue: Decision[]): string[] {
  let pending: string[] = [];
  for (const { granted, refused, erase } of queue) pending = erase ? [] : [...without(pending, [...granted, ...refused]), ...granted];
  return pending;
}

/** What one request of a decision says: granted, refused, withdrawn among the refused, and of which visitor. */
export type Part = [granted: string[], refused: string[], withdraws: string[], visitor: string | null];

/**
 * The requests that a decision makes. A grant waits for nothing that is destroyed, so that what is withdrawn beside a new
 * one (`gives`) goes by itself. `use` is the id under which is recorded; any other is good for taking away alone, and for
 * each of them that is done: an old one's place is taken by a grant, which withdraws `all` of it.
 */
export function parts(all: string[], [granted, refused, withdraws]: [string[], string[], string[]], gives: boolean, use: string | null, ids: string[]): Part[] {
  if (!granted[0]) return (ids[0] ? ids : [null]).map((id) => [[], refused, withdraws, id]);
  const old = ids.filter((id) => id != use).map((id): Part => [[], all, all, id]);
  if (!gives || !withdraws[0]) return [...old, [granted, refused, withdraws, use]];
  return [...old, [granted, without(refused, withdraws), [], use], [[], withdraws, withdraws, use]];
}

/** The queue as if its decisions had joined it one after the other. (No `reduce`: Prototype.js 1.6 has another one.) */
export function collapsed(queue: Decision[]): Decision[] {
  let shorter: Decision[] = [];
  for (const entry of queue) shorter = collapse(shorter, entry);
  return shorter;
}

/** The queue once a decision has joined it: what was never sent and is decided anew is dropped, but for withdrawals. */
export function collapse(queue: Decision[], next: Decision): Decision[] {
  const named = [...next.granted, ...next.refused];
  const shortened = queue.map((entry) => {
    if (entry.tried || entry.erase) return entry;
    const granted = next.erase ? [] : without(entry.granted, named);
    const refused = next.erase ? entry.withdraws : entry.refused.filter((id) => entry.withdraws.includes(id) || !named.includes(id));
    return { ...entry, granted, refused };
  });
  return [...shortened.filter((entry) => !empty(entry)), next];
}

/** What is left of an entry whose grants do not count any more; another request than the one that was sent has another id. */
function deprived(entry: Decision, refused: string[], renew?: boolean): Decision[] {
  const left = { ...entry, granted: [], refused };
  if (renew || (entry.tried && (entry.granted[0] || refused.length < entry.refused.length))) Object.assign(left, { id: "", tried: false });
  return empty(left) ? [] : [left];
}

/**
 * The queue without what has waited too long: a grant after 24 hours, or once another notice is in force; what only
 * takes away after the life of a choice.
 */
export const expire = (queue: Decision[], now: number, notice: string, choiceSeconds: number): Decision[] =>
  queue.flatMap((entry) => {
    const age = now - entry.at;
    if (age > choiceSeconds * 1000) return [];
    return entry.granted[0] && (age > PENDING || entry.notice != notice) ? deprived(entry, entry.withdraws) : entry;
  });

/** The queue after the answer to one of its entries, as `classifyAnswer` names it. */
export const settle = (queue: Decision[], id: string, outcome: string): Decision[] =>
  queue.flatMap((entry) => {
    if (entry.id != id || outcome == "none") return entry;
    if (outcome == "recorded") return [];
    if (entry.erase) return entry;
    // The id belongs to another request: what is taken away goes under one of its own.
    const conflict = outcome == "decision-conflict";
    return deprived(entry, conflict ? entry.refused : entry.withdraws, conflict);
  });

/**
 * The choice after the answer to a decision that is still queued (`entry`), `rest` being what stays queued. A repeat
 * answers the *current* state: it gives nothing that the ledger does not say, nothing that this browser has not granted,
 * and nothing that is withdrawn meanwhile. Nor does taking away make the rest live longer.
 */
export function choiceAfter(choice: Choice | null, entry: Decision, rest: Decision[], { state, at }: Recorded): Choice {
  const before = choice?.granted ?? [];
  const wanted = [...before, ...without(entry.granted, before)];
  const granted = overlay(without(wanted, entry.refused), rest).filter((id) => state[id] == "given");
  if (!entry.granted[0] && granted[0] && choice) return { ...choice, granted };
  return { version: entry.notice, granted, at: Math.floor(at / 1000) };
}

/**
 * The next decision to send: the first that does not wait for a later attempt and has nothing before it that it must not
 * pass. What takes away may pass a grant that waits, and a grant what takes away, where they share no purpose.
 */
export const nextDecision = (queue: Decision[], waiting: readonly string[]): Decision | undefined =>
  queue.find((entry, index) => !waiting.includes(entry.id) && queue.slice(0, index).every((earlier) => mayPass(entry, earlier)));

function mayPass(entry: Decision, earlier: Decision): boolean {
  const named = [...earlier.granted, ...earlier.refused];
  const shares = entry.erase || earlier.erase || [...entry.granted, ...entry.refused].some((id) => named.includes(id));
  return !shares && !entry.granted[0] != !earlier.granted[0];
}
