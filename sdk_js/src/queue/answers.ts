/** One attempt to hand over a decision, and what its answer changes: the queue, the cookies, whether the question comes back. */
import type { Result } from "../api";
import { frameHeader } from "../mount";
import type { Entry } from "../queue";
import { encodeChoice } from "../rules/consent";
import { choiceAfter, classifyAnswer, settle, type Recorded } from "../rules/decisions";
import type { Choice } from "../rules/types";
import { core } from "../ui/core";
import { agains } from "../ui/words";
import { forget, lifetime, setChoice, setCookie } from "./cookies";
import { entries, put, removeById, rewrite } from "./entries";
import { ownWords } from "../ui/ownwords";

/** What a `201` says. */
interface Answer extends Recorded {
  visitor: string | null;
  /** Whether the site's own origin keeps the id, out of our reach. */
  visitor_cookie?: boolean;
}

const HOUR = 3600;
const MINUTE = 6e4;
const PATIENCE = 3e4;

/** The ids of entries that wait for a later attempt; and how often each was tried in vain. */
export const waiting = new Set<string>();
const failures: Record<string, number> = {};

/** The attempts that are under way, by id: one is made in the task of the click, before the queue's turn. */
const attempts: Record<string, Promise<Response | void>> = {};

/** Whom to tell how the first attempt of a decision ended. */
const asking: Record<string, (result: Result) => void> = {};
const granting: Record<string, string[]> = {};

/** How the first attempt of a decision ends; one that takes long, because others go before it, is pending. */
export const resultOf = (id: string): Promise<Result> =>
  new Promise((resolve) => {
    asking[id] = resolve;
    setTimeout(() => resolve("pending"), PATIENCE);
    const entry = entries().find((entry) => entry.id == id);
    granting[id] = entry?.granted ?? [];
    // Put down before, and dropped since: the browser keeps no cookie.
    if (!entry) report(id, "refused");
  });

function report(id: string, result: Result): void {
  asking[id]?.(result);
  delete asking[id];
}

/** What another tab has delivered, or what was dropped, is known by its effect. */
export function reportGone(): void {
  const left = entries().map(({ id }) => id);
  for (const id in asking) if (!left.includes(id)) report(id, granting[id]!.every((purpose) => core._granted.has(purpose)) ? "recorded" : "refused");
}

/** The body is text/plain, which spares the preflight; a redirect is no answer. */
export function transmit({ at, tried, erase, withdraws, ...said }: Entry): Promise<Response | void> {
  const request: RequestInit = { method: "POST", body: core._json(said), headers: frameHeader(), keepalive: true, redirect: "manual", signal: AbortSignal.timeout(1e4) };
  return (attempts[said.id] = fetch(`${core._options.base}/v1/consents`, request).catch(() => {}));
}

function wait(id: string, seconds: number): void {
  waiting.add(id);
  setTimeout(() => {
    waiting.delete(id);
    void core._deliver!();
  }, seconds * 1000);
}

export async function attempt(entry: Entry): Promise<void> {
  const first = entry.id in attempts || !entry.tried;
  entry.tried = true;
  // What came of an earlier grant counts for the next one.
  if (entry.granted[0]) entry.visitor ??= core._visitor();
  put(entry);
  if (entry.erase) return erase(entry);
  const answer = await (attempts[entry.id] ?? transmit(entry));
  delete attempts[entry.id];
  const text = (await answer?.text().catch(() => {})) || "";
  const outcome = answer ? classifyAnswer(answer.status, answer.headers.get("Content-Type") || "", text, entry.id) : "none";
  if (outcome == "recorded") recorded(entry, JSON.parse(text), first);
  else if (outcome != "none") await refused(entry, outcome);
  else failed(entry, answer);
}

/** The first retry comes within a second. */
function failed({ id }: Entry, answer: Response | void): void {
  const count = failures[id] || 0;
  failures[id] = count + 1;
  wait(id, +answer?.headers.get("Retry-After")! || 2 ** Math.min(count, 8) * (1 - Math.random() / 2));
  report(id, "pending");
}

