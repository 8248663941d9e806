/** What place.js puts on a page: an element of ours with its style in a shadow root, and the words for it. */
import { core, doc } from "./core";
import { css } from "./style";
import { places } from "./words";
import type { PlaceWords } from "./words/words";
import { ownWords } from "./ownwords";

/** The element and its shadow root; `more` is added to the interface's look. The focus goes to what is inside. */
export function hosted(tag: string, more: string): [element: HTMLElement, root: ShadowRoot] {
  const host = doc.createElement(tag);
  host.lang = core._facts.lang;
  host.style.colorScheme = core._options.theme ?? "";
  const root = host.attachShadow({ mode: "open", delegatesFocus: true });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css + more);
  root.adoptedStyleSheets = [sheet];
  return [host, root];
}

export const placeWords = (): PlaceWords => ({ ...(places[core._facts.lang] ?? places.en!), ...ownWords() });
