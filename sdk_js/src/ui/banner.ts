/** The question, and the same facts again as preferences. What is written here is the whole of what is agreed to (K1). */
import { core } from "../change";
import type { NoticePurpose } from "../state";
import { h } from "./dom";
import type { Words } from "./words/words";

/** Advertising and disclosure to others are asked for apart: a general consent never grants them (K2). */
export const apart = (purpose: NoticePurpose): boolean =>
  purpose.items.includes("advertising_id") || purpose.signals.includes("gpc") || purpose.recipients.some(({ kind }) => kind == "recipient");

export function banner(words: Words, preferences: boolean): HTMLDialogElement {
  const { _facts: notice } = core;
  const state = core._state();
  const purposes = Object.values(notice.purposes);
  const optional = purposes.filter(({ basis }) => basis == "consent");
  const switches = new Map<string, HTMLInputElement>();
  const decide = (grants: (purpose: NoticePurpose) => boolean) => (): void =>
    core._decide!(Object.fromEntries(optional.map((purpose) => [purpose.id, grants(purpose)])), preferences ? "preferences" : "banner");
  const ticked = ({ id }: NoticePurpose): boolean => switches.get(id)!.checked;
  const button = (action: string, text: string, act: () => void, plain = false): HTMLButtonElement =>
    h("button", { type: "button", "data-action": action, part: `button ${action}`, class: plain && "plain", click: act }, text);

  const entry = (purpose: NoticePurpose): HTMLElement => {
    const input = h("input", { type: "checkbox", "data-purpose-switch": purpose.id, checked: !!state[purpose.id] });
    switches.set(purpose.id, input);
    const control = h("label", { hidden: !preferences && !apart(purpose) }, input, words.also.replace("{}", purpose.label));
    return h("li", { part: "purpose" }, h("h3", {}, purpose.label), h("p", {}, purpose.description), facts(purpose, notice.items, words), control);
  };
  const main = h(
    "main", { tabindex: "0" },
    h("h2", { id: "t" }, preferences ? words.settings : words.title),
    h("p", {}, words.intro, " ", h("a", { href: core._options.base + notice.policy_url, part: "link" }, words.policy)),
    h("ul", {}, ...optional.map(entry)),
    preferences && unasked(purposes, notice.items, words),
  );
  const save = button("save", words.save, decide(ticked));
  const choose = button("choose", words.choose, () => {
    for (const input of switches.values()) input.parentElement!.hidden = false;
    choose.replaceWith(save);
    switches.values().next().value?.focus();
  }, true);
  const footer = h(
    "footer", {},
    button("accept", words.accept, decide((purpose) => !apart(purpose) || ticked(purpose))),
    button("refuse", words.refuse, decide(() => false)),
    preferences ? save : choose,
    preferences && button("withdraw", words.withdraw, decide(() => false), true),
    preferences && button("close", words.close, core._hide!, true),
  );
  return h("dialog", { open: true, part: "dialog", "aria-labelledby": "t" }, main, footer);
}

/** What is processed on another basis has no switch and stands apart (K2). */
function unasked(purposes: NoticePurpose[], items: Record<string, string>, words: Words): Node | false {
  const others = purposes.filter(({ basis }) => basis != "consent");
  if (!others.length) return false;
  const entry = (purpose: NoticePurpose): HTMLElement => h("li", {}, h("h3", {}, purpose.label), h("p", {}, purpose.description), facts(purpose, items, words));
  return h("section", {}, h("h2", {}, words.without), h("ul", {}, ...others.map(entry)));
}

function facts(purpose: NoticePurpose, items: Record<string, string>, words: Words): HTMLElement {
  const consent = purpose.basis == "consent";
  const rows: [string, string][] = [
    [words.items, purpose.items.map((id) => items[id] ?? id).join(", ")],
    [words.keep, purpose.keep_text],
    [words.recipients, purpose.recipients.map(({ name, task, country, country_text }) => `${name} (${[task, country_text ?? country].filter(Boolean).join(", ")})`).join(", ")],
    consent ? [words.refusal, purpose.refusal ?? ""] : [words.basis, purpose.basis_text],
  ];
  return h("dl", {}, ...rows.filter(([, value]) => value).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}