/** The visitor's own call: by the id where the page knows it, else by the HttpOnly cookie. */
async function erase(entry: Entry): Promise<void> {
  const { base, site } = core._options;
  const headers: Record<string, string> = entry.visitor ? { Authorization: `Bearer ${entry.visitor}` } : { "X-Dongui": "1", ...frameHeader() };
  const answer = await fetch(`${base}/v1/me?site=${site}`, { method: "DELETE", headers, redirect: "manual" }).catch(() => {});
  const body = await answer?.json().catch(() => {});
  // Nobody is known by that id, or there is none: nothing is held.
  if (body?.erased == null && !/:(unknown-visitor|unauthorised)$/.test(body?.type)) return failed(entry, answer);
  removeById(entry.id);
  if (core._visitor() == entry.visitor) forget("_id");
  report(entry.id, "recorded");
}

/** The answer to a first attempt tells how the server's clock stands to ours; a repeat tells when it was decided. */
function learnClock(at: number): void {
  const behind = Math.round(at - Date.now());
  Math.abs(behind) > MINUTE ? core._store("dongui.skew", behind) : core._remove("dongui.skew");
}

function recorded(entry: Entry, answer: Answer, first: boolean): void {
  const { visitor } = answer;
  const queue = entries();
  const rest = queue.filter(({ id }) => id != entry.id);
  if (first) learnClock(answer.at);
  core._remove("dongui.again");
  // The id that the grant brought is the one under which what was decided since is taken away.
  if (visitor) for (const later of rest) if (!later.visitor && !later.granted[0]) put({ ...later, visitor });
  // Removed by another tab, it is settled already: a late answer gives nothing back.
  if (rest.length == queue.length) return stray(entry, visitor, rest);
  const choice = choiceAfter(core._cookieChoice(), entry, rest, answer);
  const now = Math.floor(answer.at / 1000);
  if (!answer.visitor_cookie) identify(entry, choice, visitor, lifetime(choice, now));
  forget("", true);
  setChoice(choice, now);
  const read = core._cookieChoice();
  if (!read || encodeChoice(read) != encodeChoice(choice)) core._quiet = 1;
  removeById(entry.id);
  core._read();
  core._judge();
  report(entry.id, "recorded");
  core._flush();
  // What undoes it has to be at hand when it is withdrawn, also should the collector be out of reach by then.
  if (choice.granted[0]) void core._load("panel");
}

/** The id that the answer brought, as long as something is granted under it; one that does not come back is withdrawn. */
function identify(entry: Entry, choice: Choice, visitor: string | null, seconds: number): void {
  if (!choice.granted[0] || (!visitor && entry.visitor == core._visitor())) return forget("_id");
  if (!visitor) return;
  forget("_id", true);
  setCookie("_id", visitor, seconds);
  if (core._visitor() == visitor) return;
  core._quiet = 1;
  withdraw(entry, choice.granted, visitor);
}

/** An id that nobody waits for is not left behind as one that agrees. */
function stray(entry: Entry, visitor: string | null, rest: Entry[]): void {
  if (visitor && visitor != core._visitor() && !rest.some((other) => other.visitor == visitor)) withdraw(entry, entry.granted, visitor);
}

const withdraw = (entry: Entry, refused: string[], visitor: string): void =>
  put({ ...entry, id: core._uuid(), at: Date.now(), tried: false, granted: [], refused, withdraws: refused, visitor });

/** Refused for good: what it would have taken away is tried again every hour, and who granted in vain is asked again. */
async function refused(entry: Entry, slug: string): Promise<void> {
  if (slug == "origin-not-listed" || slug == "unknown-site") core._complain(slug);
  if (slug == "superseded-notice") await core._learn("reload").catch(() => {});
  const before = entries();
  rewrite(before, settle(before, entry.id, slug));
  const after = entries();
  // Under a new id it goes at once; a second's pause keeps two that never agree from filling the line.
  for (const { id } of after) if (!before.some((earlier) => earlier.id == id)) wait(id, 1);
  const stays = after.some(({ id }) => id == entry.id);
  if (stays) wait(entry.id, HOUR);
  if (after.length < before.length) comeBack(slug);
  core._read();
  core._judge();
  report(entry.id, stays || !entry.granted[0] ? "pending" : "refused");
  core._flush();
}

/** The question comes back once on this page; later at most once an hour, or with the next page where only that can help. */
function comeBack(slug: string): void {
  if (core._again) core._quiet = 1;
  core._again = ownWords().again ?? agains[core._facts?.lang] ?? agains.en!;
  if (slug != "origin-not-listed" && slug != "unknown-site") core._store("dongui.again", Date.now());
}
