/**
 * An event within the limits of the collector, which would refuse it with its whole batch. Pure; `dongui.rules.events` is
 * the Python twin, `tests/vectors/events.json` has the cases.
 */
import type { Cut } from "./json";
import type { Event } from "./types";
import { isText } from "./urls";

const MOST_NAMES = 50;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** An address of at most 4,096 bytes: without its query if that is enough, else cut short. */
function shortUrl(url: string): string {
  if (bytes(url).length <= 4096) return url;
  const place = url.replace(/\?[^]*/, "");
  return new TextDecoder().decode(bytes(place).slice(0, 4096)).replace(/\ufffd+$/, "");
}

/** `event` as the collector takes it; `cut` is told what of it is left out or shortened. */
export function fitEvent(event: Event, nowMs: number, cut: (why: Cut) => void): Event {
  const out: any = { ...event };
  const shorten = (name: keyof Event, most: (text: string) => string): void => {
    const value = out[name];
    if (!isText(value)) return;
    const whole = value.replace(/\0/g, "");
    out[name] = most(whole);
    if (out[name] != value) cut(out[name] == whole ? "nul" : "length");
  };
  const upTo = (most: number) => (text: string) => [...text].slice(0, most).join("");
  /** The texts under names that fit; an id that is cut short would be another. */
  const named = (field: "ad_ids" | "cookies" | "environment", name: RegExp, most: number): void => {
    const all = Object.entries(out[field] ?? {});
    const kept = all.filter(([key, value]) => name.test(key) && isText(value) && !/\0/.test(value) && [...value].length <= most).slice(0, MOST_NAMES);
    if (kept.length < all.length) cut(field);
    delete out[field];
    if (kept[0]) out[field] = Object.fromEntries(kept);
  };
  shorten("url", shortUrl);
  shorten("referrer", shortUrl);
  shorten("name", upTo(128));
  shorten("search", upTo(512));
  shorten("user_agent", upTo(2048));
  if (!isText(out.name) || !out.name) {
    out.name = "-";
    cut("name");
  }
  if (!(Number.isSafeInteger(out.at) && out.at >= 0)) {
    out.at = nowMs;
    cut("at");
  }
  if (out.ip?.length > 64) delete out.ip;
  named("ad_ids", /^[A-Za-z]\w{0,31}$/, 512);
  named("cookies", /^[^\0]{1,128}$/, 4096);
  named("environment", /^(language|screen)$/, 128);
  return out;
}
