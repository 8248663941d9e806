/** ui.js: loaded only where somebody is to be asked, asks, or decides. */
import { core } from "../change";
import type { View } from "../state";
import { banner } from "./banner";
import { css } from "./style";
import { en } from "./words/en";
import { ko } from "./words/ko";
import type { Words } from "./words/words";

const languages: Record<string, Words> = { ko, en };
let host: HTMLElement | undefined;
let opener: Element | null;
let shown: View;

core._hide = () => {
  host?.remove();
  host = undefined;
  if (shown != "banner" && opener instanceof HTMLElement) opener.focus();
};

core._show = (view) => {
  if (host && view == "banner") return;
  core._hide!();
  opener = document.activeElement;
  shown = view;
  host = document.createElement("dongui-root");
  host.lang = core._facts.lang;
  // A shadow root keeps the page's style out; a constructed sheet needs no permission from a strict policy.
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  root.adoptedStyleSheets = [sheet];
  const dialog = banner(languages[core._facts.lang] ?? en, view != "banner");
  root.append(dialog);
  // First in the page, so that the keyboard and a screen reader meet it first; fixed, so that nothing moves.
  document.body.prepend(host);
  if (view != "banner") dialog.focus();
};
