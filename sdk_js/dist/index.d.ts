/** The ES module: the same as the script tag, started by hand. Importing it does nothing. */
import type { Dongui, Options } from "./api.js";
export type { ConsentState, Dongui, Options, Result } from "./api.js";
/** Starts dongui on this page and returns what `window.dongui` offers; a second call returns the first one's. */
export declare function init(options: Options): Dongui;
