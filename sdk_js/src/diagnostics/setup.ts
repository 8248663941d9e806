/** What keeps the snippet from working on this page, where, and the remedy. */
import { core } from "../ui/core";

/** `{}` is a detail; of all else the developer knows the value from the tag and the page. */
const TEXTS = {
  site: "the script tag has no data-site. Take the line that `dongui snippet` prints.",
  "unknown-site": "the collector knows no such site: the id in data-site is wrong. `dongui sites list` prints the right one.",
  "not-published": "the site's policy is a draft, so nobody is asked. Check it and publish it: `dongui policy publish FILE`.",
  "origin-not-listed": "the collector refuses decisions of {}: it is not on the site's list, where scheme, host and port count. `dongui sites add NAME --origin {}` adds it.",
  mixed: "this page is on https and the collector ({}) is not, so the browser asks it nothing. Give the tag's src an https address, or one of the site's own (`/_dongui/v1/dongui.js`).",
  csp: "the page's Content-Security-Policy refuses the collector ({}). Add its origin there, and to script-src.",
  away: "no collector answers at {}. Start it (`dongui serve`); the tag's src has to name its public address.",
  unavailable: "the site's own server cannot reach the collector. Its log (dongui) says why; `dongui serve` starts the collector.",
  other: "what answers at {} is no collector. Its address is the first that `dongui serve` prints (port 8787 unless set); the console's (8788) is another.",
  cookies: "the browser keeps no cookie of this page, so that no choice can be kept: nobody is asked, nothing is recorded. Allow cookies, and in a frame of another site see data-embedded.",
  parts: "ui.js does not come from {}, or does not run, so nobody is asked. The page's Content-Security-Policy (script-src), a blocker, or a proxy that answers in its place may be the reason.",
  words: "data-words is no JSON object of texts; what is none is left out ({}). Names and texts stand in double quotes, the attribute in single ones.",
};

export type Fault = keyof typeof TEXTS;

const said = new Set<Fault>();
let looked: Promise<void> | undefined;

function say(fault: Fault, detail = core._options.base): void {
  if (!said.has(fault)) console.warn(`dongui: ${TEXTS[fault].replaceAll("{}", detail)}`);
  said.add(fault);
}

/** What an answer of whoever is at the collector's address says is wrong, if anything. */
async function faultOf(answer: Response): Promise<Fault | undefined> {
  const body = Object(await answer.json().catch(() => {}));
  const slug = `${body.type}`.replace(/^urn:dongui:problem:/, "");
  if (Object.hasOwn(TEXTS, slug)) return slug as Fault;
  return body.purposes ? undefined : "other";
}

/** Which of the site's own words are no texts, if any. */
function notTexts(): string {
  const words = core._quietly(() => JSON.parse(core._options.words || "{}"));
  if (!words || typeof words != "object" || Array.isArray(words)) return "all of it";
  return Object.keys(words).filter((name) => typeof words[name] != "string").join(", ").slice(0, 200);
}

/** Asks as the snippet does. A browser tells no script why it got no answer, so what can be the reason is looked at in turn. */
async function look(): Promise<void> {
  const { site, base, debug, ui } = core._options;
  const misfits = notTexts();
  if (misfits) say("words", misfits);
  navigator.cookieEnabled || say("cookies");
  if (!site) return say("site");
  let directive = "";
  const heard = ({ blockedURI, effectiveDirective }: SecurityPolicyViolationEvent): void => {
    if (blockedURI.startsWith(new URL(base, location.href).origin)) directive = effectiveDirective;
  };
  addEventListener("securitypolicyviolation", heard);
  const answer = await fetch(`${base}/v1/policy?site=${encodeURIComponent(site)}`).catch(() => {});
  // The event comes in a task of its own.
  await new Promise((resolve) => setTimeout(resolve, 99));
  removeEventListener("securitypolicyviolation", heard);
  const fault = answer && (await faultOf(answer));
  if (fault) return say(fault);
  if (answer && core._facts && ui != "none" && (await core._load("ui"), !core._wordsNow)) return say("parts");
  if (answer) return debug == null ? undefined : console.info(`dongui: the collector at ${base} answers for this site; its notice is ${core._facts ? core._facts.version : "not known yet"}.`);
  if (directive) return say("csp", directive);
  if (location.protocol == "https:" && base.startsWith("http:")) return say("mixed");
  const anybody = await fetch(`${base}/healthz`, { mode: "no-cors" }).catch(() => {});
  say(anybody ? "other" : "away");
}

/** What is wrong is known, or looked for, once a page. */
export const diagnose = (fault?: Fault): unknown => (fault ? say(fault, fault == "origin-not-listed" ? location.origin : fault == "words" ? notTexts() : undefined) : (looked ??= look()));
