/** The preference centre: each purpose's switch, what is processed without consent, the record of the choice, my data. */
import { core } from "./core";
import { data } from "./data";
import { download } from "./download";
import type { PanelWords } from "./words/words";

/** `text` with the day and time of an epoch second, in the interface's language. */
const moment = (at: number): string => new Date(at * 1000).toLocaleString(core._facts.lang, { dateStyle: "long", timeStyle: "short" });

export function preferences(words: PanelWords): HTMLElement {
  const { _h: h, _facts: facts, _button: button } = core;
  const purposes = Object.values(facts.purposes);
  const asked = purposes.filter(({ basis }) => basis == "consent");
  const others = purposes.filter(({ basis }) => basis != "consent");
  const none = Object.fromEntries(asked.map(({ id }) => [id, false]));
  const list = h(
    "ul",
    {},
    ...asked.map((purpose) => h("li", { part: "purpose" }, core._switch(purpose, purpose.label), h("p", {}, purpose.description), core._terms(purpose))),
  );
  return h(
    "section",
    {},
    h("p", {}, words.about, " ", core._policyLink()),
    list,
    h(
      "div",
      { class: "row" },
      button("save", words.save, () => core._decide(core._ticked(list), "preferences")),
      core._choice
        ? button("withdraw", words.withdraw, () => core._decide(none, "preferences"))
        : button("refuse", core._words.refuse, () => core._decide(none, "preferences")),
    ),
    core._choice && record(words),
    data(words),
    others[0] && h("h2", {}, words.without),
    h("ul", {}, ...others.map((purpose) => h("li", {}, h("h3", {}, purpose.label), h("p", {}, purpose.description), core._terms(purpose, words.basis)))),
  );
}

/** What was chosen, when and under which notice: to read, and to keep. */
function record(words: PanelWords): HTMLElement {
  const { _h: h, _facts: facts, _choice: choice } = core;
  const names = choice!.granted.map((id) => facts.purposes[id]?.label ?? id).join(", ");
  const file = { site: core._options.site, notice: choice!.version, granted: choice!.granted, at: new Date(choice!.at * 1000).toISOString() };
  return h(
    "section",
    { part: "record" },
    h("h2", {}, words.receipt),
    h("p", {}, `${moment(choice!.at)} · ${choice!.version}`),
    h("p", {}, `${words.chosen}: ${names || words.none}`),
    core._button("receipt", words.download, () => download("dongui-consent.json", file), true),
  );
}
