/** Who else gets the data: processors, who act for the controller, and recipients, who act for themselves. */
import type { Recipient } from "../state";
import type { Words } from "./words/words";

/** Rows of what they are called and who they are, in the words of `named`; none where there is nobody. */
export const parties = (all: Recipient[], words: Words, named: (one: Recipient) => string): [string, string][] =>
  (["processor", "recipient"] as const).flatMap((kind) => {
    const some = all.filter((one) => one.kind == kind);
    return some[0] ? [[words[kind], some.map(named).join(", ")]] : [];
  });
