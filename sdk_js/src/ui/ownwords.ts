/** The site's own words (`data-words`). What is no text there is left out and named in the console: the catalog's word stands. */
import { core } from "./core";

const fits = (name: string, value: unknown): unknown => (value?.constructor == (name ? String : Object) ? value : void core._complain("words"));

export const ownWords = (): Record<string, string> => core._quietly(() => JSON.parse(core._options.words || "{}", fits)) || (core._complain("words") as {});
