/** extras.js: loaded where something is granted and the site asks for more than page views (`data-track="links forms …"`). */
import { core } from "../ui/core";
import { scroll, time } from "./attention";
import { forms } from "./forms";
import { links } from "./links";
import { missing } from "./missing";

const extras: Record<string, () => unknown> = { links, forms, scroll, time, missing, vitals: () => core._load("vitals") };
for (const name of (core._options.track ?? "").split(/\s+/)) core._quietly(() => Object.hasOwn(extras, name) && extras[name]!());
