/** What cannot be undone is asked once, looks unlike *Save*, and says what was done. */
import { core } from "./core";
import type { PanelWords } from "./words/words";

/**
 * A button (`first`, made with what it does) that shows the question in its place, with the way on and the way back; `act`
 * does it, and what it says of the end stands there then.
 */
export function confirmed(first: (question: () => void) => HTMLElement, ask: string, words: PanelWords, act: () => Promise<string>): HTMLElement {
  const { _h: h, _button: button } = core;
  const box = h("div", { class: "row danger" });
  const back = (focus?: boolean): void => {
    const start = first(question);
    box.replaceChildren(start);
    focus && start.focus();
  };
  const go = (): void => {
    box.replaceChildren(h("p", { "aria-live": "polite", tabindex: "-1" }, words.saving));
    void act().then((said) => {
      box.firstChild!.textContent = said;
      (box.firstChild as HTMLElement).focus();
    });
  };
  const question = (): void => {
    box.replaceChildren(h("p", { role: "alert" }, ask), button("confirm", words.yes, go), button("cancel", words.no, () => back(true)));
    (box.lastChild as HTMLElement).focus();
    core._hold!();
  };
  back();
  return box;
}
