/** Removing what a purpose that is not granted has left behind in this browser. */
import { cookies, quietly } from "./page";
import { classify } from "./rules/cookies";
import type { Policy } from "./rules/types";

/** Every suffix of the host, the public ones too: the browser ignores a removal there, and no list has to know which they are. */
function domains(): string[] {
  const labels = location.hostname.split(".");
  return ["", ...labels.map((_, index) => `;Domain=${labels.slice(index).join(".")}`)];
}

/** Every level of the path, with and without its slash. */
function paths(): string[] {
  const steps = location.pathname.split("/").slice(1);
  return ["/", ...steps.flatMap((_, index) => {
    const path = `/${steps.slice(0, index + 1).join("/")}`;
    return [path, `${path}/`];
  })];
}

/** Removes the declared cookies and storage keys of every consent purpose outside `granted`. */
export function clearCookies(granted: ReadonlySet<string>, policy: Policy): void {
  const unwanted = (name: string): boolean => {
    const purpose = classify(name, policy);
    return !!purpose && policy.purposes[purpose]?.basis == "consent" && !granted.has(purpose);
  };
  for (const name of new Set(cookies().map((pair) => pair[0])))
    if (unwanted(name))
      for (const domain of domains())
        for (const path of paths()) quietly(() => (document.cookie = `${name}=;Max-Age=0;Path=${path}${domain}`));
  for (const kind of ["localStorage", "sessionStorage"] as const)
    quietly(() => Object.keys(window[kind]).filter(unwanted).forEach((key) => window[kind].removeItem(key)));
}
