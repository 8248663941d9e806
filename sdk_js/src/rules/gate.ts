/** The gate: of an event, only what a live purpose lists. Pure; `dongui.rules.gate` is the Python twin. */
import { declaration } from "./cookies";
import type { Event, Policy } from "./types";
import { scrubProps, scrubText, scrubUrl } from "./urls";

/** The items that any of the purposes lists; purposes that the policy does not know list none. */
export const itemsAllowed = (purposes: Iterable<string>, policy: Policy): Set<string> =>
  new Set([...purposes].flatMap((id) => policy.purposes[id]?.items ?? []));

const isText = (value: unknown): value is string => typeof value == "string";
const text = (value: unknown): string | null => (isText(value) ? scrubText(value) : null);
const mapping = (value: unknown): object | null => (value && typeof value == "object" && !Array.isArray(value) ? value : null);
/** The members of a mapping whose values are texts; null when there are none. */
const texts = (value: unknown, wanted: (name: string) => unknown = isText): object | null => {
  const members = Object.entries(mapping(value) ?? {}).filter(([name, member]) => isText(member) && wanted(name));
  return members[0] ? Object.fromEntries(members) : null;
};

/**
 * The event reduced to what `purposes` allow; null when none is live. Without `visit_time` the time is `nowMs`, the
 * moment of sending; `id` is left as it is, so the caller chooses a random one there.
 */
export function gateEvent(event: Event, purposes: Iterable<string>, policy: Policy, nowMs: number): Event | null {
  const live = [...purposes].filter((id) => policy.purposes[id]?.basis == "consent");
  if (!live[0]) return null;
  const items = itemsAllowed(live, policy);
  const out: Record<string, unknown> = { id: event.id, name: "-", at: nowMs };
  const put = (item: string, key: keyof Event, convert: (value: unknown) => unknown): void => {
    const value = items.has(item) && convert(event[key]);
    if (value != null && value !== false) out[key] = value;
  };
  const carried: Record<string, string> = {};
  const address = (value: unknown): string | null => {
    if (!isText(value)) return null;
    const { url, ad_ids } = scrubUrl(value, policy.query_keys);
    Object.assign(carried, ad_ids);
    return url;
  };
  const referrer = address(event.referrer);
  const url = address(event.url);
  put("visit_time", "at", (at) => at ?? nowMs);
  put("service_usage", "referrer", () => referrer);
  put("service_usage", "url", () => url);
  put("service_usage", "name", text);
  put("service_usage", "search", text);
  put("service_usage", "props", (props) => mapping(props) && scrubProps(props));
  put("advertising_id", "ad_ids", (named) => texts({ ...carried, ...mapping(named) }));
  put("cookie", "cookies", (values) => texts(values, (name) => {
    const entry = declaration(name, policy);
    return entry?.record && live.includes(entry.purpose);
  }));
  put("access_environment", "environment", mapping);
  put("access_environment", "user_agent", (agent) => isText(agent) && agent);
  put("ip_address", "ip", (ip) => isText(ip) && ip);
  return out as unknown as Event;
}
