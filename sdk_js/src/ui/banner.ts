/** The question's first layer: all that a general consent covers (K1, K19), and three buttons that weigh the same. */
import type { ConsentState } from "../api";
import type { NoticePurpose, Recipient } from "../state";
import { core } from "./core";
import { h } from "./dom";
import { parties } from "./parties";

/** A purpose's switch; off where the browser's signal speaks against it. */
core._switch = (purpose) => {
  const { id, label } = purpose;
  const off = !core._grantable(purpose);
  return h("label", {}, h("input", { type: "checkbox", "data-purpose-switch": id, checked: core._granted.has(id), disabled: off }), label, off && `: ${core._words.gpc}`);
};

core._button = (action, text, act) => h("button", { type: "button", "data-action": action, part: `button ${action}`, click: act }, text);

core._ticked = (root) => Object.fromEntries([...root.querySelectorAll<HTMLInputElement>("[data-purpose-switch]")].map((input) => [input.dataset.purposeSwitch, input.checked]));

core._policyLink = () => h("a", { href: core._options.base + core._facts.policy_url }, core._words.policy);

/** Advertising, and disclosure to others, are asked for apart: a general consent never grants them (K2). */
const apart = ({ items, signals, recipients }: NoticePurpose): unknown =>
  items.includes("advertising_id") || signals[0] || recipients.some(({ kind }) => kind == "recipient");

/** What is short of a purpose; in the full layout its description and what processors do as well. */
function entry({ label, description, items, keep_text, recipients, refusal }: NoticePurpose, full: boolean): HTMLElement {
  const { _words: words, _facts: facts } = core;
  // What somebody does with data for purposes of their own is never a tap away (K19).
  const named = ({ name, country, country_text, task, kind }: Recipient): string => `${name} (${[country_text ?? country, (full || kind == "recipient") && task].filter(Boolean).join(", ")})`;
  const strong = [[words.keep, keep_text], ...parties(recipients, words, named)].map((row) => row.join(": ")).join("\xa0· ");
  return h(
    "li",
    { part: "purpose" },
    h("h3", {}, label),
    full && h("p", {}, description),
    h("p", {}, `${words.items}: ${items.map((id) => facts.items[id] ?? id).join(", ")}\xa0· `, h("strong", {}, strong)),
    h("p", {}, refusal),
  );
}

export function banner(): HTMLDialogElement {
  const { _words: words, _facts: facts, _options: options } = core;
  const asked = Object.values(facts.purposes).filter(({ basis }) => basis == "consent");
  // Where nothing else is asked, agreeing is a consent of its own.
  const ticks = asked[1] ? asked.filter(apart).map(core._switch) : [];
  const chosen = (): ConsentState => {
    const ticked = core._ticked(dialog);
    return Object.fromEntries(asked.map(({ id }) => [id, ticked[id] ?? true]));
  };
  /** The button says what it grants. */
  const name = (): void => {
    const given = chosen();
    const labels = asked.filter(({ id }) => given[id]).map(({ label }) => label);
    accept.textContent = labels[0] ? words.acceptTo.replace("{}", () => new Intl.ListFormat(facts.lang).format(labels)) : words.accept;
  };
  const accept = core._button("accept", "", () => {
    const given = chosen();
    // To agree to nothing is no answer: what there is to agree to has to be ticked.
    if (Object.values(given).includes(true)) void core._choose(given, "banner");
    else dialog.querySelector<HTMLElement>("input:enabled")?.focus();
  });
  const full = options.layout == "full";
  const dialog = h(
    "dialog",
    { part: "dialog banner", class: ["banner", options.position].join(" "), "aria-labelledby": "t", change: name },
    h(
      "main",
      { tabindex: "0", "aria-labelledby": "t" },
      core._again && h("p", { role: "alert" }, core._again),
      h("h2", { id: "t", part: "title" }, `${facts.controller.name} · ${words.title}`),
      h("p", {}, words.intro, " ", core._policyLink()),
      h("ul", {}, ...asked.map((purpose) => entry(purpose, full))),
    ),
    h(
      "footer",
      {},
      ...ticks,
      h(
        "div",
        { class: "buttons" },
        accept,
        core._button("refuse", words.refuse, () => void core._choose([], "banner")),
        core._button("choose", words.choose, () => core._show("preferences")),
      ),
    ),
  );
  name();
  return dialog;
}
