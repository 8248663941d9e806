/** The snippet that loaded us. */
import type { Core } from "../state";

export const core = (window.dongui as { _core: Core })._core;

export const { _doc: doc } = core;
