/** Delivery: the consent first, then the events that it covers; nothing is lost to a hanging or absent network. */
import { cookieValues, options, recall, remember, sameOrigin, setCookie } from "./page";
import type { Event } from "./rules/types";

/** The body of `POST /v1/consents`. */
export interface ConsentBody {
  site: string;
  visitor: string | null;
  notice: string;
  granted: string[];
  refused: string[];
  method: string;
  lang: string;
  signals: { gpc: boolean };
  id: string;
}

const CONSENTS = "dongui.consents";
const EVENTS = "dongui.events";
// 64 KiB is what keepalive requests may hold in flight together (W7); leave room for a consent beside a batch.
const BATCH_BYTES = 48e3;
const BATCH_EVENTS = 100;
const QUEUE_EVENTS = 500;

let visitor: string | null = null;
let pending: ConsentBody[] = [];
let queue: Event[] = [];
let failures = 0;
let sending = false;
let timer: ReturnType<typeof setTimeout> | undefined;
let regate: (events: Event[]) => Event[];
let keepSeconds = 0;
let superseded: () => void;

/** @param gate what of the queued events may still go @param onSuperseded the notice that was answered is no longer in force */
export function startSending(gate: (events: Event[]) => Event[], onSuperseded: () => void): void {
  regate = gate;
  superseded = onSuperseded;
  pending = recall(CONSENTS);
  addEventListener("online", () => wake(0));
  // pagehide alone misses a phone's app switcher; both may come, the second finds nothing to do.
  for (const type of ["visibilitychange", "pagehide"])
    addEventListener(type, () => (document.visibilityState == "hidden" ? leave() : comeBack()), true);
  comeBack();
}

/** The bearer id, where the page can know it. */
export const visitorId = (): string | null => cookieValues("dongui_id")[0] || visitor;

export function forgetVisitor(): void {
  visitor = null;
  if (visitorId()) setCookie("dongui_id", "", 0);
}

export function sendConsent(body: ConsentBody, choiceSeconds: number): void {
  keepSeconds = choiceSeconds;
  pending.push(body);
  remember(CONSENTS, pending);
  failures = 0;
  wake(0);
}

export function sendEvent(event: Event): void {
  if (queue.length < QUEUE_EVENTS) queue.push(event);
  wake(1000);
}

/** After a change of consent: what is queued is gated anew, so a withdrawal empties it at once. */
export function regateQueue(): void {
  queue = regate(queue);
  remember(EVENTS, regate(recall(EVENTS)));
}

function wake(delay: number): void {
  if (sending) return;
  clearTimeout(timer);
  timer = setTimeout(() => void deliver(), delay);
}

async function deliver(): Promise<void> {
  if (sending) return;
  sending = true;
  let wait = 0;
  while (!wait && (pending.length || queue.length)) wait = pending.length ? await deliverConsent() : await deliverEvents();
  sending = false;
  if (wait > 0 && wait < Infinity) wake(wait);
}

/** The pause before the next attempt in ms; 0: go on. */
async function deliverConsent(): Promise<number> {
  const body = pending[0]!;
  const answer = await post("consents", { ...body, visitor: body.visitor || visitorId() });
  if (!answer || retryable(answer.status)) return pause(answer);
  failures = 0;
  pending.shift();
  remember(CONSENTS, pending);
  if (answer.status == 409) superseded();
  if (answer.status == 201) learnVisitor(await answer.json().catch(() => ({})));
  return 0;
}

/** In direct mode the snippet keeps the id that the collector minted; on the site's own origin the server does. */
function learnVisitor(answer: { visitor?: string | null; visitor_cookie?: boolean }): void {
  if (answer.visitor_cookie != null) return;
  if (!answer.visitor) return forgetVisitor();
  visitor = answer.visitor;
  setCookie("dongui_id", visitor, keepSeconds);
}

async function deliverEvents(): Promise<number> {
  queue = regate(queue);
  const id = visitorId();
  if (!queue.length || (!id && !sameOrigin)) return Infinity;
  const batch = takeBatch();
  const answer = await post("events", { site: options.site, visitor: id, events: batch });
  if (!answer || retryable(answer.status)) {
    queue = regate(batch.concat(queue));
    return pause(answer);
  }
  failures = 0;
  return 0;
}

function takeBatch(): Event[] {
  let bytes = 0;
  let count = 0;
  while (count < queue.length && count < BATCH_EVENTS) {
    bytes += new Blob([JSON.stringify(queue[count])]).size + 1;
    if (count && bytes > BATCH_BYTES) break;
    count++;
  }
  return queue.splice(0, count);
}

const retryable = (status: number): boolean => status == 429 || status >= 500;

function pause(answer: Response | null): number {
  const asked = Number(answer?.headers.get("Retry-After")) * 1000;
  return asked || Math.min(2 ** failures++, 300) * (500 + Math.random() * 500);
}

async function post(path: string, body: object): Promise<Response | null> {
  try {
    return await fetch(`${options.base}/v1/${path}`, {
      method: "POST",
      body: JSON.stringify(body), // a string is text/plain: no preflight
      keepalive: true,
      credentials: "same-origin",
      signal: AbortSignal.timeout(10000),
    });
  } catch {
    return null;
  }
}

/** The page may never come back: what can go goes now, the rest waits in storage for the next page. */
function leave(): void {
  void deliver();
  remember(EVENTS, recall<Event>(EVENTS).concat(regate(queue)));
  queue = [];
}

function comeBack(): void {
  queue = recall<Event>(EVENTS).concat(queue);
  remember(EVENTS, []);
  wake(0);
}
