/**
 * A withdrawal with nothing at hand but what every page has loaded: in force on the page and in all tabs at once, also where
 * neither queue.js nor the notice can be reached. queue.js makes a request of it, and tells the cookies.
 */
import type { ConsentState } from "./api";
import { uuid } from "./page";
import { DECISIONS } from "./queue";
import { core } from "./state";

/**
 * Withdraws what is named of what is given or about to be, an empty list meaning everything, unless queue.js is at hand and
 * knows better. Answers the id of the decision where that was all of it.
 */
export function withdraw(changes: ConsentState | string[]): string | undefined {
  core._read();
  if (core._decide && core._facts) return;
  const held = [...(core._choice?.granted || []), ...core._queue.flatMap(({ granted }) => granted || [])];
  const list = Array.isArray(changes) ? changes : Object.keys(changes).filter((id) => !changes[id]);
  const refused = held.filter((id) => list.includes(id) || (Array.isArray(changes) && !list[0]));
  if (!refused[0]) return;
  const id = uuid();
  core._store(DECISIONS + "~" + id, { refused });
  core._judge();
  return Object.values(changes).includes(true) ? undefined : id;
}
