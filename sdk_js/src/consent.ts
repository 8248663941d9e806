/** The choice: learned, read and judged. What changes it is in decide.ts. */
import { doc } from "./natives";
import { cookies } from "./page";
import { DECISIONS } from "./queue";
import { agreedChoice, choiceStands, effectivePurposes, grantable } from "./rules/consent";
import { overlay } from "./rules/decisions";
import { core, type NoticePurpose } from "./state";

let learning: Promise<void> | undefined;

/**
 * Epoch seconds by the server's clock, as far as this browser knows it; never before the choice was recorded, so that a
 * clock that is behind asks nobody again. A year ahead is no clock of anybody's.
 */
const now = (own = core._now() / 1000): number => Math.max(own, Math.min(core._choice?.at || 0, own + 3e7));

core._state = () =>
  Object.fromEntries(Object.values(core._facts?.purposes || {}).flatMap(({ id, basis }) => (basis == "consent" ? [[id, core._granted.has(id)]] : [])));

/**
 * The copies of our own cookie. Under any other name (`rules/own.ts`) nothing is granted and nobody known; what else those
 * are good for is looked up before somebody is asked, and where something is taken away.
 */
core._cookieChoice = () => agreedChoice(cookies().flatMap(([name, value]) => (name == core._name ? value! : [])));
core._now = () => Date.now() + (+core._stored()["dongui.skew"]! || 0);

core._read = () => {
  const choice = core._cookieChoice();
  core._queue = core._values(DECISIONS);
  core._choice = choice && { ...choice, granted: overlay(choice.granted, core._queue) };
};

/** What queued decisions grant, whatever else they say. */
export const queued = (): string[] => core._queue.flatMap(({ granted }) => granted || []);

core._grantable = (purpose) => grantable(purpose, core._gpc());

/**
 * Whether nobody has to be asked: a choice stands, and none of its grants is due to be confirmed again; or a decision waits
 * for its record; or there is nothing to agree to, because the browser's signal has said no to all of it.
 */
export const answered = (): unknown =>
  core._queue[0] ||
  !Object.values(core._facts.purposes).some(core._grantable) ||
  (choiceStands(core._choice, core._facts, now()) &&
    core._choice.granted.every((id) => now() < core._choice!.at + (core._facts.purposes[id]?.reconfirm_seconds || Infinity)));

/** Fetches the notice. Several may want it at once; a failure is forgotten, so that the next one tries again. */
core._learn = (cache) => {
  const { base, site, lang } = core._options;
  return (learning ||= fetch(`${base}/v1/notice?site=${site}&lang=${(lang || doc.documentElement.lang || navigator.language).replace(/_/g, "-")}`, { cache: cache! })
    .then((answer) => answer.json())
    .then((told) => {
      // Without a prototype: attributes of the page are looked up in it.
      told.purposes = Object.assign(Object.create(null), Object.fromEntries(told.purposes.map((purpose: NoticePurpose) => [purpose.id, purpose])));
      core._facts = told;
    })
    .finally(() => (learning = undefined)));
};

/** What the choice is worth now. */
export const worth = (): Set<string> => effectivePurposes(core._choice, core._facts, now(), core._gpc());
