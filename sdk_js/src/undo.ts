/** Undoing what a purpose that is not granted has left behind in this browser. Part of panel.js. */
import { classify } from "./rules/cookies";
import type { Core } from "./state";

/** Every level of a host or a path: `a.b.c` → `a.b.c`, `b.c`, `c`. */
const levels = (whole: string, mark: string, part: (pieces: string[], index: number) => string[]): string[] =>
  whole.split(mark).map((_, index, pieces) => part(pieces, index).join(mark));

const cookieNames = (core: Core): string[] => (core._quietly(() => core._doc.cookie) || "").split("; ").map((pair) => pair.replace(/=[^]*/, ""));

/**
 * Removes the declared cookies and storage keys of every consent purpose that is not granted, at every level of domain
 * and path. A removal at a public suffix is ignored by the browser, so no list has to know which those are. Answers the
 * names of cookies that are still there: set for a path below, or partitioned.
 */
export function clear(core: Core): string[] {
  const { _facts: facts, _granted: granted } = core;
  // Our own, where a decision left nothing that takes an id: copies of before the domain was shared, or after.
  const anonymous = core._read()?.every((id) => !facts.purposes[id]?.items.includes("cookie"));
  const unwanted = (name: string): boolean | undefined => {
    if (name == "dongui_id") return anonymous;
    const purpose = classify(name, facts)!;
    return facts.purposes[purpose]?.basis == "consent" && !granted.has(purpose);
  };
  const paths = levels(location.pathname, "/", (steps, index) => steps.slice(0, index + 1)).flatMap((path) => [path, `${path}/`]);
  const domains = ["", ...levels(location.hostname, ".", (labels, index) => labels.slice(index)).map((host) => `;Domain=${host}`)];
  for (const name of cookieNames(core).filter(unwanted))
    for (const path of paths)
      for (const domain of domains)
        for (const kind of ["", ";Secure;SameSite=None;Partitioned"]) core._doc.cookie = `${name}=;Max-Age=0;Path=${path}${domain}${kind}`;
  for (const storage of ["localStorage", "sessionStorage"] as const)
    core._quietly(() => Object.keys(window[storage]).filter(unwanted).forEach((key) => window[storage].removeItem(key)));
  return cookieNames(core).filter(unwanted);
}

/** Frames, images and markup are unloaded; a script that has run cannot be, so the page starts anew, once. */
export function takeBack(core: Core): void {
  let reload: unknown;
  core._released = core._released.filter(([element, purposes, nodes, before]) => {
    if (purposes.every((id) => core._granted.has(id))) return true;
    const hook = (window as unknown as Record<string, unknown>)[element.dataset.onWithdraw!];
    if (typeof hook == "function") core._quietly(() => hook());
    reload ||= [element, ...nodes].some((node) => node instanceof Element && (node.matches("script") || node.querySelector("script")));
    for (const node of nodes) node.parentNode?.removeChild(node);
    element.replaceWith(before);
    return false;
  });
  if (reload) location.reload();
}
