/**
 * What of an address and of free text may travel. Pure; `dongui.rules.urls` is the Python twin and explains the patterns,
 * which are written as short as their cases allow here: the collector scrubs again. A match may start only where a run of
 * its characters starts, so that hostile text takes linear time.
 */

const AD_KEY = /^([dgy]clid|[gw]braid|fbclid|msclkid|t[tw]clid|li_fat_id|NaPm)$/;
const DEEPEST = 16;

const WIDE = "¡-\\uffff-]";
const LOCAL = "[\\w!$%*+.^~" + WIDE;
const DOMAIN = "[a-z\\d" + WIDE;
const GAP = "([-.\\s()‐-―]|%2[089de])";
const PLUS = "(\\+|%2b)";
const JOIN = `(${GAP}|[+_]){0,2}`;
// Not inside an escape but right after one; not inside a longer number, not the decimals of a coordinate.
const LEFT = "(?<!%|%[\\da-f])((?<!\\d\\.?)|(?<=%[\\da-f]{2}))(";
const PATTERNS = {
  "[rrn]": `${LEFT}\\d\\d(0\\d|1[0-2])[0-3]\\d(${GAP}|\\+)?[1-8][\\d*]{6})(?!\\d)`,
  "[phone]":
    `${LEFT}(${PLUS}82${JOIN}0?${JOIN}|82${JOIN}0?(?=1)|0)(1[016-9]|2|[3-6]\\d|50\\d?|[78]0)${JOIN}\\d{3,4}${JOIN}\\d{4}` +
    `|${PLUS}[1-9]\\d?(${GAP}{0,2}\\d){8,13}|[2-9]\\d\\d${GAP}{1,2}\\d{3}${GAP}\\d{4})(?!\\d)`,
  "[email]": `(?<!${LOCAL})${LOCAL}+(@|%(25)*40)(${DOMAIN}+\\.)+(?!\\d)${DOMAIN}{2,}`,
};

/** Replaces telephone and resident numbers and e-mail addresses by `[phone]`, `[rrn]`, `[email]`. */
export const scrubText = (text: string): string =>
  Object.entries(PATTERNS).reduce((clean, [word, pattern]) => clean.replace(RegExp(pattern, "gi"), word), text);

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
  const search = kept.map((pair) => pair.replace(/=[^]*/, scrubText)).join("&");
  return { url: scrubText(place!.replace(SECRETS, "")) + (kept[0] == null ? "" : `?${search}`), ad_ids };
}

/** Percent-decoded; unchanged where that fails or would bring in control characters. */
function decoded(value: string): string {
  try {
    const text = decodeURIComponent(value);
    if (!/[\0-\x1f\x7f]/.test(text)) return text;
  } catch {}
  return value;
}
