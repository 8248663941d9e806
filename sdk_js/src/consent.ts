/** The choice: learned and judged. What changes it is in change.ts, loaded when it is needed. */
import { doc } from "./natives";
import { cookieValues } from "./page";
import { choiceStands, effectivePurposes, newestChoice } from "./rules/consent";
import { core, type NoticePurpose } from "./state";

let learning: Promise<void> | undefined;

const now = (): number => Date.now() / 1000;

core._state = () =>
  Object.fromEntries(Object.values(core._facts.purposes).flatMap(({ id, basis }) => (basis == "consent" ? [[id, core._granted.has(id)]] : [])));

core._read = () => {
  const choice = (core._choice = newestChoice(cookieValues("dongui").concat(core._memory)));
  return choiceStands(choice, core._facts, now()) ? choice.granted : undefined;
};

/** Whether nobody has to be asked: a choice stands, and none of its grants is due to be confirmed again. */
export const answered = (): unknown =>
  core._read()?.every((id) => now() < core._choice!.at + (core._facts.purposes[id]?.reconfirm_seconds || Infinity));

/** Fetches the notice. Several may want it at once; a failure is forgotten, so that the next one tries again. */
core._learn = (cache) => {
  const { base, site, lang } = core._options;
  return (learning ||= fetch(`${base}/v1/notice?site=${site}&lang=${(lang || doc.documentElement.lang || navigator.language).replace(/_/g, "-")}`, { cache: cache! })
    .then((answer) => answer.json())
    .then((told) => {
      told.purposes = Object.fromEntries(told.purposes.map((purpose: NoticePurpose) => [purpose.id, purpose]));
      core._facts = told;
    })
    .finally(() => (learning = undefined)));
};

/** What the choice is worth now. */
export const worth = (): Set<string> => effectivePurposes(core._choice, core._facts, now(), core._gpc());
