/** diagnostics.js: what a developer is told in the console. Loaded when there is something to tell. */
import type { Reason } from "../blocking/explain";
import { core } from "../ui/core";

const TEXTS: Record<Reason, string> = {
  unknown: 'never runs: the policy has no purpose "{}". Check data-purpose for a typo.',
  basis: 'never runs: "{}" does not rest on consent, so nobody is asked for it. Take data-purpose away.',
  empty: "never runs: data-purpose names no purpose.",
  live: 'did not wait: its type is one that browsers run at once. Give it type="text/plain".',
  type: 'never runs: "{}" is no type of script that browsers run. Inert scripts have type="text/plain", modules data-type="module" besides.',
  address: "{} is not taken over: only http:, https: and addresses of this origin are.",
  markup: "<{}> is not taken over from markup that waits.",
  nonce: "never runs: the snippet's tag carries a nonce, so what brings code has to carry the same one.",
  csp: "was let loose, and the page's Content-Security-Policy refuses it ({}).",
  late: "has not loaded in three seconds; the scripts behind it go on without it.",
};

core._explain = (element, reason, detail) => console.warn(`dongui: <${element.localName} data-purpose="${element.getAttribute("data-purpose") ?? ""}"> ${TEXTS[reason].replace("{}", detail)}`);
