/** panel.js: preferences and my data, and what withdrawing undoes. */
import { clear, takeBack } from "../undo";
import { core, doc } from "./core";
import { preferences } from "./preferences";
import { css } from "./panelstyle";
import { panels } from "./words";
import type { PanelWords } from "./words/words";

/** What is left that no script can reach is reported, not hidden. */
core._undo = () => {
  const left = clear(core);
  takeBack(core);
  if (left[0]) doc.dispatchEvent(new CustomEvent("dongui:unreached", { detail: left }));
};

core._panel = (view) => {
  const { _h: h } = core;
  const words: PanelWords = { ...(panels[core._facts.lang] ?? panels.en!), ...JSON.parse(core._options.words || "{}") };
  /** Closing decides nothing: who has not answered is asked again. */
  const close = (): void => {
    core._hide!();
    core._look();
  };
  const dialog = h(
    "dialog",
    { part: "dialog panel", class: "panel", "aria-labelledby": "t", close },
    h("header", {}, h("h2", { id: "t" }, words.settings), core._button("close", "×", close)),
    ...preferences(words, view == "data"),
  );
  dialog.querySelector("header button")!.setAttribute("aria-label", words.close);
  core._mount(dialog, true, css);
  if (view == "data") dialog.querySelector<HTMLElement>("#data")!.focus();
};
