/** Our own two cookies: written, taken away in every copy, and read under every name. */
import { expireCookie } from "../expiry";
import { cookies } from "../page";
import { encodeChoice } from "../rules/consent";
import { without } from "../rules/decisions";
import { readChoice, visitorIds } from "../rules/own";
import type { Choice } from "../rules/types";
import { core, doc } from "../ui/core";

/** Longer than a choice lives, where the notice is out of reach; the choice itself tells when it ends. */
const LONGEST = 3e7;
const https = location.protocol == "https:";
const framed = core._name.endsWith("_frame");
const { domain } = core._options;
const ATTRIBUTES = `;Path=/;SameSite=${framed ? "None;Partitioned" : "Lax"}${domain ? ";Domain=" + domain : ""}${https ? ";Secure" : ""}`;

/** Sets one of them: `""` the choice, `"_id"` the visitor id; 0 seconds remove it. */
export const setCookie = (name: string, value: string, seconds: number): void =>
  void core._quietly(() => (doc.cookie = `${core._name + name}=${value};Max-Age=${Math.floor(seconds) - 1}${ATTRIBUTES}`));

/** Until when a choice lives at `now` (epoch seconds). */
export const lifetime = (choice: Choice, now: number): number => choice.at + (core._facts ? core._facts.choice_seconds : LONGEST) - now;

export const setChoice = (choice: Choice, now: number): void => setCookie("", encodeChoice(choice), lifetime(choice, now));

core._ids = () => visitorIds(cookies(), https, !!domain, framed).all;
core._refused = () => {
  const choice = !core._cookieChoice() && readChoice(cookies(), https, !!domain, framed);
  return !!choice && core._facts.accepts.includes(choice.version);
};

/** Whether this browser gives back a cookie of ours: a grant whose id does not come back is none. */
export function keepsCookies(): boolean {
  setCookie("_probe", "1", 9);
  const kept = cookies().some(([name]) => name == core._name + "_probe");
  setCookie("_probe", "", 0);
  return kept;
}

/** What is taken away goes from the cookies at once; what is left lives no longer than before. */
export function shrink(refused: string[]): void {
  const choice = core._cookieChoice();
  if (!choice) return;
  const granted = without(choice.granted, refused);
  if (granted.length < choice.granted.length) setChoice({ ...choice, granted }, core._now() / 1000);
  if (!granted.some((id) => !core._facts || core._facts.purposes[id]?.items.includes("cookie"))) setCookie("_id", "", 0);
}

/** Removes every copy, under all names; `spared` leaves the one that is about to be written over. */
export function forget(name: string, spared?: boolean): void {
  const own = core._name + name;
  for (const prefix of ["", "__Host-", "__Secure-"]) {
    const copy = prefix + own.replace(/^__[A-Za-z]+-/, "");
    expireCookie(core, copy, spared && copy == own);
  }
}
