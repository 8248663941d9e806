/** ui.js: shown only where somebody is to be asked, or asks. Lives in a shadow root, so that no page style reaches in. */
import type { OpenUi } from "../main";
import { banner } from "./banner";
import { css } from "./style";
import { en } from "./words/en";
import { ko } from "./words/ko";
import type { Words } from "./words/words";

const languages: Record<string, Words> = { ko, en };

/** A constructed style sheet needs no permission from a strict Content-Security-Policy. */
function style(root: ShadowRoot): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  root.adoptedStyleSheets = [sheet];
}

const open: OpenUi = (bridge, preferences) => {
  const host = document.createElement("dongui-root");
  const root = host.attachShadow({ mode: "open" });
  style(root);
  const lang = bridge._notice.lang;
  host.lang = lang;
  const opener = document.activeElement;
  const close = (): void => {
    host.remove();
    if (preferences && opener instanceof HTMLElement) opener.focus();
  };
  const dialog = banner(bridge, languages[lang] ?? en, preferences, close);
  root.append(dialog);
  // First in the page, so that the keyboard and a screen reader meet it first; fixed, so that nothing moves.
  document.body.prepend(host);
  if (preferences) dialog.focus();
  return close;
};

(window.dongui as { _open?: OpenUi })._open = open;
