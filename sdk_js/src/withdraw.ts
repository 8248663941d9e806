/**
 * A withdrawal with nothing at hand but what every page has loaded: in force at once, also where neither queue.js nor the
 * notice can be reached. queue.js makes a request of it.
 */
import type { ConsentState } from "./api";
import { quietly, uuid } from "./page";
import { DECISIONS } from "./queue";
import { encodeChoice } from "./rules/consent";
import { without } from "./rules/decisions";
import { core } from "./state";

core._setCookie = (name, value, seconds) => quietly(() => (document.cookie = `${core._name + name}=${value};Max-Age=${seconds | 0}${core._kept}`));

/**
 * Withdraws what is named, an empty list meaning everything, unless queue.js is at hand and knows better, or something is
 * granted besides. Answers the id of the decision.
 */
export function withdraw(changes: ConsentState | string[]): string | undefined {
  core._read();
  const { _choice: choice } = core;
  if (!choice || (core._decide && core._facts) || Object.values(changes).includes(true)) return;
  const id = uuid();
  const refused = !Array.isArray(changes) ? Object.keys(changes) : changes[0] ? changes : choice.granted;
  if (!refused[0]) return;
  core._store(DECISIONS + "~" + id, { id, at: Date.now(), notice: choice.version, granted: [], refused, withdraws: refused, visitor: core._visitor() });
  const granted = without(choice.granted, refused);
  core._setCookie("", encodeChoice({ ...choice, granted }), 3e7);
  granted[0] || core._setCookie("_id", "", 0);
  core._judge();
  return id;
}
