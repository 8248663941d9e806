/** panel.js: preferences and my data, and what withdrawing undoes. */
import { clear, takeBack } from "../undo";
import { core, doc } from "./core";
import { follow } from "./follow";
import { preferences, renew } from "./preferences";
import { css } from "./panelstyle";
import { panels } from "./words";
import type { PanelWords } from "./words/words";
import { ownWords } from "./ownwords";

const words = (): PanelWords => ({ ...(panels[core._facts.lang] ?? panels.en!), ...ownWords() });

/** What is left that no script can reach is reported, not hidden; where a script has run, loading the page anew is offered. */
core._undo = () => {
  const left = clear(core);
  if (!core._facts) watchOver();
  if (takeBack(core)) {
    watchOver();
    doc.dispatchEvent(new CustomEvent("dongui:reload"));
    const open = doc.querySelector("dongui-root")?.shadowRoot?.querySelector(".panel main");
    if (open) open.prepend(...offer());
    else if (core._options.ui != "none") void core._load("ui").then(() => {
        if (!core._wordsNow) return;
        core._wordsNow();
        core._panel!("reload");
      });
  }
  if (left[0]) doc.dispatchEvent(new CustomEvent("dongui:unreached", { detail: left }));
};

let watching = false;

/** A script that has run sets its cookies again, and without the notice none are known: they are removed at every look, until the page loads anew. */
function watchOver(): void {
  if (!watching) follow(() => clear(core));
  watching = true;
}

/** The address by GET, without its fragment, which would lead nowhere else than here: nothing is sent a second time. */
const reload = (): void => location.replace(location.href.replace(/#.*/, ""));

const offer = (): HTMLElement[] => [core._h("p", { role: "status" }, words().reload), core._button("reload", words().reloadNow, reload)];

follow(() => renew());

core._panel = (view) => {
  void core._load("queue");
  const { _h: h } = core;
  const text = words();
  /** Closing decides nothing: who has not answered is asked again. */
  const close = (): void => {
    core._hide!();
    core._look();
  };
  const content = (): HTMLElement[] => {
    if (view != "reload") return preferences(text, view == "data");
    return [h("main", { tabindex: "0" }, h("p", {}, text.withdrawn), ...offer())];
  };
  const dialog = h(
    "dialog",
    { part: "dialog panel", class: "panel", "aria-labelledby": "t", close },
    h("header", {}, h("h2", { id: "t" }, text.settings), core._button("close", "×", close)),
    ...content(),
  );
  dialog.querySelector("header button")!.setAttribute("aria-label", text.close);
  core._mount(dialog, view != "reload", css, text);
  if (view == "data") dialog.querySelector<HTMLElement>("#data")!.focus();
};
