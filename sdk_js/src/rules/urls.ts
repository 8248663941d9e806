/**
 * What of an address and of free text may travel. Pure; `dongui.rules.urls` is the Python twin and explains the patterns.
 * A sticky point of both: a match may start only where a run of its characters starts, so hostile text takes linear time.
 */

const AD_KEYS = "gclid gbraid wbraid dclid fbclid msclkid ttclid twclid li_fat_id yclid NaPm".split(" ");
const DEEPEST = 16;

const STOP = "\\0- @/\\\\?#&=:;,<>\"'()[\\]{}|`";
const LABEL = "a-z\\d\\-\\xa1-\\uffff";
const EMAIL = RegExp(`(?<![^${STOP}])[^${STOP}]+(?:@|%(?:25)*40)[${LABEL}]+(?:\\.[${LABEL}]+)*\\.[a-z\\xa1-\\uffff][${LABEL}]+`, "gi");

const GAP = "(?:[-. ()\\xa0\\u2010-\\u2015]|%2[089DEde])";
const LEFT = "(?<!%)(?<!%[\\dA-Fa-f])(?:(?<!\\d)(?<!\\d\\.)|(?<=%[\\dA-Fa-f]{2}))";
const RRN = RegExp(`${LEFT}\\d\\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])(?:${GAP}|\\+)?[1-8](?:\\d{6}|\\*{6})(?!\\d)`, "g");
const JOIN = `(?:${GAP}|[+_]){0,2}`;
const PLUS = "(?:\\+|%2[Bb])";
const PHONE = RegExp(
  `${LEFT}(?:(?:82${JOIN}0?1[016789]|${PLUS}82${JOIN}0?${JOIN}[1-7]\\d?|0(?:1[016789]|2|[3-6][1-5]|50[2-8]?|70|80))${JOIN}\\d{3,4}${JOIN}\\d{4}` +
    `|${PLUS}[1-9]\\d?(?:${GAP}{0,2}\\d){8,13}|[2-9]\\d\\d${GAP}{1,2}\\d{3}${GAP}\\d{4})(?!\\d)`,
  "g",
);

/** Replaces telephone and resident numbers and e-mail addresses by `[phone]`, `[rrn]`, `[email]`. */
export const scrubText = (text: string): string =>
  text.replace(RRN, "[rrn]").replace(PHONE, "[phone]").replace(EMAIL, "[email]");

/** The same in every text of a JSON value, names of members included; what is nested too deep becomes null. */
export function scrubProps(value: unknown, levels = DEEPEST): unknown {
  if (typeof value == "string") return scrubText(value);
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

/** Keeps `scheme://host[:port]/path` and the query keys of the allowlist, in their order. Never throws. */
export function scrubUrl(url: string, queryKeys: readonly string[]): ScrubbedUrl {
  const [place, ...query] = url.replace(/#[^]*/, "").split("?");
  const ad_ids: Record<string, string> = {};
  const kept = query.join("?").split("&").flatMap((pair) => {
    const [, key, value] = /^([^=]*=?)([^]*)/.exec(pair)!;
    const name = key!.replace("=", "");
    if (AD_KEYS.includes(name)) value && (ad_ids[name] ??= decoded(value));
    else if (queryKeys.includes(name)) return key + scrubText(value!);
    return [];
  });
  // User info and session ids are secrets; of mailto: and its like only the scheme stays.
  const clean = scrubText(place!.replace(/;jsessionid=[^/;]*/gi, "").replace(/^([^/:]+:)(?!\/\/)[^]*/, "$1").replace(/^([^/]*\/\/)[^/\\]*@/, "$1"));
  return { url: kept[0] == null ? clean : `${clean}?${kept.join("&")}`, ad_ids };
}

/** Percent-decoded; unchanged where that fails or would bring in control characters. */
function decoded(value: string): string {
  try {
    const text = decodeURIComponent(value);
    return /[\0-\x1f\x7f]/.test(text) ? value : text;
  } catch {
    return value;
  }
}
