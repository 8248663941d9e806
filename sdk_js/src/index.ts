/** The ES module: the same as the script tag, started by hand. Importing it does nothing. */
import type { Dongui, Options } from "./api.js";
import { start } from "./main";

export type { ConsentState, Dongui, Options, Result } from "./api.js";

let started: Dongui | undefined;

/** Starts dongui on this page and returns what `window.dongui` offers; a second call returns the first one's. */
export function init(options: Options): Dongui {
  if (!started) {
    // An address of the site's own is one wherever this module lies.
    started = start({ ...options, base: new URL(options.base, location.href).href.replace(/\/$/, "") });
    window.dongui = started;
  }
  return started;
}
