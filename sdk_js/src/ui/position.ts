/**
 * position.js: where the question stands, and where it does not. Loaded where the site says so (`data-position`,
 * `data-never-on`), where the page has a form or a focus, and once somebody is there: neither a field, nor what sends a form,
 * nor whatever has the focus lies behind the question (WCAG 2.4.11).
 */
import { watchRoutes } from "../routes";
import { core, doc } from "./core";

const places = new CSSStyleSheet();
places.replaceSync(`.top{inset:var(--dongui-inset,1em 0 auto)}
.corner{inset:var(--dongui-inset,auto 1em 1em auto);width:min(28em,100% - 2em);max-height:min(46em,100% - 2em)}
.corner:where(:dir(rtl)){inset:var(--dongui-inset,auto auto 1em 1em)}
.corner .buttons{grid:auto-flow 1fr/1fr}
.bar{inset:var(--dongui-inset,auto 0 0);width:100%;max-height:min(14.5em,75vh);border-width:1px 0 0;border-radius:0}
@media(min-width:60em){.bar{flex-direction:row;max-height:75vh}.bar main{flex:1;max-height:min(14.5em,75vh)}.bar footer{flex:0 0 33em;flex-flow:column;border-width:0 0 0 1px}.bar .buttons{flex:1;grid:auto-flow 1fr/1fr}}
@media(max-width:30em),(max-height:28em){.banner.top{inset:0 0 auto}}
@media(max-width:30em){.banner.top{border-radius:0 0 var(--radius) var(--radius)}}`);

const readable = (path: string): string => core._quietly(() => decodeURI(path)) ?? path;

/** Whether nobody is asked here: the address, or the route in its fragment, is one of the named paths, or lies below one. */
core._away = () => {
  const route = /^#!?(\/[^?#]*)/.exec(location.hash)?.[1] ?? "";
  const here = [location.pathname, route, location.pathname.replace(/\/$/, "") + route].map((path) => `${readable(path)}/`);
  const never = (core._options.neverOn ?? "").split(/[\s,]+/).filter(Boolean);
  return never.some((path) => here.some((at) => at.startsWith(readable(path).replace(/\/*$/, "/"))));
};

/** What sends a form. */
const SENDS = "[type=submit],[type=image],form button:not([type])";
/** Pixels between the question and what it must not cover; how low it may be and still be read; and of its text beside the focus in a small window. */
const GAP = 8;
const LOWEST = 240;
const TEXT = 36;

/** What has the focus, as deep as it can be seen; not what is ours, nor the page as a whole. */
function focused(): Element | null {
  let element = doc.activeElement;
  if (element == doc.body || element?.localName == "dongui-root") return null;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element;
}

/** The boxes of these that are in sight. What is half as high as the window cannot be hidden as a whole. */
const boxes = (elements: Iterable<Element>): DOMRect[] =>
  [...elements]
    .map((element) => element.getBoundingClientRect())
    .filter(({ width, height, bottom, top }) => width && bottom > 0 && top < innerHeight && height < innerHeight / 2);

/** Moves it to where it covers none of these, the site's own place first; else to the larger gap, as high as that is, if it may be so low. */
function place(dialog: HTMLElement, used: DOMRect[], lowest: number): boolean {
  const wanted = ["banner", core._options.position].join(" ");
  const covers = (): boolean => {
    const { offsetTop: y, offsetLeft: x, offsetWidth: width, offsetHeight: height } = dialog;
    return used.some(({ top, bottom, left, right }) => bottom > y - GAP && top < y + height + GAP && right > x - GAP && left < x + width + GAP);
  };
  dialog.style.maxHeight = "";
  if ([wanted, "banner", "banner corner", "banner top"].some((name) => ((dialog.className = name), !covers()))) return true;
  const above = Math.min(...used.map(({ top }) => top));
  const below = innerHeight - Math.max(...used.map(({ bottom }) => bottom));
  const room = Math.max(above, below) - 3 * GAP;
  dialog.className = room < lowest ? wanted : above > below ? "banner top" : "banner";
  if (room >= lowest) dialog.style.maxHeight = `${room}px`;
  return room >= lowest;
}

/** In a small window the page is scrolled, and the question is hardly higher than its buttons, whatever else it covers. */
function makeRoom(dialog: HTMLElement, focus: Element): void {
  const lowest = Math.min(LOWEST, (dialog.lastChild as HTMLElement).offsetHeight + TEXT);
  if (place(dialog, boxes([focus]), lowest)) return;
  const gap = (block: ScrollLogicalPosition): number => {
    focus.scrollIntoView({ block, behavior: "instant" });
    const { top, bottom } = focus.getBoundingClientRect();
    return Math.max(top, innerHeight - bottom);
  };
  // A page that ends soon does not scroll as far as it is asked to: the larger gap counts.
  let room = gap("end");
  if (room < lowest) room = gap(gap("start") > room ? "start" : "end");
  dialog.className = focus.getBoundingClientRect().top >= room ? "banner top" : "banner";
  dialog.style.maxHeight = `${Math.max(lowest, room - GAP)}px`;
}

/** Tells the browser how much of the window the question takes, so that what it scrolls to stands beside it; no longer than it stands. */
const padding = new CSSStyleSheet();
function pad({ offsetTop, offsetWidth, offsetHeight }: HTMLElement): void {
  const much = offsetWidth < innerWidth / 2 || offsetHeight > innerHeight / 2;
  padding.replaceSync(much ? "" : `html:has(>body>dongui-root){scroll-padding-${offsetTop < GAP * 4 ? "top" : "bottom"}:${offsetHeight + 4 * GAP}px}`);
  if (!document.adoptedStyleSheets.includes(padding)) document.adoptedStyleSheets = [...document.adoptedStyleSheets, padding];
}

/** Moves the question off what is needed; where there is no place for that, off the focus at least. */
core._fit = (dialog) => {
  const root = dialog.getRootNode() as ShadowRoot;
  if (!root.adoptedStyleSheets.includes(places)) root.adoptedStyleSheets = [places, ...root.adoptedStyleSheets];
  const { className, style: { maxHeight } } = dialog;
  const focus = focused();
  if (!place(dialog, boxes([...(focus ? [focus] : []), ...doc.querySelectorAll(SENDS)]), LOWEST) && focus) makeRoom(dialog, focus);
  pad(dialog);
  // Who was about to press it presses it where it stands now.
  if (className != dialog.className || maxHeight != dialog.style.maxHeight) core._hold?.();
};

/** A page within the page may be one on which nobody is asked, or one on which somebody is. */
const routed = (): void => {
  if (core._away!()) core._hide?.(true);
  core._look();
};
const { navigation } = window as { navigation?: EventTarget };
if (navigation) navigation.addEventListener("currententrychange", routed);
else {
  // Firefox, and Safari before 26.2.
  watchRoutes(routed);
  for (const type of ["popstate", "hashchange"]) addEventListener(type, routed);
}

const fit = (): void => {
  const dialog = doc.querySelector("dongui-root")?.shadowRoot?.querySelector<HTMLDialogElement>(".banner");
  if (dialog) core._fit!(dialog);
};
/** A hand that is already on the question is not led astray. */
const refit = (): void => void (doc.activeElement?.localName != "dongui-root" && fit());
addEventListener("resize", fit);
// A frame's focus takes the window's; no other event tells of it.
for (const type of ["focusin", "blur"])
  addEventListener(type, () => {
    refit();
    // What had been out of sight has been scrolled to by then, at once or smoothly.
    requestAnimationFrame(refit);
    addEventListener("scrollend", refit, { once: true, capture: true });
  });
refit();
