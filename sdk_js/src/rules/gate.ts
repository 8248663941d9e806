/** The gate: of an event, only what a live purpose lists. Pure; `dongui.rules.gate` is the Python twin. */
import { declaration } from "./cookies";
import { scrubText } from "./personal";
import type { Event, Policy } from "./types";
import { isText, scrubProps, scrubUrl } from "./urls";

/** The items that any of the purposes lists; purposes that the policy does not know list none. */
export const itemsAllowed = (purposes: Iterable<string>, policy: Policy): Set<string> =>
  new Set([...purposes].flatMap((id) => policy.purposes[id]?.items ?? []));

const text = (value: unknown, clean = scrubText): string | undefined => (isText(value) ? clean(value) : undefined);
const mapping = (value: unknown): object | undefined => (value && typeof value == "object" && !Array.isArray(value) ? value : undefined);
/** The members of a mapping whose values are texts, if there are any. */
const texts = (value: unknown, wanted: (name: string) => unknown = isText): object | undefined => {
  const members = Object.entries(mapping(value) ?? {}).filter(([name, member]) => isText(member) && wanted(name));
  return members[0] && Object.fromEntries(members);
};

/**
 * The event reduced to what `purposes` allow; null when none is live. Without `visit_time` the time is `nowMs`, the
 * moment of sending; `id` is left as it is, so the caller chooses a random one there.
 */
export function gateEvent(event: Event, purposes: Iterable<string>, policy: Policy, nowMs: number): Event | null {
  const live = [...purposes].filter((id) => policy.purposes[id]?.basis == "consent");
  const carried: Record<string, string> = {};
  const address = (value: unknown, unsearched?: readonly string[]): string | undefined => {
    if (!isText(value)) return;
    const { url, ad_ids } = scrubUrl(value, policy.query_keys, unsearched);
    Object.assign(carried, ad_ids);
    return url;
  };
  const recorded = (name: string): unknown => {
    const entry = declaration(name, policy);
    return entry?.record && live.includes(entry.purpose!);
  };
  /** What each item covers; the order matters where the referrer's ad ids give way to the address's. */
  const covers: Record<string, Partial<Record<keyof Event, unknown>>> = {
    visit_time: { at: event.at ?? nowMs },
    service_usage: {
      referrer: address(event.referrer),
      url: address(event.url, policy.unsearched_paths),
      name: text(event.name) ?? "-",
      search: text(event.search),
      props: mapping(event.props) && scrubProps(event.props, policy.unsearched_properties),
    },
    advertising_id: { ad_ids: texts({ ...carried, ...mapping(event.ad_ids) }) },
    cookie: { cookies: texts(event.cookies, recorded) },
    access_environment: { environment: mapping(event.environment), user_agent: text(event.user_agent, String) },
    ip_address: { ip: text(event.ip, String) },
  };
  const out = { id: event.id, name: "-", at: nowMs };
  for (const item of itemsAllowed(live, policy)) Object.assign(out, covers[item]);
  return live[0] ? out : null;
}
