/** The tracker: what happens on the page, gated item by item before it is even queued. */
import { cookies, cookieValues, quietly, uuid } from "./page";
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

export const setAdvertisingId = (kind: string, id: string | null): void => void (advertisingIds[kind] = id!);

/** A route in the fragment is a path like any other; other fragments are places on the page. */
const address = (): string => location.href.replace(/\/?#!?(?=\/)|#.*/, "").slice(0, 4000);

/** Records an event of the page's own making. The limits are the collector's: one event over them would cost its batch. */
export function track(name: string, props?: Record<string, unknown>): void {
  const at = Date.now();
  const event = {
    // UUIDv7: its order is the order of time, which storage likes.
    id: uuid(`0${at.toString(16)}-7`.replace(/.{8}/, "$&-")),
    name: `${name}`.slice(0, 128),
    at,
    url: address(),
    referrer: previous,
    props: JSON.stringify(props)?.length < 8000 ? props : null,
    search: name == VIEW && new URLSearchParams(location.search).get(core._options.search || "q"),
    ad_ids: advertisingIds,
    cookies: Object.fromEntries(cookies()),
    environment: { language: navigator.language, screen: `${screen.width}x${screen.height}` },
  } as Event;
  if (!core._known) return void early.push(event);
  // A consent may have expired since, or been withdrawn elsewhere.
  core._read();
  core._judge();
  send(event);
}

/** One view for every address that the visitor sees. */
export function view(): void {
  const now = address();
  if (core._options.pageViews == "off") return;
  if (now != page) {
    previous = page || document.referrer;
    page = now;
    unseen = true;
  }
  core._known && settleViews();
}

/** The page goes; should it come back from the back/forward cache, that is a view of its own. */
export function leaveView(): void {
  previous = page;
  unseen = !!page;
}

/** Page views: this one, and those that the page makes through the History API. */
export function watchViews(): void {
  served = core._sameOrigin && cookieValues("dongui")[0];
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (...given) {
      original.apply(this, given);
      quietly(view);
    };
  }
  view();
}

/** A view counts once something is granted on its page; so do events of before the choice was known, unless nothing is. */
export function settleViews(): void {
  const [waiting, counted] = [early, served];
  early = [];
  served = 0;
  if (!core._granted.size) return;
  if (unseen && !counted) track(VIEW);
  unseen = false;
  waiting.forEach(send);
}
