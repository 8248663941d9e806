/**
 * Our own two cookies: what they are called, and which copy counts where a sibling host may have set others. Pure;
 * `tests/vectors/own_cookies.json` has the cases.
 */
import { agreedChoice } from "./consent";
import type { Choice } from "./types";

/** Name and value of each cookie in sight, in the order in which they came. */
export type Pairs = readonly (readonly string[])[];

/** The prefix of our cookies' names: `shared` over subdomains by a setting, so that no host can be bound to them. */
export const cookiePrefix = (https: boolean, shared: boolean): string => (https ? (shared ? "__Secure-" : "__Host-") : "");

/** The name of the choice cookie without its prefix, to which the visitor id's adds `_id`; `framed` by another origin, its own. */
export const cookieName = (framed: boolean): string => (framed ? "dongui_frame" : "dongui");

/**
 * The copies of a cookie that count, and whether they are of the name that this site sets. A prefixed copy hides plain
 * ones, whatever the scheme seems to be; what is of another name is not trusted with a grant or an id.
 */
function copies(pairs: Pairs, name: string, https: boolean, shared: boolean): [values: string[], own: boolean] {
  const own = cookiePrefix(true, shared);
  for (const prefix of [own, cookiePrefix(true, !shared), ""]) {
    const values = pairs.flatMap(([key, value]) => (key == prefix + name ? [value!] : []));
    if (values[0] != null) return [values, prefix == own || (!prefix && !https)];
  }
  return [[], false];
}

/**
 * The choice that the cookies make. Of several copies the newest tells version and time, and every one of them has to
 * grant: any refusal wins. An old plain copy, or one of another setting, can only refuse; its grants are asked for again.
 */
export function readChoice(pairs: Pairs, https: boolean, shared: boolean, framed = false): Choice | null {
  const [values, own] = copies(pairs, cookieName(framed), https, shared);
  const choice = agreedChoice(values);
  return own || !choice?.granted[0] ? choice : null;
}

/**
 * The visitor ids that the cookies hold: `use`, under which may be recorded, where there is exactly one of the right
 * name; and `all`, for each of which a withdrawal or an erasure is carried out.
 */
export function visitorIds(pairs: Pairs, https: boolean, shared: boolean, framed = false): { use: string | null; all: string[] } {
  const [values, own] = copies(pairs, cookieName(framed) + "_id", https, shared);
  const all = [...new Set(values)].filter((id) => /^[\w-]{22}$/.test(id));
  return { use: own && !all[1] ? (all[0] ?? null) : null, all };
}
