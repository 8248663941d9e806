/** What consent to a purpose means, in full: items, period, recipients and what they do, consequence (K1). */
import type { NoticePurpose } from "../state";
import { core } from "./core";
import { parties } from "./parties";

/** `more` are the words that the first layer does without. */
export function terms(purpose: NoticePurpose, more: { refusal: string; basis?: string }): HTMLElement {
  const { _words: words, _facts: facts, _h: h } = core;
  const { items, keep_text, recipients, refusal, basis_text } = purpose;
  const rows: [string | undefined, string | null, strong?: boolean][] = [
    [words.items, items.map((id) => facts.items[id] ?? id).join(", ")],
    [words.keep, keep_text, true],
    ...parties(recipients, words, ({ name, task, country, country_text }) => `${name} (${task}, ${country_text ?? country})`).map(([name, who]): [string, string, boolean] => [name, who, true]),
    purpose.basis == "consent" ? [more.refusal, refusal] : [more.basis, basis_text],
  ];
  return h("dl", {}, ...rows.flatMap(([name, value, strong]) => (value ? [h("dt", {}, name), h("dd", { class: strong && "strong" }, value)] : [])));
}
