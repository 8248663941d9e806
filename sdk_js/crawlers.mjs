// Writes what tells crawlers from people, from isbot's maintained list, in a form that Python and JavaScript read alike.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { list } from "isbot";

const here = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(join(here, "node_modules", "isbot", "package.json"), "utf8"));
/** What the list finds by an address in the agent alone, or not at all. */
const OURS = ["daumoa", "kakaotalk-scrap", "lighthouse", "yeti/", "yeti-"];

// A plain word is looked for as one, which costs Python a fiftieth of an alternation.
const word = (pattern) => (/^(\\?[\w /\-.;@])+$/.test(pattern) && !/\\[bdws]/.test(pattern) ? [pattern.replace(/\\/g, "")] : []);
// Python's look-behinds have one width: `(?<!a|bc)` is `(?<!a)(?<!bc)`.
const portable = (pattern) => pattern.replace(/\(\?<!([^()]*\|[^()]*)\)/g, (_, parts) => parts.split("|").map((part) => `(?<!${part})`).join("")).replace(/\\\//g, "/").replace("\\d-.", "\\d.-");
const rest = list.filter((pattern) => !word(pattern)[0]).map(portable);

const file = {
  source: `isbot ${version} (Unlicense), and words of our own; written by sdk_js/crawlers.mjs`,
  words: [...new Set([...list.flatMap(word), ...OURS])].sort(),
  starts: rest.filter((pattern) => pattern.startsWith("^")).map((pattern) => pattern.slice(1)),
  patterns: rest.filter((pattern) => !pattern.startsWith("^")),
};
writeFileSync(process.argv[2] ?? join(here, "..", "python_sdk", "dongui", "rules", "crawlers.json"), `${JSON.stringify(file, null, 1)}\n`);
