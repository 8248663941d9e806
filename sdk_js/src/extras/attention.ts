/** How far a page was scrolled, and how long it was in use: visible, and somebody active on it. */
import { doc } from "../ui/core";
import { atEnd, track } from "./tools";

const IDLE = 30_000;
const STEPS = [25, 50, 75, 90, 100];

export function scroll(): void {
  let deepest = 0;
  const look = (): void => {
    const { scrollHeight } = doc.documentElement;
    deepest = Math.max(deepest, Math.round(((scrollY + innerHeight) / scrollHeight) * 100));
  };
  addEventListener("scroll", look, { passive: true });
  addEventListener("load", look);
  look();
  let told = 0;
  atEnd(() => {
    const reached = STEPS.filter((step) => step <= deepest).pop() ?? 0;
    if (reached > told) track("scroll", { percent: reached });
    told = Math.max(told, reached);
  });
  // Another address is another page, read from its beginning.
  let page = location.pathname;
  addEventListener("scroll", () => {
    if (page == location.pathname) return;
    page = location.pathname;
    deepest = told = 0;
    look();
  }, { passive: true });
}

export function time(): void {
  let active = performance.now();
  let engaged = 0;
  const stir = (): void => void (active = performance.now());
  for (const type of ["pointerdown", "pointermove", "keydown", "scroll", "touchstart"]) addEventListener(type, stir, { passive: true, capture: true });
  setInterval(() => {
    if (doc.visibilityState == "visible" && performance.now() - active < IDLE) engaged++;
  }, 1000);
  atEnd(() => {
    if (engaged) track("engagement", { seconds: engaged });
    engaged = 0;
  });
}
