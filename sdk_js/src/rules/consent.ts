/** The choice cookie and what it is worth. Pure; `dongui.rules.consent` is the Python twin. */
import type { Choice, Policy, Purpose } from "./types";

const SHAPE = /^1~([A-Za-z\d-]+)~([a-z][a-z\d_]*(?:\.[a-z][a-z\d_]*)*)?~(0|[1-9a-z][\da-z]{0,9})$/;
const LONGEST = 4000; // a cookie's name and value share 4096 octets (W6)
const DAY = 86400;

/** The cookie's value: `1~<notice version>~<granted purposes>~<epoch seconds, base36>`. */
export const encodeChoice = (choice: Choice): string =>
  `1~${choice.version}~${choice.granted.join(".")}~${choice.at.toString(36)}`;

/** Reads a cookie's value; anything malformed is no choice at all: one spelling for one choice. */
export function decodeChoice(value: string | null): Choice | null {
  const match = value && value.length <= LONGEST && SHAPE.exec(value);
  if (!match) return null;
  const granted = match[2] ? match[2].split(".") : [];
  if (new Set(granted).size < granted.length) return null;
  return { version: match[1]!, granted, at: parseInt(match[3]!, 36) };
}

/** Host and parent domain may each hold a copy: the newest counts, and of two of the same second the one that grants less. */
export function newestChoice(values: Iterable<string>): Choice | null {
  let newest: Choice | null = null;
  for (const value of values) {
    const choice = decodeChoice(value);
    if (choice && (!newest || choice.at > newest.at || (choice.at == newest.at && choice.granted.length < newest.granted.length)))
      newest = choice;
  }
  return newest;
}

/** Whether the choice was made under a notice that still stands, and is neither expired nor from the future. */
export const choiceStands = (choice: Choice | null, policy: Policy, now: number): choice is Choice =>
  !!choice && policy.accepts.includes(choice.version) && now < choice.at + policy.choice_seconds && choice.at <= now + DAY;

/** The purposes that may act at `now` (epoch seconds); with `gpc`, those that heed the signal drop out (W1). */
export function effectivePurposes(choice: Choice | null, policy: Policy, now: number, gpc: boolean): Set<string> {
  const asks = ({ basis, signals }: Purpose): boolean => basis == "consent" && !(gpc && signals.includes("gpc"));
  return new Set(choiceStands(choice, policy, now) ? choice.granted.filter((id) => policy.purposes[id]?.basis && asks(policy.purposes[id])) : []);
}
