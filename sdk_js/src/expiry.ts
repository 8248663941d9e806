/** Removing a cookie whose domain and path nobody tells us: at every level of both. */
import type { Core } from "./state";

/** Every level of a host or a path: `a.b.c` → `a.b.c`, `b.c`, `c`. */
const levels = (whole: string, mark: string, part: (pieces: string[], index: number) => string[]): string[] =>
  whole.split(mark).map((_, index, pieces) => part(pieces, index).join(mark));

/**
 * Removes every copy of a cookie; the one for this host or `domain` and the path `/` stays, where `spared` says so. A
 * removal at a public suffix is ignored by the browser, so no list has to know which those are.
 */
export function expireCookie(core: Core, name: string, spared?: boolean): void {
  const paths = levels(location.pathname, "/", (steps, index) => steps.slice(0, index + 1)).flatMap((path) => [path, `${path}/`]);
  const domains = ["", ...levels(location.hostname, ".", (labels, index) => labels.slice(index)).map((host) => `;Domain=${host}`)];
  const { domain } = core._options;
  for (const path of new Set(paths))
    for (const place of domains)
      for (const kind of [";Secure", "", ";Secure;SameSite=None;Partitioned"])
        if (!spared || path != "/" || place != (domain ? `;Domain=${domain}` : "") || kind.includes("Part"))
          core._quietly(() => (core._doc.cookie = `${name}=;Max-Age=0;Path=${path}${place}${kind}`));
}
