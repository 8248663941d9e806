/** personal.js: finds what names a person in addresses and texts. Loaded where something is recorded, or about to be asked for. */
import { scrubText } from "./rules/personal";
import { core } from "./ui/core";

core._useScrub(scrubText);
core._scrubs = true;
