/** The page we are a guest of: its cookies and storage, which may be missing or throw. */
import { doc } from "./natives";

/** Runs `work`; whatever it throws is ours to swallow, never the page's. */
export function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {}
  return;
}

/** Name and value of every cookie in sight, duplicates included. */
export const cookies = (): string[][] => (quietly(() => doc.cookie) || "").split("; ").map((pair) => pair.split(/=([^]*)/));

/**
 * A UUID, also where the page is no secure context and `crypto.randomUUID` is missing. Random (v4), unless `head` says
 * how it begins.
 */
export const uuid = (head = "xxxxxxxx-xxxx-4"): string =>
  `${head}xxx-8xxx-xxxxxxxxxxxx`.replace(/x/g, () => (crypto.getRandomValues(new Uint8Array(1))[0]! & 15).toString(16));

declare global {
  interface Window {
    dongui?: unknown;
    dataLayer?: unknown[] & { dongui?: string };
  }
}
