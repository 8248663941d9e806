/** diagnostics.js: what a developer is told in the console. Loaded when there is something to tell. */
import type { Reason } from "../blocking/explain";
import type { Cut } from "../rules/json";
import { core } from "../ui/core";
import { diagnose, type Fault } from "./setup";

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

const CUTS: Record<Cut, string> = {
  cycle: "a property that contains itself was left out",
  depth: "properties are kept six levels deep; what lies deeper is null",
  values: "properties are kept up to 2,000 values and 8,000 characters; the rest was left out",
  length: "a text was cut to its greatest length",
  nul: "NUL characters were taken out of a text",
  type: "a property that could not be read was left out",
  name: 'an event without a name is recorded as "-"; give track() one',
  at: "an event without a time has the time of its sending",
  ad_ids: "an advertising id was left out: its kind has letters, digits and _ (32 at most), its text 512 characters at most",
  cookies: "a cookie was not recorded: its value is longer than 4,096 characters",
  environment: "a part of the environment was left out",
  size: "an event was dropped: more than 500 wait to be sent",
  refused: "an event was dropped: the collector refuses it; the others of its batch arrive",
};

core._diagnose = (fault, count) => (count ? console.warn(`dongui: ${CUTS[fault as Cut]} (${count} so far on this page).`) : diagnose(fault as Fault));
