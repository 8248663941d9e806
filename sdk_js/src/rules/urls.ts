/**
 * What of an address and of free text may travel. Pure; `dongui.rules.urls` is the Python twin and explains it. The patterns
 * are written as short as their cases allow: the collector scrubs again. Hostile text takes linear time.
 */
import { matches } from "./cookies";
import { scrubText } from "./personal";

const AD_KEY = /^([dgy]clid|[gw]braid|fbclid|msclkid|t[tw]clid|li_fat_id|NaPm)$/;

export const isText = (value: unknown): value is string => typeof value == "string";

const DEEPEST = 16;

/** Scrubs every text of a JSON value, names of members included, but for texts of members that `unsearched` names; what is nested too deep becomes null. */
export function scrubProps(value: unknown, unsearched: readonly string[] = [], levels = DEEPEST): unknown {
  if (isText(value)) return scrubText(value);
  if (!value || typeof value != "object") return value;
  if (!levels--) return null;
  if (Array.isArray(value)) return value.map((member) => scrubProps(member, unsearched, levels));
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      scrubText(key),
      isText(member) && unsearched.includes(key) ? member : scrubProps(member, unsearched, levels),
    ]),
  );
}

/** A URL fit to be recorded, and the advertising ids that were in its query (another item, so apart). */
export interface ScrubbedUrl {
  url: string;
  ad_ids: Record<string, string>;
}

// A session id, a user's name and password; of mailto: and its like all but the scheme.
const SECRETS = /;jsessionid=[^/;]*|(?<=^[^/:]+:)(?!\/\/)[^]*|(?<=^[^/]*\/\/)[^/\\]*@/gi;

/** Keeps `scheme://host[:port]/path` and the query keys of the allowlist, in their order. Paths that fit a glob of `unsearched` are not searched. Never throws. */
export function scrubUrl(url: string, queryKeys: readonly string[], unsearched: readonly string[] = []): ScrubbedUrl {
  const [, place, query] = /^([^?#]*)\??([^#]*)/.exec(url)!;
  const ad_ids: Record<string, string> = {};
  const kept = query!.split("&").filter((pair) => {
    const [name, value] = pair.split(/=([^]*)/) as [string, string];
    if (!AD_KEY.test(name)) return queryKeys.includes(name);
    if (value) ad_ids[name] ??= decoded(value);
    return false;
  });
  const search = kept.map((pair) => pair.replace(/=[^]*/, (value) => scrubText(oneForm(value)))).join("&");
  const plain = oneForm(place!.replace(SECRETS, ""));
  const path = plain.replace(/^([^/:]+:)?\/\/[^/]*/, "").replace(/[^\0-\x7f\ud800-\udfff]+/gu, encodeURIComponent);
  const free = unsearched.some((glob) => matches(glob, path));
  return { url: (free ? plain : scrubText(plain, true)) + (kept[0] == null ? "" : `?${search}`), ad_ids };
}

/** Escapes in one way of writing: those of letters and digits undone, the others in capital letters. */
const oneForm = (address: string): string => 
  address.replace(/%[\da-f]{2}/gi, (escape) => {
    const character = String.fromCharCode(parseInt(escape.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : escape.toUpperCase();
  });

/** Percent-decoded; unchanged where that fails or would bring in control characters. */
function decoded(value: string): string {
  try {
    const text = decodeURIComponent(value);
    if (!/[\0-\x1f\x7f]/.test(text)) return text;
  } catch {}
  return value;
}
