/** What the browser says (Global Privacy Control, W1) and what tags are told (Google Consent Mode v2, W2). */
import type { Policy } from "./rules/types";

/** Only the browser itself can say so; no address parameter can. */
export const gpc = (): boolean => (navigator as { globalPrivacyControl?: unknown }).globalPrivacyControl === true;

type Layer = unknown[] & { dongui?: string };

/** Google's own shim: gtag commands are `arguments` objects, not arrays. */
function gtag(..._command: unknown[]): void {
  const layer = ((window as { dataLayer?: Layer }).dataLayer ||= []);
  // eslint-disable-next-line prefer-rest-params
  layer.push(arguments);
}

/** Pushes exactly one `update` a change; without the inline stub, the all-denied `default` goes before the first. */
export function tellGoogle(granted: ReadonlySet<string>, policy: Policy): void {
  const told: Record<string, string> = {};
  for (const [id, purpose] of Object.entries(policy.purposes))
    for (const type of purpose.google_consent) if (told[type] != "granted") told[type] = granted.has(id) ? "granted" : "denied";
  const types = Object.keys(told);
  if (!types.length) return;
  const layer = ((window as { dataLayer?: Layer }).dataLayer ||= []);
  if (layer.dongui == null) gtag("consent", "default", Object.fromEntries(types.map((type) => [type, "denied"])));
  const said = JSON.stringify(told);
  if (layer.dongui != said && (layer.dongui != null || said.includes("granted"))) gtag("consent", "update", told);
  layer.dongui = said;
}
