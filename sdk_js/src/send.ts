/** Delivery: patient, batched, events never ahead of the consent that covers them. */
import { cookieValues, quietly, uuid } from "./page";
import { gateEvent, itemsAllowed } from "./rules/gate";
import type { Event } from "./rules/types";
import { core } from "./state";

const KEY = "dongui.events";
let outbox: Event[] = [];
let busy = false;
let timer: unknown;

/**
 * Posts what `body` says until it is answered for good, asking it anew before every attempt; nothing once it says nothing.
 * The body is text/plain, which spares the preflight.
 */
core._post = async (path, body) => {
  for (let failed = 0, data; (data = body()); ) {
    const request = { method: "POST", body: JSON.stringify(data), keepalive: true, signal: AbortSignal.timeout(1e4) };
    const answer = await fetch(`${core._options.base}/v1/${path}`, request).catch(() => {});
    if (answer && answer.status < 500 && answer.status != 429) return answer;
    const seconds = +answer?.headers.get("Retry-After")! || 2 ** Math.min(failed++, 8) * Math.random();
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  }
  return;
};

core._visitorId = () => cookieValues("dongui_id")[0] || core._visitor;

/**
 * What of the events is still covered. An id that tells the time goes with the right to tell it: a `fresh` event gets
 * another; one that may have arrived already must not arrive under two, so it goes.
 */
const gate = (events: Event[], fresh?: unknown): Event[] =>
  events.flatMap((event) => {
    const gated = gateEvent(event, core._granted, core._facts, Date.now());
    if (gated && gated.id[14] == "7" && !itemsAllowed(core._granted, core._facts).has("visit_time")) {
      if (!fresh) return [];
      gated.id = uuid();
    }
    return gated ?? [];
  });

/** What the page before could not send. */
export const restore = (): void => {
  outbox = quietly(() => JSON.parse(localStorage[KEY])) || [];
};

/** The page may never come back: what can go goes now, the rest waits in storage for the next page. */
core._flush = () => {
  void deliver();
  // Before a choice there is nothing, and opening the storage takes longer than all the rest.
  core._choice && quietly(() => (outbox[0] ? (localStorage[KEY] = JSON.stringify(outbox)) : delete localStorage[KEY]));
};

/** Events that wait for personal.js, which finds what names a person; it may still be on its way. */
const waiting: Event[] = [];
let loading: unknown;
const load = (): void =>
  void (loading ||= core._load("personal").then(() => {
    core._scrubs = true;
    waiting.splice(0).forEach(send);
    void deliver();
  }));

export function send(event: Event): void {
  if (!core._granted.size) return;
  if (!core._scrubs) return waiting.push(event), load();
  outbox[499] || outbox.push(...gate([event], 1));
  timer ||= setTimeout(deliver, 1000);
}

async function deliver(): Promise<void> {
  let batch: Event[];
  timer = 0;
  if (!core._known) return;
  if (outbox[0] && !core._scrubs) return load();
  outbox = gate(outbox);
  if (busy) return;
  busy = true;
  while (
    await core._post("events", () => {
      let count = 100;
      // A character is at most three bytes, and what is in flight together may hold 64 KiB (W7).
      while (JSON.stringify((batch = outbox.slice(0, count))).length > 16e3 && count > 1) count >>= 1;
      // Mounted on the site's own origin, the collector finds the id in a cookie that no script reads.
      const visitor = core._visitorId() || null;
      return batch[0] && !core._unsent && (visitor || core._options.base.startsWith(`${location.origin}/`)) && { site: core._options.site, visitor, events: batch };
    })
  )
    outbox = outbox.filter(({ id }) => !batch.some((sent) => sent.id == id));
  busy = false;
}
