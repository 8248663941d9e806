/** The question. What is written here is the whole of what a general consent covers (K1). */
import { core } from "./core";
import type { NoticePurpose } from "../state";
import { h } from "./dom";

/** What consent to a purpose means: items, period, recipients, consequence. */
core._terms = ({ items, keep_text, recipients, refusal, basis_text, basis }, extra) => {
  const { _words: words, _facts: facts } = core;
  const rows = [
    [words.items, items.map((id) => facts.items[id] ?? id).join(", ")],
    [words.keep, keep_text],
    [words.recipients, recipients.map(({ name, task, country, country_text }) => `${name} (${task}, ${country_text ?? country})`).join(", ")],
    basis == "consent" ? [words.refusal, refusal] : [extra, basis_text],
  ];
  return h("dl", {}, ...rows.flatMap(([name, value]) => (value ? [h("dt", {}, name), h("dd", {}, value)] : [])));
};

/** A purpose's switch; off where the browser's signal speaks against it. */
core._switch = ({ id, signals }, text) => {
  const off = core._gpc() && signals.includes("gpc");
  return h("label", {}, h("input", { type: "checkbox", "data-purpose-switch": id, checked: core._granted.has(id), disabled: off }), off ? core._words.gpc : text);
};

core._button = (action, text, act) => h("button", { type: "button", "data-action": action, part: `button ${action}`, click: act }, text);

core._ticked = (root) => Object.fromEntries([...root.querySelectorAll<HTMLInputElement>("[data-purpose-switch]")].map((input) => [input.dataset.purposeSwitch, input.checked]));

core._policyLink = () => h("a", { href: core._options.base + core._facts.policy_url }, core._words.policy);

export function banner(): HTMLDialogElement {
  const { _words: words } = core;
  const asked = Object.values(core._facts.purposes).filter(({ basis }) => basis == "consent");
  // What has a switch of its own goes by its switch.
  const agree = (): void => void core._choose({ ...Object.fromEntries(asked.map(({ id }) => [id, true])), ...core._ticked(dialog) }, "banner");
  const entry = (purpose: NoticePurpose): HTMLElement => {
    const advertises = purpose.items.includes("advertising_id");
    return h(
      "li",
      { part: "purpose" },
      h("h3", {}, purpose.label),
      h("p", {}, purpose.description),
      core._terms(purpose),
      // Advertising, and disclosure to others, are asked for apart: a general consent never grants them (K2).
      (advertises || purpose.signals[0] || purpose.recipients.some(({ kind }) => kind == "recipient")) &&
        core._switch(purpose, advertises ? words.ads : purpose.label),
    );
  };
  const dialog = h(
    "dialog",
    { part: "dialog banner", "aria-labelledby": "t" },
    h("main", { tabindex: "0", "aria-labelledby": "t" }, h("h2", { id: "t" }, words.title), h("p", {}, words.intro, " ", core._policyLink()), h("ul", {}, ...asked.map(entry))),
    h("footer", {}, core._button("accept", words.accept, agree), core._button("refuse", words.refuse, () => void core._choose([], "banner")), core._button("choose", words.choose, () => core._show("preferences"))),
  );
  return dialog;
}
