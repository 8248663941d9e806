/**
 * place.js: what stands on the page itself. Where a frame, a film or an image waits for its consent, a placeholder says so,
 * shows what that consent means (K1) and takes it (`data-placeholders`); and the floating way back (`data-floating`).
 */
import type { Dongui } from "../api";
import { core, doc } from "./core";
import { floating } from "./floating";
import { hosted, placeWords } from "./host";
import { terms } from "./terms";

let focused = 0;
addEventListener("focus", () => (focused = performance.now()));

/** Whether a click is a person's who has had the time to see what is asked, where asking is allowed. */
const meant = (event: Event, since: number): boolean => event.isTrusted && event.timeStamp - Math.max(since, focused) >= 500 && core._mayShow();

const standing = new Map<HTMLElement, HTMLElement>();
const own = `:host{display:block;contain:paint}div{display:flex;flex-direction:column;gap:.6em;width:100%;height:100%;padding:1em 1.2em;overflow:auto;border:1px solid var(--line);border-radius:var(--radius);background:var(--bg);color:var(--fg)}button{flex:none;align-self:start}dl{display:grid;grid-template-columns:max-content 1fr;gap:.1em .8em;color:var(--dim)}dd{color:var(--fg)}.strong{font-weight:700}`;

/** The size that the page gave the element, so that nothing moves when it comes. */
function fit(host: HTMLElement, element: HTMLElement): void {
  const { width, height } = element.getBoundingClientRect();
  host.style.width = width ? `${width}px` : "100%";
  host.style.maxWidth = "100%";
  host.style.height = `${Math.max(height, 180)}px`;
}

function put(element: HTMLElement): void {
  const { _facts: facts, _h: h } = core;
  const wanted = element.dataset.purpose!.split(/\s+/).filter((id) => facts.purposes[id] && !core._granted.has(id));
  if (standing.has(element) || !wanted[0]) return;
  const words = placeWords();
  const [host, root] = hosted("dongui-blocked", own);
  fit(host, element);
  const labels = wanted.map((id) => facts.purposes[id]!.label).join(", ");
  const since = performance.now();
  const grant = (event: Event): void => void (meant(event, since) && (window.dongui as Dongui).consent.set(Object.fromEntries(wanted.map((id) => [id, true]))));
  // Where the browser's signal says no, agreeing would change nothing.
  const able = wanted.every((id) => core._grantable(facts.purposes[id]!));
  const allow = core._button("allow", words.allow, grant) as HTMLButtonElement;
  // As in the question: nobody answers before they can have read it.
  allow.disabled = true;
  setTimeout(() => (allow.disabled = false), 550);
  root.append(
    h(
      "div",
      { part: "placeholder", role: "group", tabindex: "0", "aria-label": labels },
      h("p", {}, words.blocked.replace("{}", labels)),
      able ? allow : h("p", {}, core._words.gpc),
      ...wanted.map((id) => terms(facts.purposes[id]!, words)),
    ),
  );
  element.before(host);
  element.style.setProperty("display", "none", "important");
  standing.set(element, host);
}

/** Puts placeholders where something waits, and takes away those of what does not wait any more. */
function look(): void {
  for (const [element, host] of standing)
    if (!element.isConnected || !host.isConnected || element.dataset.purpose!.split(/\s+/).every((id) => core._granted.has(id))) {
      host.remove();
      element.style.removeProperty("display");
      standing.delete(element);
    }
  doc.querySelectorAll<HTMLElement>(":is(iframe,video,img)[data-purpose][data-src]").forEach(put);
}

/** The notice is at hand: it was asked for before anything else. */
void core._load("ui").then(() => {
  if (!core._wordsNow || !core._facts) return;
  core._wordsNow();
  if (core._options.floating != null) floating();
  if (core._options.placeholders == null) return;
  look();
  (window.dongui as Dongui).consent.onChange(look);
  new MutationObserver((records) => records.some(({ addedNodes, removedNodes }) => addedNodes[0] ?? removedNodes[0]) && look()).observe(document, { childList: true, subtree: true });
});
