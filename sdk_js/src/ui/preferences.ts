/** The preference centre: each purpose's switch, what is processed without consent, the record of the choice, my data. */
import type { ConsentState } from "../api";
import { confirmed } from "./confirm";
import { core } from "./core";
import { data, held } from "./data";
import { download } from "./download";
import { terms } from "./terms";
import type { PanelWords } from "./words/words";

/** `text` with the day and time of an epoch second, in the interface's language. */
const moment = (at: number): string => new Date(at * 1000).toLocaleString(core._facts.lang, { dateStyle: "long", timeStyle: "short" });

/** The panel's content: what is read, and the buttons below it. */
export function preferences(words: PanelWords, show: boolean): HTMLElement[] {
  const { _h: h, _facts: facts, _button: button } = core;
  const purposes = Object.values(facts.purposes);
  const asked = purposes.filter(({ basis }) => basis == "consent");
  const others = purposes.filter(({ basis }) => basis != "consent");
  const exempt = facts.necessary ?? [];
  /** Closes what was asked for; what is decided goes on. */
  const decide = (changes: ConsentState | string[]): void => {
    void core._choose(changes, "preferences");
    core._hide!();
  };
  /** After everything was taken back no switch may stand as it was: saving it would give it again. */
  const taken = (): void => {
    for (const input of list.querySelectorAll("input")) input.checked = false;
    main.querySelector("[part=record]")?.remove();
  };
  const withdraw = (): Promise<string> => {
    const made = core._choose([], "preferences");
    taken();
    return made.then((result) => (result == "recorded" ? words.withdrawn : `${words.withdrawn} ${words.saving}`));
  };
  const list = h(
    "ul",
    {},
    ...asked.map((purpose) => h("li", { part: "purpose" }, core._switch(purpose), h("p", {}, purpose.description), terms(purpose, words))),
  );
  const main = h(
    "main",
    { tabindex: "0", "aria-labelledby": "t" },
    saving(words),
    h("p", {}, words.about, " ", core._policyLink()),
    list,
    core._choice && record(words),
    (core._choice || core._queue[0]) && data(words, show, taken),
    (others[0] ?? exempt[0]) && h("h2", {}, words.without),
    h(
      "ul",
      {},
      ...others.map((purpose) => h("li", {}, h("h3", {}, purpose.label), h("p", {}, purpose.description), terms(purpose, words))),
      ...exempt.map((cookie) => h("li", {}, h("h3", {}, cookie.reason), h("p", {}, `${cookie.name} · ${cookie.keep_text} · ${words.basis}: ${cookie.basis_text}`))),
    ),
  );
  const footer = h(
    "footer",
    {},
    button("save", words.save, () => decide(core._ticked(list))),
    core._choice || core._queue[0] ? confirmed((question) => button("withdraw", words.withdraw, question), words.withdrawAsk, words, withdraw) : button("refuse", core._words.refuse, () => decide([])),
  );
  return [main, footer];
}

/** Says that a decision waits for its record, as long as one does. */
function saving(words: PanelWords): HTMLElement {
  const line = core._h("p", { "aria-live": "polite", part: "saving" });
  const update = (): void => void (line.textContent = core._queue[0] ? words.saving : "");
  core._changed.push(update);
  update();
  return line;
}

/** What was chosen, when and under which notice: to read, and to keep. */
function record(words: PanelWords): HTMLElement {
  const { _h: h, _facts: facts, _choice: choice } = core;
  const names = choice!.granted.map((id) => facts.purposes[id]?.label ?? id).join(", ");
  const file = { site: core._options.site, notice: choice!.version, granted: choice!.granted, at: new Date(choice!.at * 1000).toISOString() };
  /** With the receipts that the collector issued (W3), where it knows this visitor and can be reached; who refused is known to nobody. */
  const keep = (): Promise<void> =>
    held().then(
      ({ consents }) => download("dongui-consent.json", { ...file, receipts: consents }),
      () => download("dongui-consent.json", file),
    );
  return h(
    "section",
    { part: "record" },
    h("h2", {}, words.receipt),
    h("p", {}, `${moment(choice!.at)} · ${choice!.version}`),
    h("p", {}, `${words.chosen}: ${names || words.none}`),
    core._button("receipt", words.download, () => void keep()),
  );
}
