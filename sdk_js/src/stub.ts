/**
 * The inline stub: what has to be in force before the first tag of the page, so it cannot wait for a request. Compiled
 * from the policy by `dongui.policy.stub` (Python), which puts the facts in the place of `__DONGUI__`.
 */
import { held, holdAll } from "./blocking/hold";
import { doc, ownGlobal } from "./natives";
import { cookies, quietly } from "./page";
import { effectivePurposes } from "./rules/consent";
import { matches } from "./rules/cookies";
import { overlay, type Decision } from "./rules/decisions";
import { readChoice } from "./rules/own";
import type { Choice, Policy } from "./rules/types";
import { gpc } from "./signals";

interface Compiled {
  policy: Pick<Policy, "accepts" | "choice_seconds" | "purposes">;
  /** What goes with Consent Mode's `default`: `wait_for_update`, `region`. */
  defaults: Record<string, unknown>;
  /** `ads_data_redaction`, `url_passthrough`. */
  set: Record<string, unknown>;
  /** Whether a setting shares the choice over subdomains. */
  shared?: boolean;
}
declare const __DONGUI__: Compiled;
type Queue = unknown[][] & { q?: unknown[][] };

const { policy, defaults, set, shared } = __DONGUI__;
const purposes = Object.entries(policy.purposes);
/** What queued decisions take away is not in force, whatever the cookie says; without a grant nobody opens the storage. */
const withdrawn = (choice: Choice): Choice => ({ ...choice, granted: overlay(choice.granted, quietly(() => queuedIn(localStorage)) || []) });
const queuedIn = (storage: Storage): Decision[] =>
  Object.keys(storage).flatMap((key) => (key.startsWith("dongui.queue.") ? JSON.parse(storage[key]) : []));
const cookie = readChoice(cookies(), location.protocol == "https:", !!shared);
const choice = cookie?.granted[0] ? withdrawn(cookie) : cookie;
let granted: ReadonlySet<string> = effectivePurposes(choice, policy as Policy, Math.max(Date.now() / 1000, choice?.at || 0), gpc());

/** Calls made before the snippet has loaded; it makes them good. */
const queue = (window.dongui = ownGlobal("dongui") ?? call()) as Queue;
function call(): unknown {
  const q: unknown[][] = [];
  const later = (name: string) => (...given: unknown[]) => void q.push([name, ...given]);
  const names = ["track", "show", "withdraw", "myData", "setAdvertisingId", "onWithdraw"];
  return {
    q,
    held,
    push: (entry: unknown[]) => q.push(entry),
    ...Object.fromEntries(names.map((name) => [name, later(name)])),
    consent: { granted: (id: string) => granted.has(id), set: later("consent.set"), onChange: later("consent.onChange") },
  };
}

// Google Consent Mode v2 (W2): `default` before any command of a tag, and exactly one `update` a change.
const layer: unknown[] = (window.dataLayer = ownGlobal("dataLayer") ?? []);
/** Google's own shim: its commands are `arguments` objects, not arrays. */
const gtag: (...command: unknown[]) => void = function () {
  layer.push(arguments); // eslint-disable-line prefer-rest-params
};
const told = (live: ReadonlySet<string>): Record<string, string> => {
  const types: Record<string, string> = {};
  for (const [id, { basis, google_consent }] of purposes)
    for (const type of google_consent) if (types[type] != "granted") types[type] = basis != "consent" || live.has(id) ? "granted" : "denied";
  return types;
};
const nobody = told(new Set());
let said = JSON.stringify(nobody);
const google = said != "{}";
function tell(): void {
  const now = told(granted);
  const text = JSON.stringify(now);
  if (google && text != said) gtag("consent", "update", now);
  said = text;
  layer.push({ event: "dongui_consent", dongui_granted: [...granted] });
}
if (google) {
  gtag("consent", "default", { ...nobody, ...defaults });
  for (const [key, value] of Object.entries(set)) gtag("set", key, value);
}
if (granted.size) tell();
queue.push(["consent.onChange", (state: Record<string, boolean>) => {
  const live = Object.keys(state).filter((id) => state[id]);
  const same = live.length == granted.size && live.every((id) => granted.has(id));
  granted = new Set(live);
  if (!same) tell();
}]);

// What comes from an address that the policy declares for a purpose waits for it, marked or not.
const declared = purposes.flatMap(([id, { basis, urls }]) => (basis == "consent" ? urls.map((glob) => ({ id, glob })) : []));
const waits = (fits: (glob: string) => boolean): string | undefined => declared.find(({ id, glob }) => !granted.has(id) && fits(glob))?.id;
const absolute = (address: string): string => quietly(() => new URL(address, doc.baseURI).href) ?? quietly(() => new URL(address).href) ?? "";
if (declared[0])
  holdAll(
    (address) => waits((glob) => matches(glob, absolute(address))),
    (markup) => waits((glob) => matches(`*${glob}*`, markup)),
  );
