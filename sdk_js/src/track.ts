/** The tracker: what happens on the page, gated item by item before it is even queued. */
import { send } from "./events";
import { doc } from "./natives";
import { cookies, uuid } from "./page";
import { watchRoutes } from "./routes";
import { plain } from "./rules/json";
import type { Event } from "./rules/types";
import { core } from "./state";

const VIEW = "pageview";

/** Events of before the choice was known: a returning visitor's count, anybody else's are dropped. */
const early: Event[] = [];
const advertisingIds: Record<string, string> = {};
type Navigation = PerformanceNavigationTiming & { deliveryType?: string; activationStart?: number };
let page = "";
let previous = "";
/** The choice with which the page began, if the server knew it too. */
let chosen: unknown;
/** Whether the view of this address is still to be recorded, once something is granted on it. */
let unseen = false;

export const setAdvertisingId = (kind: string, id: string | null): void => void (advertisingIds[kind] = id!);

/** A route in the fragment (`#/cart`, `#!/cart`, `#!cart`) is a path like any other, its query goes with the page's; other fragments are places on the page. */
function address(): string {
  const { origin, pathname, search, hash } = location;
  const [, route, query] = /^#(?:!\/?|\/)([^?#]*)\??([^#]*)/.exec(hash) ?? [];
  const path = route == null ? pathname : pathname.replace(/\/?$/, "/") + route;
  return (origin + path + search + (query ? (search ? "&" : "?") + query : "")).slice(0, 4000);
}

core._cut = (why) => {
  const count = (core._cuts[why] = (core._cuts[why] || 0) + 1);
  // The first is worth a word, and every tenfold of it.
  /^10*$/.test(count as unknown as string) && core._complain(why, count);
};

core._plain = (value) => plain(value, core._cut);

/** Records an event of the page's own making, with its properties as they are now. */
export function track(name: string, props?: Record<string, unknown>): void {
  const at = core._now();
  const event = {
    // UUIDv7: its order is the order of time, which storage likes.
    id: uuid(`0${at.toString(16)}-7`.replace(/.{8}/, "$&-")),
    name: String(name),
    // By the browser's clock: how that stands to the server's may be learned before it is sent.
    at: Date.now(),
    url: address(),
    referrer: previous,
    props: core._plain(props),
    search: name == VIEW && new URLSearchParams(location.search).get(core._options.search || "q"),
    ad_ids: advertisingIds,
    cookies: Object.fromEntries(cookies()),
    environment: { language: navigator.language, screen: screen.width + "x" + screen.height },
  } as Event;
  if (!core._known) return void early.push(event);
  // A consent may have expired since, or been withdrawn elsewhere.
  core._judge();
  send(event);
}

/**
 * One view for every address that the visitor sees. A page that is `leaving` may come back from the back/forward cache:
 * that is a view of its own, which waits until then.
 */
function view(leaving?: boolean): void {
  const now = address();
  if (now != page || leaving) {
    previous = page || doc.referrer;
    page = now;
    unseen = true;
    core._known || !chosen || leaving || track(VIEW);
  }
  core._known && !leaving && core._settle();
}

/** Page views: this one, those that the page makes through the History API, and returns. */
export function watchViews(choice: unknown): void {
  chosen = choice;
  unseen = true;
  watchRoutes(view);
  for (const type of ["popstate", "pageshow", "pagehide"]) addEventListener(type, () => view(type == "pagehide"));
  // Nobody else's first address counts before the choice, and there it is judged anew.
  chosen && view();
}

/** Once the choice is judged by a notice: a view counts where something is granted on its page; so do events of before the choice was known, unless nothing is. */
core._settle = () => {
  if (!core._known) return;
  const waiting = early.splice(0);
  const due = unseen && waiting[0]?.name != VIEW;
  if (chosen && core._facts.page_views) {
    // From a cache, or fetched ahead: the server was not asked for this view.
    const { deliveryType, activationStart } = performance.getEntries()[0] as Navigation;
    activationStart || deliveryType || waiting.shift();
  }
  if (!core._granted.size && !core._pending[0]) return;
  unseen = false;
  due && track(VIEW);
  waiting.forEach(send);
};
