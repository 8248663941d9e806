/**
 * A decision with nothing at hand but what every page has loaded: put down for all tabs at once, and in force as far as it takes
 * away, also where neither queue.js nor the notice can be reached. queue.js makes requests of it, and tells the cookies.
 */
import { queued } from "./consent";
import { uuid } from "./page";
import { DECISIONS } from "./queue";
import { core } from "./state";

/** The order of what this page has put down: by its time, and never back. */
let last = 0;

/**
 * Puts down what is decided, an empty list meaning that all is refused, unless queue.js is at hand and knows better. Without
 * the notice nobody knows what a grant is of, and what there is to take away is what is given or about to be. Answers the id
 * of the decision where that was all of it.
 */
core._note = (changes, method) => {
  core._read();
  const { _facts: facts } = core;
  if (core._decide && facts) return;
  const list = Array.isArray(changes);
  const all = [...(core._choice?.granted || []), ...queued(), ...Object.keys(core._state())];
  const granted = all.filter((id) => facts && !list && changes[id]);
  const refused = all.filter((id) => (list ? !changes[0] || changes.includes(id) : changes[id] === false));
  if (!granted[0] && !refused[0]) return;
  const id = uuid();
  core._store(DECISIONS + "~" + (last = (last || Date.now()) + 1) + "." + id, { notice: facts?.version, at: Date.now(), granted, refused, method });
  core._hide?.(true);
  core._judge();
  core._settle();
  return facts || !Object.values(changes).includes(true) ? id : undefined;
};
