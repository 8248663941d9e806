/** The gate: of an event, only what a live purpose lists. Pure; `dongui.rules.gate` is the Python twin. */
import { declaration } from "./cookies";
import type { Event, Policy } from "./types";
import { scrubProps, scrubText, scrubUrl } from "./urls";

/** The items that any of the purposes lists; purposes that the policy does not know list none. */
export const itemsAllowed = (purposes: Iterable<string>, policy: Policy): Set<string> =>
  new Set([...purposes].flatMap((id) => policy.purposes[id]?.items ?? []));

/**
 * The event reduced to what `purposes` allow; null when none is live. Without `visit_time` the time is `nowMs`, the
 * moment of sending; `id` is left as it is, so the caller chooses a random one there.
 */
export function gateEvent(event: Event, purposes: Iterable<string>, policy: Policy, nowMs: number): Event | null {
  const live = [...purposes].filter((id) => policy.purposes[id]?.basis == "consent");
  if (!live.length) return null;
  const items = itemsAllowed(live, policy);
  const timed = items.has("visit_time");
  const out: Event = { id: event.id, name: "-", at: timed ? event.at ?? nowMs : nowMs };
  const usage = items.has("service_usage");
  const adIds: Record<string, string> = {};
  for (const key of ["referrer", "url"] as const) {
    const text = event[key];
    if (!isText(text)) continue;
    const scrubbed = scrubUrl(text, policy.query_keys);
    Object.assign(adIds, scrubbed.ad_ids);
    if (usage) out[key] = scrubbed.url;
  }
  if (usage) {
    if (isText(event.name)) out.name = scrubText(event.name);
    if (isMapping(event.props)) out.props = scrubProps(event.props) as Record<string, unknown>;
    if (isText(event.search)) out.search = scrubText(event.search);
  }
  if (items.has("advertising_id")) keep(out, "ad_ids", { ...adIds, ...texts(event.ad_ids) });
  if (items.has("cookie")) keep(out, "cookies", texts(event.cookies, (name) => recorded(name, live, policy)));
  if (items.has("access_environment")) {
    if (isMapping(event.environment)) out.environment = event.environment;
    if (isText(event.user_agent)) out.user_agent = event.user_agent;
  }
  if (items.has("ip_address") && isText(event.ip)) out.ip = event.ip;
  return out;
}

const isText = (value: unknown): value is string => typeof value == "string";
const isMapping = (value: unknown): value is Record<string, string> => !!value && typeof value == "object" && !Array.isArray(value);

/** The members of a mapping whose values are texts. */
const texts = (value: unknown, wanted: (name: string) => unknown = () => true): Record<string, string> =>
  Object.fromEntries(Object.entries(isMapping(value) ? value : {}).filter(([name, text]) => isText(text) && wanted(name)));

function keep(out: Event, key: "ad_ids" | "cookies", members: Record<string, string>): void {
  if (Object.keys(members).length) out[key] = members;
}

/** A cookie's value may be recorded where its declaration says so and its own purpose is granted. */
function recorded(name: string, live: string[], policy: Policy): boolean {
  const entry = declaration(name, policy);
  return !!entry?.record && live.includes(entry.purpose);
}
