/**
 * position.js: where the question stands, and where it does not. Loaded where the site says so (`data-position`,
 * `data-never-on`), and where the page has something to fill in, which is never covered.
 */
import { core, doc } from "./core";

core._places = `.top{inset:var(--dongui-inset,1em 0 auto)}
.corner{inset:var(--dongui-inset,auto 1em 1em auto);width:min(28em,100% - 2em);max-height:min(46em,100% - 2em)}
.corner:dir(rtl){inset:var(--dongui-inset,auto auto 1em 1em)}
.corner .buttons{grid:auto-flow 1fr/1fr}
.bar{inset:var(--dongui-inset,auto 0 0);width:100%;max-height:min(14.5em,75vh);border-width:1px 0 0;border-radius:0}
@media(min-width:60em){.bar{flex-direction:row}.bar main{flex:1}.bar footer{flex:0 0 33em;flex-flow:column;border-width:0 0 0 1px}.bar .buttons{flex:1;grid:auto-flow 1fr/1fr}}
@media(max-width:30em),(max-height:28em){.banner.top{inset:0 0 auto}}
@media(max-width:30em){.banner.top{border-radius:0 0 var(--radius) var(--radius)}}`;

/** Whether nobody is asked here: the address is one of the named paths, or lies below one. */
core._away = () => (core._options.neverOn ?? "").split(/[\s,]+/).some((path) => path && `${location.pathname}/`.startsWith(path.replace(/\/*$/, "/")));

/** What the visitor is about to use: the field that has the focus, and what sends a form. */
const USED = ":is(input,select,textarea,[contenteditable]):focus,[type=submit],[type=image],form button:not([type])";
/** Pixels between the question and what it must not cover; and how low it may be and still be read. */
const GAP = 8;
const LOWEST = 240;

/** Moves the question to where it covers nothing that is needed; where there is no such place, it is as high as the larger gap. */
core._fit = (dialog) => {
  const wanted = ["banner", core._options.position].join(" ");
  const used = [...doc.querySelectorAll(USED)].map((element) => element.getBoundingClientRect()).filter(({ width, bottom, top }) => width && bottom > 0 && top < innerHeight);
  const covers = (): boolean => {
    const { offsetTop: y, offsetLeft: x, offsetWidth: width, offsetHeight: height } = dialog;
    return used.some(({ top, bottom, left, right }) => bottom > y - GAP && top < y + height + GAP && right > x - GAP && left < x + width + GAP);
  };
  const before = dialog.className;
  dialog.style.maxHeight = "";
  const free = [wanted, "banner", "banner corner", "banner top"].find((name) => ((dialog.className = name), !covers()));
  if (!free) {
    const above = Math.min(...used.map(({ top }) => top));
    const below = innerHeight - Math.max(...used.map(({ bottom }) => bottom));
    const room = Math.max(above, below) - 3 * GAP;
    dialog.className = room < LOWEST ? wanted : above > below ? "banner top" : "banner";
    if (room >= LOWEST) dialog.style.maxHeight = `${room}px`;
  }
  // Who was about to press it presses it where it stands now.
  if (before != dialog.className) core._hold?.();
};

/** A page within the page may be one on which nobody is asked, or one on which somebody is. */
(window as { navigation?: EventTarget }).navigation?.addEventListener("currententrychange", () => {
  if (core._away!()) core._hide?.(true);
  core._look();
});

const again = (event: Event): void => {
  const dialog = doc.querySelector("dongui-root")?.shadowRoot?.querySelector<HTMLDialogElement>(".banner");
  // A hand that is already on the question is not led astray.
  if (dialog && (event.target as Element).localName != "dongui-root") core._fit!(dialog);
};
for (const type of ["focusin", "resize"]) addEventListener(type, again);
