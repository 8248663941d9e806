/**
 * What the collector does not have yet, in one store for all tabs: decisions under `dongui.queue.<order>.<id>`, events
 * under `dongui.events<page>`. A key an entry, so that no tab overwrites what another has put down. What else is done with
 * decisions is in queue.js.
 */
import { quietly } from "./page";
import type { Decision } from "./rules/decisions";
import { json } from "./rules/json";
import { core } from "./state";

/** A decision with what `POST /v1/consents` says of it besides. */
export interface Entry extends Decision {
  site: string;
  visitor: string | null;
  method: string;
  lang: string;
  signals: Record<string, boolean>;
  /** How the question was put, and the digest of its words. */
  layout?: string | undefined;
  catalog?: string;
}

export const DECISIONS = "dongui.queue.";
export const EVENTS = "dongui.events";

/** The browser's storage; where it has none for us, an object that lives as long as the page. */
core._stored = () => (core._box ||= quietly(() => localStorage) || {});

/** The keys that begin so. */
core._keys = (prefix) => Object.keys(core._stored()).filter((key) => !key.indexOf(prefix));

core._json = json;

core._store = (key, value) => quietly(() => (core._stored()[key] = core._json(value)));

core._remove = (key) => delete core._stored()[key];

/** The values under keys that begin so; what is no JSON is nobody's. */
core._values = (prefix) => core._keys(prefix).flatMap((key) => quietly(() => [JSON.parse(core._stored()[key]!)]) || []);
