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

/** Brings the panel that is open to what is in force now. */
export let renew = (): void => {};

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
  /** Switches that the visitor has moved: they stay so. */
  const moved = new Set<unknown>();
  /** A switch stands as the visitor decided last, also while that waits for its record; saving any other would take it back. */
  const follow = (): void => {
    status.textContent = core._queue[0] ? words.saving : "";
    for (const input of list.querySelectorAll("input"))
      if (!moved.has(input)) input.checked = [...core._granted, ...core._pending].includes(input.dataset.purposeSwitch!);
    const { _choice: choice } = core;
    const now = `${choice?.at} ${choice?.granted}`;
    if (now != recorded) receipt.replaceChildren(...(choice ? [record(words)] : []));
    recorded = now;
  };
  /** After everything was taken back no switch may stand as it was: saving it would give it again. */
  const taken = (): void => {
    moved.clear();
    for (const input of list.querySelectorAll("input")) input.checked = false;
    receipt.replaceChildren();
  };
  const withdraw = (): Promise<string> => {
    const made = core._choose([], "preferences");
    taken();
    return made.then((result) => (result == "recorded" ? words.withdrawn : `${words.withdrawn} ${words.saving}`));
  };
  const status = h("p", { "aria-live": "polite", part: "saving" });
  const receipt = h("div", {});
  let recorded = "";
  const list = h(
    "ul",
    { change: ({ target }: Event) => moved.add(target) },
    ...asked.map((purpose) => h("li", { part: "purpose" }, core._switch(purpose), h("p", {}, purpose.description), terms(purpose, words))),
  );
  const main = h(
    "main",
    { tabindex: "0", "aria-labelledby": "t" },
    status,
    h("p", {}, words.about, " ", core._policyLink()),
    list,
    receipt,
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
  renew = follow;
  renew();
  return [main, footer];
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
