/** The tracker: what happens on the page, gated item by item before it is even queued. */
import { cookies, cookieValues, uuid } from "./page";
import { gateEvent, itemsAllowed } from "./rules/gate";
import type { Event } from "./rules/types";
import { send } from "./send";
import { core } from "./state";

const VIEW = "pageview";

/** Events of before the choice was known: a returning visitor's count, anybody else's are dropped. */
let early: Event[] = [];
const advertisingIds: Record<string, string> = {};
let page = "";
let previous = "";
/** Whether the middleware has recorded the page that it served, knowing the choice. */
let served: unknown;
/** Whether this page's view is still to be recorded, once something is granted on it. */
let unseen = false;

export function setAdvertisingId(kind: string, id: string | null): void {
  advertisingIds[kind] = id!;
}

/** Records an event of the page's own making. The limits are the collector's: one event over them would cost its batch. */
export function track(name: string, props?: Record<string, unknown>): void {
  const event = {
    name: `${name}`.slice(0, 128),
    at: Date.now(),
    // A route in the fragment is a path like any other.
    url: location.href.replace(/\/?#!?(?=\/)/, "").slice(0, 4000),
    referrer: previous.slice(0, 4000),
    props: JSON.stringify(props ?? {}).length < 8000 ? props : undefined,
    search: name == VIEW ? /[?&](?:q|query|search|keyword)=([^&#]+)/.exec(location.search)?.[1] : undefined,
  } as Event;
  core._known ? record(event) : early.push(event);
}

function record(event: Event): void {
  // A consent may have expired since, or been withdrawn elsewhere.
  core._read();
  core._judge();
  // UUIDv7: its order is the order of time, which storage likes.
  event.id = event.at.toString(16).padStart(12, "0").replace(/.{8}/, "$&-") + "-7" + uuid().slice(15);
  event.ad_ids = advertisingIds;
  event.cookies = Object.fromEntries(cookies());
  event.environment = { language: navigator.language, screen: `${screen.width}x${screen.height}` };
  regate([event]).forEach(send);
}

/** What of the events is still covered. An id that tells the time goes with the right to tell it. */
export const regate = (events: Event[]): Event[] =>
  core._known
    ? events.flatMap((event) => {
        const gated = gateEvent(event, core._granted, core._facts, Date.now());
        if (gated && gated.id[14] == "7" && !itemsAllowed(core._granted, core._facts).has("visit_time")) gated.id = uuid();
        return gated ?? [];
      })
    : events;

/** One view for every address that the visitor sees; the same address again is the same view. */
function view(): void {
  const now = location.href.replace(/#(?!!?\/).*/, "");
  if (now == page) return;
  previous = page || document.referrer;
  page = now;
  unseen = !core._granted.size;
  track(VIEW);
}

/** Page views: this one, those that the page makes through the History API, and returns from the back/forward cache. */
export function watchViews(): void {
  if (core._options.pageViews == "off") return;
  served = core._sameOrigin && cookieValues("dongui")[0];
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (...given) {
      original.apply(this, given);
      view();
    };
  }
  addEventListener("popstate", view);
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) page = "";
    view();
  });
  view();
}

/** The first judgement settles what happened before it; a first grant later on this page records its view then. */
export function settleViews(): void {
  const waiting = early;
  early = [];
  if (!core._granted.size) return;
  waiting.forEach((event, index) => (!index && event.name == VIEW && served) || record(event));
  if (unseen && !waiting[0]) track(VIEW);
  unseen = false;
}
