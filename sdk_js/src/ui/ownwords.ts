/** The site's own words (`data-words`); what is no JSON is left out and named in the console. */
import { core } from "./core";

export const ownWords = (): Record<string, string> => core._quietly(() => JSON.parse(core._options.words || "{}")) || (core._complain() as {});
