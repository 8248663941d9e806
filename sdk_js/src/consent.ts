/** The choice: learned, judged, agreed with other tabs. What changes it is in change.ts, loaded when it is needed. */
import type { ConsentState } from "./api";
import { cookieValues } from "./page";
import { choiceStands, effectivePurposes, newestChoice } from "./rules/consent";
import { gpc } from "./signals";
import { core, type NoticePurpose } from "./state";

let learning: Promise<void> | undefined;

const now = (): number => Date.now() / 1000;

export const consentPurposes = (): string[] => Object.keys(core._facts.purposes).filter((id) => core._facts.purposes[id]!.basis == "consent");
core._state = (): ConsentState => Object.fromEntries(consentPurposes().map((id) => [id, core._granted.has(id)]));

/** Whether nobody has to be asked: a choice stands, and none of its grants is due to be confirmed again. */
export const answered = (): boolean => {
  const { _choice: choice, _facts: facts } = core;
  return choiceStands(choice, facts, now()) && !choice.granted.some((id) => now() >= choice.at + (facts.purposes[id]?.reconfirm_seconds ?? Infinity));
};

/** Fetches the notice. Several may want it at once; a failure is forgotten, so that the next one tries again. */
core._learn = (cache = "default") =>
  (learning ||= fetch(
    `${core._options.base}/v1/notice?site=${core._options.site}&lang=${core._options.lang || document.documentElement.lang || navigator.language}`,
    { cache },
  )
    .then((answer) => answer.json())
    .then((told) => {
      core._facts = { ...told, purposes: Object.fromEntries(told.purposes.map((purpose: NoticePurpose) => [purpose.id, purpose])) };
    })
    .finally(() => (learning = undefined)));

core._read = () => {
  core._choice = newestChoice([core._memory, ...cookieValues("dongui")]);
  return choiceStands(core._choice, core._facts, now()) ? core._choice.granted : [];
};

/** Looks at the cookie again and acts on what it says. */
export async function look(): Promise<void> {
  core._facts || (await core._learn());
  core._read();
  if (core._choice && !core._facts.accepts.includes(core._choice.version)) await core._learn("no-cache");
  core._deciding || core._judge();
}

/** What the choice is worth now; answers what it no longer is, or nothing where nothing has changed. */
export function judge(): string[] | undefined {
  const before = core._known ? core._granted : new Set(core._choice?.granted);
  core._granted = effectivePurposes(core._choice, core._facts, now(), gpc());
  const lost = [...before].filter((id) => !core._granted.has(id));
  if (!core._known || lost[0] || before.size < core._granted.size) return lost;
  return;
}

/** Other tabs (a decision writes to storage), the back/forward cache and other scripts change the cookie behind our back. */
export function watchChoice(): void {
  for (const type of ["storage", "pageshow", "visibilitychange"]) addEventListener(type, core._look, true);
}
