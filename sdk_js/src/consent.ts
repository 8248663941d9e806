/** The choice: read, judged, changed, agreed between tabs. Who wants to know of changes subscribes with `onState`. */
import type { ConsentState } from "./api";
import { cookieValues, language, options, quietly, setCookie, uuid } from "./page";
import { choiceStands, effectivePurposes, encodeChoice, newestChoice } from "./rules/consent";
import type { Choice, Policy, Purpose } from "./rules/types";
import { forgetVisitor, sendConsent, visitorId } from "./send";
import { gpc } from "./signals";

/** A purpose as `GET /v1/notice` tells it, for reading. */
export interface NoticePurpose extends Purpose {
  id: string;
  label: string;
  description: string;
  basis_text: string;
  refusal: string;
  keep_text: string;
  recipients: { name: string; task: string; country: string; kind: string }[];
}

/** `GET /v1/notice`: everything that asking needs, and the gate too. */
export interface Notice extends Omit<Policy, "purposes"> {
  lang: string;
  service: string;
  policy_url: string;
  items: Record<string, string>;
  purposes: NoticePurpose[];
}

type Listener = (granted: ReadonlySet<string>, lost: string[]) => void;

export let policy: Policy | undefined;
export let notice: Notice | undefined;
export let choice: Choice | null = null;
export let granted: ReadonlySet<string> = new Set();
/** Whether the choice has been judged; before that nothing is granted and nothing is decided. */
export let known = false;
/** Holds the choice where cookies are blocked: it works for this page. */
let memory: string | undefined;
/** Decisions under way: until they are made, nothing is judged by the state before them. */
let deciding = 0;
const listeners: Listener[] = [];
let channel: BroadcastChannel | undefined;
let settle: () => void;
export const ready = new Promise<void>((resolve) => (settle = resolve));

/** Subscribes; the answer ends the subscription. */
export function onState(listener: Listener): () => void {
  listeners.push(listener);
  return () => void listeners.splice(listeners.indexOf(listener), 1);
}

const seconds = (): number => Math.floor(Date.now() / 1000);

export const consentPurposes = (): string[] => Object.keys(policy?.purposes ?? {}).filter((id) => policy!.purposes[id]!.basis == "consent");

export const state = (): ConsentState => Object.fromEntries(consentPurposes().map((id) => [id, granted.has(id)]));

/** Whether nobody has to be asked: a choice stands, and none of its grants is due to be confirmed again. */
export const answered = (): boolean =>
  !!policy && choiceStands(choice, policy, seconds()) &&
  !choice.granted.some((id) => seconds() >= choice!.at + (policy!.purposes[id]?.reconfirm_seconds ?? Infinity));

/** Fetches the facts: the notice, when somebody is to be asked, else the smaller policy. */
async function load(what: "notice" | "policy", cache: RequestCache = "default"): Promise<void> {
  const query = `site=${encodeURIComponent(options.site)}${what == "notice" ? `&lang=${encodeURIComponent(language())}` : ""}`;
  const answer = await fetch(`${options.base}/v1/${what}?${query}`, { cache, credentials: "omit" });
  if (!answer.ok) throw answer.status;
  const body = await answer.json();
  if (what == "policy") policy = body as Policy;
  else policy = fromNotice((notice = body as Notice));
}

const fromNotice = (told: Notice): Policy => ({ ...told, purposes: Object.fromEntries(told.purposes.map((purpose) => [purpose.id, purpose])) });

export const loadNotice = async (cache?: RequestCache): Promise<Notice> => {
  if (!notice || cache) await load("notice", cache);
  return notice!;
};

const read = (): Choice | null => newestChoice([...cookieValues("dongui"), ...(memory ? [memory] : [])]);

let facts: Promise<void> | undefined;
/** Several may ask for the facts at once; a failure is forgotten, so that the next one tries again. */
const needFacts = (): Promise<void> => (facts ||= load(read() ? "policy" : "notice").catch((error) => {
  facts = undefined;
  throw error;
}));

/** Looks at the cookie again and acts on what it says. */
export async function sync(): Promise<void> {
  await needFacts();
  choice = read();
  if (choice && !policy!.accepts.includes(choice.version)) await load("policy", "no-cache");
  if (!deciding) judge();
}

/** What the choice is worth now; listeners hear of a difference, and of the first judgement. */
export function judge(): void {
  const next = effectivePurposes(choice, policy!, seconds(), gpc());
  const lost = [...granted].filter((id) => !next.has(id));
  if (known && !lost.length && next.size == granted.size) return;
  granted = next;
  known = true;
  for (const listener of [...listeners]) quietly(() => listener(next, lost));
  settle();
}

/** Puts a decision into force on this page at once, then tells the other tabs and the collector. */
export async function decide(changes: ConsentState, method: string): Promise<void> {
  deciding++;
  await needFacts().finally(() => deciding--);
  choice = read();
  const named = consentPurposes().filter((id) => Object.hasOwn(changes, id));
  const before = choiceStands(choice, policy!, seconds()) ? choice.granted : [];
  const kept = consentPurposes().filter((id) => (named.includes(id) ? changes[id] : before.includes(id)));
  choice = { version: policy!.version, granted: kept, at: seconds() };
  memory = encodeChoice(choice);
  setCookie("dongui", memory, policy!.choice_seconds);
  if (cookieValues("dongui").includes(memory)) memory = undefined;
  const body = {
    site: options.site,
    visitor: visitorId(),
    notice: policy!.version,
    granted: named.filter((id) => changes[id]),
    refused: named.filter((id) => !changes[id]),
    method,
    lang: notice?.lang || language().slice(0, 2),
    signals: { gpc: gpc() },
    id: uuid(),
  };
  sendConsent(body, policy!.choice_seconds);
  // Only a decision takes the id away: after a mere expiry it is still the key to one's own data.
  if (!kept.some((id) => policy!.purposes[id]!.items.includes("cookie"))) forgetVisitor();
  judge();
  channel?.postMessage(0);
}

/** Other tabs, the back/forward cache and other scripts change the cookie behind our back. */
export function agreeWithOthers(resync: () => void): void {
  channel = quietly(() => new BroadcastChannel(`dongui:${options.site}`));
  if (channel) channel.onmessage = resync;
  addEventListener("pageshow", (event) => event.persisted && resync());
  document.addEventListener("visibilitychange", () => document.visibilityState == "visible" && resync());
}
