/** The choice cookie and what it is worth. Pure; `dongui.rules.consent` is the Python twin. */
import type { Choice, Policy, Purpose } from "./types";

/** The cookie's value: `1~<notice version>~<granted purposes>~<epoch seconds, base36>`. */
export const encodeChoice = (choice: Choice): string =>
  `1~${choice.version}~${choice.granted.join(".")}~${choice.at.toString(36)}`;

// A notice version, different purposes, a time: one spelling for one choice. The first group finds a purpose named twice.
const SHAPE = /^(?!.*[~.](\w+)\.(\w+\.)*\1[~.])1~([A-Za-z\d-]+)~(([a-z][a-z\d_]*(\.(?!~)|(?=~)))*)~(0|[1-9a-z][\da-z]{0,9})$/;

/** Reads a cookie's value; anything malformed is no choice at all. */
export function decodeChoice(value: string | null): Choice | null {
  const match = SHAPE.exec(value!);
  return match && { version: match[3]!, granted: match[4] ? match[4].split(".") : [], at: parseInt(match[7]!, 36) };
}

/** Host and parent domain may each hold a copy: the newest counts, and of two of the same second the one that grants less. */
export const newestChoice = (values: (string | null)[]): Choice | null =>
  values
    .flatMap((value) => decodeChoice(value) ?? [])
    .sort((one, other) => other.at - one.at || one.granted.length - other.granted.length)[0] ?? null;

/** What several copies of a choice agree on: the newest tells version and time, and each has to grant, so that any refusal wins. */
export function agreedChoice(values: string[]): Choice | null {
  const [newest, ...others] = values.flatMap((value) => decodeChoice(value) ?? []).sort((one, other) => other.at - one.at);
  return newest ? { ...newest, granted: newest.granted.filter((id) => others.every(({ granted }) => granted.includes(id))) } : null;
}

/** Whether the choice was made under a notice that still stands, and is neither expired nor from more than a day ahead. */
export const choiceStands = (choice: Choice | null, policy: Policy, now: number): choice is Choice =>
  !!choice && policy.accepts.includes(choice.version) && now < choice.at + policy.choice_seconds && choice.at <= now + 86400;

/** Whether a purpose is the visitor's to grant: not where the browser's signal says no to it (W1). */
export const grantable = (purpose: Purpose | undefined, gpc: boolean): boolean => purpose?.basis == "consent" && !(gpc && purpose.signals.includes("gpc"));

/** The purposes that may act at `now` (epoch seconds); with `gpc`, those that heed the signal drop out (W1). */
export const effectivePurposes = (choice: Choice | null, policy: Policy, now: number, gpc: boolean): Set<string> =>
  new Set(
    choiceStands(choice, policy, now)
      ? choice.granted.filter((id) => grantable(policy.purposes[id], gpc))
      : [],
  );
