/**
 * record.js: delivery, patient, batched, events never ahead of the consent that covers them. Loaded where something is
 * recorded, or about to be; until it is there, nothing of an event leaves the page that saw it.
 */
import { gateEvent, itemsAllowed } from "../rules/gate";
import { fitEvent } from "../rules/events";
import type { Event } from "../rules/types";
import { core } from "../ui/core";
import { outcome } from "./answer";
import "../visitor";

const EVENTS = "dongui.events";
const KEY = EVENTS + Math.random();
let busy = false;
let timer: unknown;

/** What other pages could not send is ours now; should one of them still live, the collector keeps each event once. */
let outbox: Event[] = core._values(EVENTS).flat();
core._keys(EVENTS).forEach(core._remove);

/**
 * What of the events is covered, also by a grant that waits for its record: until it has that, nothing is sent. An id that
 * tells the time goes with the right to tell it: a `fresh` event gets another; one that may have arrived already must not
 * arrive under two, so it goes. Another script may have written to the storage: what is no event is none of ours.
 */
const gate = (events: Event[], fresh?: unknown): Event[] => {
  const purposes = [...core._granted, ...core._pending];
  return events.flatMap((event) => {
    if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(event?.id)) return [];
    const gated = gateEvent({ ...event, props: core._plain(event.props) as {} }, purposes, core._facts, Date.now());
    if (gated && gated.id[14] == "7" && !itemsAllowed(purposes, core._facts).has("visit_time")) {
      if (!fresh) return [];
      gated.id = core._uuid();
    }
    return gated ? fitEvent(gated, Date.now(), core._cut) : [];
  });
};

/** The page may never come back: what can go goes now, the rest waits in storage for the next page. */
core._flush = () => {
  void deliver();
  outbox[0] ? core._store(KEY, outbox) : core._remove(KEY);
  core._sweep();
};

core._record = (event) => {
  outbox[499] ? core._cut("size") : outbox.push(...gate([event], 1));
  timer ||= setTimeout(deliver, 1000);
};

/** Whom the events are of. Mounted on the site's own origin, the collector finds the id in a cookie that no script reads. */
const known = (): unknown => core._visitor() || core._options.base.startsWith(location.origin + "/");
const drop = (events: Event[]): void => void (outbox = outbox.filter(({ id }) => !events.some((sent) => sent.id == id)));

/** Batch after batch, each until it is answered for good, and judged anew before every attempt. */
async function deliver(): Promise<void> {
  timer = 0;
  if (!core._known) return;
  outbox = gate(outbox);
  if (busy) return;
  busy = true;
  let failed = 0;
  for (let most = 100; outbox[0] && !core._pending[0] && known(); ) {
    let events = outbox.slice(0, most);
    // What is in flight together may hold 64 KiB (W7); the body is text/plain, which spares the preflight.
    while (core._json(events).length > 16e3 && events[1]) events.length >>= 1;
    const behind = core._now() - Date.now();
    const body = core._json({ site: core._options.site, visitor: core._visitor(), events: events.map((event) => ({ ...event, at: Math.max(0, event.at + behind) })) });
    const result = body.length > 2e4 && new Blob([body]).size > 6e4 ? "refused" : await outcome(body);
    if (result == "refused" && events[1]) {
      // One of them is at fault; the others arrive.
      most = events.length >> 1;
      continue;
    }
    if (result == "recorded" || result == "refused") {
      drop(events);
      if (result == "refused") core._cut("refused");
      else most = 100;
      failed = 0;
    } else await new Promise((resolve) => setTimeout(resolve, 1000 * (result || 2 ** Math.min(failed++, 8) * Math.random())));
  }
  busy = false;
  outbox[0] || core._remove(KEY);
}

core._events.splice(0).forEach(core._record);
core._flush();
