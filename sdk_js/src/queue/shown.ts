/** How the question was put that is answered: the layout, and a digest of the words; for the consent record (W4). */
import type { Entry } from "../queue";
import { core } from "../ui/core";

/**
 * The first 64 bits of the SHA-256 of the words as JSON, in hexadecimal. Browsers have no digest where the page is no secure
 * context; the record goes without it there.
 */
core._digest = async () => {
  const { _shown: shown } = core;
  const bytes = shown && (await crypto.subtle?.digest("SHA-256", new TextEncoder().encode(core._json(shown.words))));
  if (bytes) shown.catalog = [...new Uint8Array(bytes, 0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
};

// Whoever answers at once has the words on record as well: nothing of queue.js is there before.
await core._digest().catch(() => {});

/** What the page asks for by itself it has asked for in words of its own. */
export function shown(method: string): Pick<Entry, "layout" | "catalog"> {
  if (method == "api" || !core._shown) return {};
  const { layout, catalog } = core._shown;
  return catalog ? { layout, catalog } : { layout };
}
