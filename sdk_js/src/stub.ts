/**
 * The inline stub: what has to be in force before the first tag of the page, so it cannot wait for a request. Compiled
 * from the policy by `dongui.policy.stub` (Python), which puts the facts in the place of `__DONGUI__`.
 */
import { held, holdAll } from "./blocking/hold";
import { ownGlobal } from "./natives";
import { cookieValues } from "./page";
import { effectivePurposes, newestChoice } from "./rules/consent";
import { matches } from "./rules/cookies";
import type { Policy } from "./rules/types";
import { gpc } from "./signals";

interface Compiled {
  policy: Pick<Policy, "accepts" | "choice_seconds" | "purposes">;
  /** What goes with Consent Mode's `default`: `wait_for_update`, `region`. */
  defaults: Record<string, unknown>;
  /** `ads_data_redaction`, `url_passthrough`. */
  set: Record<string, unknown>;
}
declare const __DONGUI__: Compiled;
type Queue = unknown[][] & { q?: unknown[][] };

const { policy, defaults, set } = __DONGUI__;
const purposes = Object.entries(policy.purposes);
const choice = newestChoice(cookieValues("dongui"));
let granted: ReadonlySet<string> = effectivePurposes(choice, policy as Policy, Date.now() / 1000, gpc());

/** Calls made before the snippet has loaded; it makes them good. */
const queue = (window.dongui = ownGlobal("dongui") ?? call()) as Queue;
function call(): unknown {
  const q: unknown[][] = [];
  const later = (name: string) => (...given: unknown[]) => void q.push([name, ...given]);
  const names = ["track", "show", "withdraw", "myData", "setAdvertisingId"];
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
const absolute = (address: string): string => {
  try {
    return new URL(address, document.baseURI).href;
  } catch {
    return "";
  }
};
if (declared[0])
  holdAll(
    (address) => waits((glob) => matches(glob, absolute(address))),
    (markup) => waits((glob) => matches(`*${glob}*`, markup)),
  );
