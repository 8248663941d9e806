/** Delivery: patient, batched, events never ahead of the consent that covers them. */
import { cookieValues, quietly } from "./page";
import type { Event } from "./rules/types";
import { core } from "./state";

const KEY = "dongui.events";
let outbox: Event[] = [];
let busy = false;
let timer: unknown;
/** What of the events is still covered. */
let gate: (events: Event[]) => Event[];

/**
 * Posts what `body` says until it is answered for good, asking it anew before every attempt; nothing once it says nothing.
 * The body is text/plain, which spares the preflight.
 */
core._post = async (path, body) => {
  for (let failed = 0, data; (data = body()); ) {
    const request = { method: "POST", body: JSON.stringify(data), keepalive: true, signal: AbortSignal.timeout(1e4) };
    const answer = await fetch(`${core._options.base}/v1/${path}`, request).catch(() => {});
    if (answer && answer.status < 500 && answer.status != 429) return answer;
    const asked = 1000 * +(answer?.headers.get("Retry-After") || 0);
    await new Promise((resolve) => setTimeout(resolve, asked || Math.min(2 ** failed++, 300) * 500 * (1 + Math.random())));
  }
  return;
};

core._visitorId = () => cookieValues("dongui_id")[0] || core._visitor;

export function startSending(given: typeof gate): void {
  gate = given;
  outbox = quietly(() => JSON.parse(localStorage[KEY])) || [];
  // pagehide alone misses a phone's app switcher; both may come, the second finds nothing to do.
  for (const type of ["pagehide", "visibilitychange"]) addEventListener(type, flush, true);
}

/** The page may never come back: what can go goes now, the rest waits in storage for the next page. */
export function flush(): void {
  core._deliver();
  quietly(() => (outbox[0] ? (localStorage[KEY] = JSON.stringify(outbox)) : delete localStorage[KEY]));
}

export function send(event: Event): void {
  outbox[499] || outbox.push(event);
  timer ||= setTimeout(core._deliver, 1000);
}

core._deliver = async () => {
  let batch: Event[];
  timer = 0;
  outbox = gate(outbox);
  if (busy) return;
  busy = true;
  while (
    await core._post("events", () => {
      const visitor = core._visitorId() || null;
      let count = 100;
      outbox = gate(outbox);
      // A character is at most three bytes, and what is in flight together may hold 64 KiB (W7).
      while (count > 1 && JSON.stringify((batch = outbox.slice(0, count))).length > 16e3) count >>= 1;
      return batch[0] && !core._unsent && (visitor || core._sameOrigin) && { site: core._options.site, visitor, events: batch };
    })
  )
    outbox = outbox.filter(({ id }) => !batch.some((sent) => sent.id == id));
  busy = false;
};
