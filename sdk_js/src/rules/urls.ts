/**
 * What of an address and of free text may travel. Pure; `dongui.rules.urls` is the Python twin and explains it. The patterns
 * are written as short as their cases allow: the collector scrubs again. Hostile text takes linear time.
 */
import { scrubText } from "./personal";

export { scrubText };

const AD_KEY = /^([dgy]clid|[gw]braid|fbclid|msclkid|t[tw]clid|li_fat_id|NaPm)$/;
const DEEPEST = 16;

export const isText = (value: unknown): value is string => typeof value == "string";

/** The same in every text of a JSON value, names of members included; what is nested too deep becomes null. */
export function scrubProps(value: unknown, levels = DEEPEST): unknown {
  if (isText(value)) return scrubText(value);
  if (!value || typeof value != "object") return value;
  if (!levels--) return null;
  if (Array.isArray(value)) return value.map((member) => scrubProps(member, levels));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [scrubText(key), scrubProps(member, levels)]));
}

/** A URL fit to be recorded, and the advertising ids that were in its query (another item, so apart). */
export interface ScrubbedUrl {
  url: string;
  ad_ids: Record<string, string>;
}

// A session id, a user's name and password; of mailto: and its like all but the scheme.
const SECRETS = /;jsessionid=[^/;]*|(?<=^[^/:]+:)(?!\/\/)[^]*|(?<=^[^/]*\/\/)[^/\\]*@/gi;

/** Keeps `scheme://host[:port]/path` and the query keys of the allowlist, in their order. Never throws. */
export function scrubUrl(url: string, queryKeys: readonly string[]): ScrubbedUrl {
  const [, place, query] = /^([^?#]*)\??([^#]*)/.exec(url)!;
  const ad_ids: Record<string, string> = {};
  const kept = query!.split("&").filter((pair) => {
    const [name, value] = pair.split(/=([^]*)/) as [string, string];
    if (!AD_KEY.test(name)) return queryKeys.includes(name);
    if (value) ad_ids[name] ??= decoded(value);
    return false;
  });
  const search = kept.map((pair) => pair.replace(/=[^]*/, (value) => scrubText(oneForm(value)))).join("&");
  return { url: scrubText(oneForm(place!.replace(SECRETS, "")), true) + (kept[0] == null ? "" : `?${search}`), ad_ids };
}

const UNSEEN = /[\x80-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff0-\uffff]/;

/** One page has one address: escapes of what can be read are undone, the others get capital letters. */
const oneForm = (address: string): string =>
  address.replace(/(%[89a-f][\da-f])+|%[0-7][\da-f]/gi, (run) => {
    const text = decoded(run);
    return text != run && !UNSEEN.test(text) && (text > "\x7f" || /[\w.~-]/.test(text)) ? text : run.toUpperCase();
  });

/** Percent-decoded; unchanged where that fails or would bring in control characters. */
function decoded(value: string): string {
  try {
    const text = decodeURIComponent(value);
    if (!/[\0-\x1f\x7f]/.test(text)) return text;
  } catch {}
  return value;
}
