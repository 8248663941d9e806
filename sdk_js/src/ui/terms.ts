/** What consent to a purpose means, in full: items, period, recipients and what they do, consequence (K1). */
import type { NoticePurpose } from "../state";
import { core } from "./core";
import { parties } from "./parties";

/** `basis` is the word for the basis of what rests on no consent. */
export function terms(purpose: NoticePurpose, basis?: string): HTMLElement {
  const { _words: words, _facts: facts, _h: h } = core;
  const { items, keep_text, recipients, refusal, basis_text } = purpose;
  const rows: [string | undefined, string | null, strong?: boolean][] = [
    [words.items, items.map((id) => facts.items[id] ?? id).join(", ")],
    [words.keep, keep_text, true],
    ...parties(recipients, words, ({ name, task, country, country_text }) => `${name} (${task}, ${country_text ?? country})`).map(([name, who]): [string, string, boolean] => [name, who, true]),
    purpose.basis == "consent" ? [words.refusal, refusal] : [basis, basis_text],
  ];
  return h("dl", {}, ...rows.flatMap(([name, value, strong]) => (value ? [h("dt", {}, name), h("dd", { class: strong && "strong" }, value)] : [])));
}
