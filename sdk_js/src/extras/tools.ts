/** What the extras stand on: the snippet's public `track`, and its outbox. */
import type { Dongui } from "../api";
import { core, doc } from "../ui/core";

export const track = (name: string, props?: Record<string, unknown>): void => (window.dongui as Dongui).track(name, props);

const reports: (() => void)[] = [];
const reportAll = (): void => reports.forEach((report) => core._quietly(report));

/** Runs `report` when a page ends: it is hidden, left, or replaced through the History API. What all of them say goes at once. */
export function atEnd(report: () => void): void {
  if (reports.push(report) > 1) return;
  const end = (): void => {
    reportAll();
    core._flush();
  };
  addEventListener("pagehide", end);
  doc.addEventListener("visibilitychange", () => doc.visibilityState == "hidden" && end());
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (...given) {
      reportAll();
      return original.apply(this, given);
    };
  }
}

/** An address without what may be personal: no query, no fragment. */
export const place = (url: URL | HTMLAnchorElement): string => (url.origin == location.origin ? "" : url.origin) + url.pathname;
