/** Keeps what we show on the page: above whatever a page does to its body, and again after it has put another body in its place. */
import { doc } from "./core";

const kept = new Map<HTMLElement, () => void>();
let observer: MutationObserver | undefined;
let due: unknown;

/** Puts the element on the page, now and whenever the page has dropped it (Turbo, htmx, `innerHTML`). */
export function keep(host: HTMLElement, put: () => void): void {
  const shown = (): void => {
    put();
    // In the top layer neither `filter`, `transform` nor `contain` of an element above it moves it.
    host.popover = "manual";
    host.showPopover?.();
  };
  kept.set(host, shown);
  shown();
  observer ??= new MutationObserver(() => (due ||= setTimeout(again, 20)));
  observer.observe(document, { childList: true, subtree: true });
}

/** A little later: whoever swaps a body may do more to it, and whoever takes us out on purpose shall not keep the page busy. */
function again(): void {
  due = 0;
  for (const [host, shown] of kept) if (!host.isConnected && doc.body) shown();
}

export function drop(host: HTMLElement | undefined): void {
  kept.delete(host!);
  host?.remove();
}
