import { core } from "../ui/core";

/** Why an element does not run, or not as its author thinks; the words are in diagnostics.js. */
export type Reason = "unknown" | "basis" | "empty" | "live" | "type" | "address" | "markup" | "nonce" | "csp" | "late";

const explained = new Set<string>();

/** Tells the developer in the console, each thing once; the text is loaded for it. Answers false, so that a rule can end with it. */
export function explain(element: Element, reason: Reason, detail = ""): false {
  const { localName, getAttribute, textContent } = core._native(element);
  const key = [reason, detail, localName, getAttribute("src") ?? textContent!.slice(0, 99)].join();
  if (!explained.has(key)) {
    explained.add(key);
    void core._load("diagnostics").then(() => core._explain?.(core._native(element), reason, detail));
  }
  return false;
}
