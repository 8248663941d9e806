/** Which purpose a cookie serves, and whether it may be set. Pure; `dongui.rules.cookies` is the Python twin. */
import type { DeclaredCookie, Policy } from "./types";

/** Whether a text fits a glob: `*` stands for any characters, the rest for itself, case included. */
export const matches = (glob: string, text: string): boolean =>
  RegExp(`^${glob.replace(/\W/g, "\\$&").replaceAll("\\*", "[^]*")}$`).test(text);

/** The first declaration whose glob fits the name. */
export const declaration = (name: string, policy: Policy): DeclaredCookie | undefined =>
  policy.cookies.find((cookie) => matches(cookie.name, name));

/** What stands in place of a purpose for cookies that need none; no purpose can have this id. */
const NECESSARY = "(necessary)";

/** The purpose of a cookie: `"dongui"` for our own two under any of their names, `NECESSARY` for one that nobody is asked for, undefined when no entry declares it. */
export function classify(name: string, policy: Policy): string | undefined {
  if (/^(__(Host|Secure)-)?dongui(_frame)?(_id)?$/.test(name)) return "dongui";
  const cookie = declaration(name, policy);
  return cookie && (cookie.purpose ?? NECESSARY);
}

/** Whether a cookie may be set now: undeclared ones pass unless `strict`; a purpose without need of consent needs no grant. */
export function cookieVerdict(name: string, granted: ReadonlySet<string>, policy: Policy, strict = false): "pass" | "drop" | "undeclared" {
  const purpose = classify(name, policy);
  if (!purpose) return strict ? "drop" : "undeclared";
  if (purpose == "dongui" || purpose == NECESSARY || granted.has(purpose)) return "pass";
  return (policy.purposes[purpose]?.basis ?? "consent") == "consent" ? "drop" : "pass";
}
