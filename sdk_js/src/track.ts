/** The tracker: what happens on the page, gated item by item before it is even queued. */
import { choice, granted, judge, known, policy } from "./consent";
import { cookies, options, uuid } from "./page";
import { classify } from "./rules/cookies";
import { gateEvent, itemsAllowed } from "./rules/gate";
import type { Event } from "./rules/types";
import { sendEvent } from "./send";

/** Events of before the choice was known: a returning visitor's count, anybody else's are dropped. */
let early: Omit<Event, "id">[] = [];
const advertisingIds: Record<string, string> = {};
let page = "";
let previous = "";
/** Whether this page's view is still to be recorded, once something is granted on it. */
let unseen = false;

export function setAdvertisingId(kind: string, id: string | null): void {
  if (id) advertisingIds[kind] = id;
  else delete advertisingIds[kind];
}

/** Records an event of the page's own making. */
export function track(name: string, props?: Record<string, unknown>): void {
  const event: Omit<Event, "id"> = { name: `${name}`, at: Date.now(), url: location.href };
  if (previous) event.referrer = previous;
  if (props) event.props = props;
  record(event);
}

function record(event: Omit<Event, "id">): void {
  if (!known) return void (early.length < 100 && early.push(event));
  if (choice) judge(); // a consent may have expired since
  if (!granted.size) return;
  const items = itemsAllowed(granted, policy!);
  const full: Event = { ...event, id: items.has("visit_time") ? timeId(event.at) : uuid(), environment: environment(), ad_ids: advertisingIds };
  full.cookies = Object.fromEntries(cookies().filter(([name]) => classify(name, policy!)));
  sendEvent(gateEvent(full, granted, policy!, Date.now())!);
}

const environment = (): Record<string, string> => ({ language: navigator.language, screen: `${screen.width}x${screen.height}` });

/** What is queued, reduced to what is still granted. An id that tells the time goes with the right to tell it. */
export function regate(events: Event[]): Event[] {
  if (!policy) return events;
  const now = Date.now();
  const timed = itemsAllowed(granted, policy).has("visit_time");
  return events.flatMap((event) => {
    const gated = gateEvent(event, granted, policy!, now);
    if (gated && !timed && gated.id[14] == "7") gated.id = uuid();
    return gated ?? [];
  });
}

/** UUIDv7: its order is the order of time, which storage likes. */
const timeId = (at: number): string => {
  const time = at.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${uuid().slice(15)}`;
};

/** One view for every address the visitor sees; the same address again is the same view. */
function view(): void {
  const now = location.href.split("#")[0]!;
  if (now == page) return;
  previous = page || document.referrer;
  page = now;
  unseen = known && !granted.size;
  track("page_view");
}

/** Page views: this one, and those that the page makes through the History API. */
export function watchViews(): void {
  if (options.pageViews == "off") return;
  const wrap = (name: "pushState" | "replaceState"): void => {
    const original = history[name];
    history[name] = function (...given) {
      original.apply(this, given);
      view();
    };
  };
  wrap("pushState");
  wrap("replaceState");
  addEventListener("popstate", view);
  view();
}

/** The first judgement settles what happened before it; a first grant later on this page records its view then. */
export function onGrant(): void {
  const waiting = early;
  early = [];
  if (!granted.size) unseen ||= waiting.some((event) => event.name == "page_view");
  else if (unseen) {
    unseen = false;
    track("page_view");
  } else waiting.forEach(record);
}
