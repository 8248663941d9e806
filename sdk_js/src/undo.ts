/** Undoing what a purpose that is not granted has left behind in this browser. Part of panel.js. */
import { expireCookie } from "./expiry";
import { classify } from "./rules/cookies";
import type { Core } from "./state";

const cookieNames = (core: Core): string[] => (core._quietly(() => core._doc.cookie) || "").split("; ").map((pair) => pair.replace(/=[^]*/, ""));

/**
 * Removes the declared cookies and storage keys of every consent purpose that is not granted. Answers the names of cookies
 * that are still there: set for a path below, or partitioned.
 */
export function clear(core: Core): string[] {
  const { _facts: facts, _granted: granted } = core;
  // Without the notice nobody knows which are the purpose's.
  if (!facts) return [];
  const unwanted = (name: string): boolean => {
    const purpose = classify(name, facts)!;
    return facts.purposes[purpose]?.basis == "consent" && !granted.has(purpose);
  };
  for (const name of cookieNames(core).filter(unwanted)) expireCookie(core, name);
  for (const storage of ["localStorage", "sessionStorage"] as const)
    core._quietly(() => Object.keys(window[storage]).filter(unwanted).forEach((key) => window[storage].removeItem(key)));
  return cookieNames(core).filter(unwanted);
}

/** Frames, images and markup are unloaded. A script that has run cannot be: answers whether there was one. */
export function takeBack(core: Core): boolean {
  let ran = false;
  core._released = core._released.filter(([element, purposes, nodes, before]) => {
    if (purposes.every((id) => core._granted.has(id))) return true;
    // Only what a script of the page has registered by this name: markup calls no global.
    core._quietly(core._hooks.get(element.dataset.onWithdraw!) ?? (() => {}));
    // Markup may bring forms, whose fields shadow what is read of them.
    const all = [element, ...nodes].map((node) => core._native(node as Element));
    ran ||= all.some((node) => node.matches?.("script") || node.querySelector?.("script"));
    for (const node of all.slice(1)) node.remove();
    element.replaceWith(before);
    return false;
  });
  return ran;
}
