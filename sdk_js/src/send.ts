/** Delivery: patient, batched, events never ahead of the consent that covers them. */
import { uuid } from "./page";
import { EVENTS } from "./queue";
import { gateEvent, itemsAllowed } from "./rules/gate";
import type { Event } from "./rules/types";
import { core } from "./state";

const KEY = EVENTS + Math.random();
let outbox: Event[] = [];
let busy = false;
let timer: unknown;

/**
 * What of the events is covered, also by a grant that waits for its record: until it has that, nothing is sent. An id that tells the time goes with the right to tell it: a `fresh` event gets
 * another; one that may have arrived already must not arrive under two, so it goes.
 */
const gate = (events: Event[], fresh?: unknown): Event[] => {
  const purposes = [...core._granted, ...core._pending];
  return events.flatMap((event) => {
    const gated = gateEvent(event, purposes, core._facts, core._now());
    if (gated && gated.id[14] == "7" && !itemsAllowed(purposes, core._facts).has("visit_time")) {
      if (!fresh) return [];
      gated.id = uuid();
    }
    return gated ?? [];
  });
};

/** What other pages could not send is ours now; should one of them still live, the collector keeps each event once. */
export function restore(): void {
  outbox = core._values(EVENTS).flat();
  core._keys(EVENTS).forEach(core._remove);
}

/** The page may never come back: what can go goes now, the rest waits in storage for the next page. */
core._flush = () => {
  void deliver();
  if (outbox[0]) core._store(KEY, outbox);
  else if (core._known && !core._granted.size && !core._pending[0]) core._keys(EVENTS).forEach(core._remove);
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
  if (!core._granted.size && !core._pending[0]) return;
  if (!core._scrubs) return waiting.push(event), load();
  outbox[499] || outbox.push(...gate([event], 1));
  timer ||= setTimeout(deliver, 1000);
}

/** Batch after batch, each until it is answered for good, and judged anew before every attempt. */
async function deliver(): Promise<void> {
  timer = 0;
  if (!core._known) return;
  if (outbox[0] && !core._scrubs) return load();
  outbox = gate(outbox);
  if (busy) return;
  busy = true;
  // Mounted on the site's own origin, the collector finds the id in a cookie that no script reads.
  for (let failed = 0, visitor; outbox[0] && !core._pending[0] && ((visitor = core._visitor()) || core._options.base.startsWith(location.origin + "/")); ) {
    let events = outbox.slice(0, 100);
    // A character is at most three bytes, and what is in flight together may hold 64 KiB (W7).
    while (core._json(events).length > 16e3 && events[1]) events.length >>= 1;
    // The body is text/plain, which spares the preflight.
    const body = core._json({ site: core._options.site, visitor, events });
    const answer = await fetch(`${core._options.base}/v1/events`, { method: "POST", body, keepalive: true, signal: AbortSignal.timeout(1e4) }).catch(() => {});
    if (answer?.status! < 500 && answer!.status != 429) {
      outbox = outbox.filter(({ id }) => !events.some((sent) => sent.id == id));
      failed = 0;
    } else await new Promise((resolve) => setTimeout(resolve, 1000 * (+answer?.headers.get("Retry-After")! || 2 ** Math.min(failed++, 8) * Math.random())));
  }
  busy = false;
  outbox[0] || core._remove(KEY);
}
