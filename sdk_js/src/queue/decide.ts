/** A decision put into force: written down for all tabs, taken away at once, sent in the same task (DESIGN 4). */
import type { ConsentState, Result } from "../api";
import type { Entry } from "../queue";
import { core } from "../ui/core";
import { transmit } from "./answers";
import { shrink } from "./cookies";
import { adopt, entries, facts, mayGrant, put, requests } from "./entries";

/** The entries that a decision makes, the first of them to be sent at once where nothing else is queued. */
function made(changes: ConsentState | string[], method: string, erase: boolean): Entry[] {
  const queue = entries();
  // What was sent may have arrived, so that taking it away is a withdrawal.
  const given = [...(core._choice?.granted ?? []), ...queue.flatMap((entry) => (entry.tried ? entry.granted : []))];
  const all = Object.keys(core._state());
  const says = (id: string): boolean | undefined => (Array.isArray(changes) ? changes[0] && !changes.includes(id) ? undefined : false : changes[id]);
  const granted = all.filter(says);
  const refused = all.filter((id) => says(id) === false);
  const withdraws = refused.filter((id) => given.includes(id));
  // Of purposes that there are not, nobody has decided.
  if (!granted[0] && !refused[0]) return [];
  const decision = { id: core._uuid(), at: Date.now(), notice: core._facts.version, granted, refused, withdraws, erase, ...facts(method) };
  return requests(decision, all).map((entry, index) => ({ ...entry, tried: !index && !queue[0] && !erase }));
}

/**
 * Puts a decision into force; a list names what is refused or withdrawn, an empty one means all. What it takes away is in
 * force when this returns; what it gives, once it is recorded.
 */
core._decide = async (changes, method, erase): Promise<Result> => {
  core._read();
  adopt();
  const entries = made(changes, method, !!erase);
  const gives = entries.find((entry) => entry.granted[0]);
  if (!entries[0]) return "refused";
  core._hide?.(true);
  if (gives && !mayGrant()) return "refused";
  entries.forEach(put);
  // In the task of the click: nothing else is on its way.
  if (entries[0].tried) transmit(entries[0]);
  shrink(entries.flatMap((entry) => entry.refused));
  core._judge();
  core._settle();
  return core._deliver!((gives ?? entries[0]).id);
};

let turn: Promise<unknown> | undefined;

/** Calls come into force in their order; behind one that waits for the notice a withdrawal is said again. */
core._change = async (changes, id) => {
  if (id && !turn) return core._deliver!(id);
  let result: Promise<Result> | undefined;
  core._turns++;
  const mine = (turn = Promise.all([turn, core._facts || core._learn()])
    .finally(() => core._turns--)
    .then(() => void (result = core._decide!(changes, "api")))
    .catch(() => {}));
  await mine;
  if (turn == mine) turn = undefined;
  return result || "refused";
};
