/** When a question is put, and which clicks answer it: a person's, who has had the time to see it. */
import { core } from "./core";

/** Milliseconds for which a question has to be in sight before it can be answered: longer than a double click takes. */
const SEEN = 500;
/** Timers and the times of events differ a little. */
const MARGIN = 50;
const HOUR = 36e5;
/** What decides something. */
const DECIDES = ":is([data-action=accept],[data-action=refuse],[data-action=save],[data-action=confirm])";

/** Whether a page of another origin stands around this one: it could lay what it likes over the question. */
function framed(): boolean {
  try {
    for (let outer: Window = window; outer != outer.parent; outer = outer.parent) if (!outer.parent.location.href) return true;
    return false;
  } catch {
    return true;
  }
}

/** In a frame of another origin nothing is asked, unless the site allows it. */
core._mayShow = () => core._options.embedded != null || !framed();

/** Where cookies are blocked nobody is asked; nor within the hour after an answer that was refused for good. */
export function mayAsk(): boolean {
  // Somebody may have answered while this was loaded.
  core._read();
  if (core._queue[0]) return false;
  const since = Date.now() - (+core._stored()["dongui.again"]! || 0);
  return !core._quiet && navigator.cookieEnabled && (!!core._again || since > HOUR || since < 0);
}

/**
 * Holds back what decides until the question has been in sight for a while, also after another window lay over it, and
 * from anything but a person's own click: a frame around the page or a script on it gives no consent.
 */
export function guard(dialog: HTMLDialogElement): void {
  let since = 0;
  const hold = (): void => {
    if (!dialog.isConnected) return removeEventListener("focus", hold);
    since = performance.now();
    const held = [...dialog.querySelectorAll<HTMLButtonElement>(`button:enabled${DECIDES}`)];
    for (const button of held) button.disabled = true;
    setTimeout(() => held.forEach((button) => (button.disabled = false)), SEEN + MARGIN);
  };
  hold();
  core._hold = hold;
  addEventListener("focus", hold);
  dialog.addEventListener(
    "click",
    (event) => {
      if ((event.target as Element).closest(DECIDES) && !(event.isTrusted && event.timeStamp - since >= SEEN)) {
        event.preventDefault();
        event.stopImmediatePropagation();
      }
    },
    true,
  );
}
