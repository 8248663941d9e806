/** ui.js: loaded only where somebody is to be asked, asks, or decides. */
import type { View } from "../state";
import { banner } from "./banner";
import { core, doc } from "./core";
import { h } from "./dom";
import { guard, mayAsk } from "./guard";
import { drop, keep } from "./keep";
import { css } from "./style";
import { banners } from "./words";
import { ownWords } from "./ownwords";

let host: HTMLElement | undefined;
let opener: Element | null;
let asking = false;

core._h = h;
core._keep = keep;

core._hide = (question) => {
  // What was asked for stays, also when the question is settled elsewhere.
  if (question && !asking) return;
  drop(host);
  // The focus goes back to where it came from, unless the visitor has taken it elsewhere since.
  if (opener && doc.activeElement == doc.body) core._native(opener as HTMLElement).focus?.();
  host = undefined;
};

core._mount = (dialog, modal, more = "", words = {}) => {
  core._hide!();
  asking = !more;
  core._shown = { layout: more ? "panel" : core._options.layout == "full" ? "full" : "compact", words: { ...core._words, ...words } };
  void core._digest?.();
  opener = doc.activeElement;
  host = doc.createElement("dongui-root");
  host.lang = core._facts.lang;
  host.dir = core._words.dir ?? "";
  host.style.colorScheme = core._options.theme ?? "";
  // A shadow root keeps the page's style out; a constructed sheet needs no permission from a strict policy.
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css + more);
  root.adoptedStyleSheets = [sheet];
  root.append(dialog);
  // First in the page, so that the keyboard and a screen reader meet it first; fixed, so that nothing moves.
  const here = host;
  keep(here, () => {
    doc.body.prepend(here);
    dialog.open = false;
    // Asked without being called, we leave the focus where it is.
    if (modal) dialog.showModal();
    else dialog.open = true;
  });
  guard(dialog);
};

core._choose = async (changes, method, erase) => {
  // A press that is faster than queue.js is put down at once: the page may go, and what happens meanwhile waits behind it.
  const id = core._note(changes, method);
  core._decide || (await core._load("queue"));
  return (id && !erase ? core._deliver?.(id) : core._decide?.(changes, method, erase)) ?? "pending";
};

/**
 * What a decision needs is loaded once somebody is there: before the click, so that this leaves in its own task. And what
 * keeps the question off the focus.
 */
const SIGNS = ["pointermove", "pointerdown", "keydown", "scroll", "focusin"];
function approached(): void {
  SIGNS.forEach((type) => removeEventListener(type, approached, true));
  void core._load("queue");
  void core._load("position");
}

/** A copy of the choice that is not ours, an old one or a sibling's, grants nothing; a refusal in it is honoured. */
const refusedBefore = async (): Promise<unknown> => /dongui/.test(core._quietly(() => doc.cookie)!) && (await core._load("queue"), core._refused?.());

core._wordsNow = () => (core._words = { ...(banners[core._facts.lang] ?? banners.en!), ...ownWords() });

core._show = async (view: View) => {
  core._wordsNow();
  if (!core._mayShow()) return;
  // Until the panel is there, and if it never comes, the question stays.
  if (view != "banner") return core._load("panel").then(() => core._panel?.(view));
  if (host || !mayAsk()) return;
  const { position, neverOn } = core._options;
  const [refused] = await Promise.all([refusedBefore(), (position ?? neverOn ?? doc.querySelector("form,input,:focus")) && core._load("position")]);
  if (refused || host || !mayAsk() || core._away?.()) return;
  const dialog = banner();
  core._mount(dialog, core._options.modal != null);
  core._fit?.(dialog);
  SIGNS.forEach((type) => addEventListener(type, approached, { capture: true, passive: true }));
  return;
};
