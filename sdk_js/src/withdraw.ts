/**
 * A withdrawal with nothing at hand but what every page has loaded: in force on the page and in all tabs at once, also where
 * neither queue.js nor the notice can be reached. queue.js makes a request of it, and tells the cookies.
 */
import type { ConsentState } from "./api";
import { uuid } from "./page";
import { DECISIONS } from "./queue";
import { core } from "./state";

/**
 * Withdraws what is named, an empty list meaning everything, unless queue.js is at hand and knows better, or something is
 * granted besides. Answers the id of the decision.
 */
export function withdraw(changes: ConsentState | string[]): string | undefined {
  core._read();
  const { _choice: choice } = core;
  if (!choice || (core._decide && core._facts) || Object.values(changes).includes(true)) return;
  const id = uuid();
  const refused = Array.isArray(changes) ? (changes[0] ? changes : choice.granted) : Object.keys(changes);
  if (!refused[0]) return;
  core._store(DECISIONS + "~" + id, { refused });
  core._judge();
  return id;
}
