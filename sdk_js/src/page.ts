/** The page we are a guest of: its cookies and storage, which may be missing or throw. */
import type { Options } from "./api";

export let options: Options;
/** Whether the collector is mounted on the site's own origin; then the visitor id is an HttpOnly cookie that we cannot read. */
export let sameOrigin: boolean;

export function configure(given: Options): void {
  options = given;
  trust();
  sameOrigin = new URL(given.base, location.href).origin == location.origin;
}

interface TrustedPolicy {
  createScriptURL(text: string): string;
  createScript(text: string): string;
}
let trusted: TrustedPolicy | undefined;

/** Under Trusted Types a page lists the policy `dongui`; what it lets through was in the page, or is our own. */
export function trust(): void {
  const factory = (window as { trustedTypes?: { createPolicy(name: string, rules: object): TrustedPolicy } }).trustedTypes;
  trusted = quietly(() => factory?.createPolicy("dongui", { createScriptURL: String, createScript: String }));
}
export const trustedUrl = (url: string): string => trusted?.createScriptURL(url) ?? url;
export const trustedScript = (text: string): string => trusted?.createScript(text) ?? text;

/** Runs `work`; whatever it throws is ours to swallow, never the page's. */
export function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** Names and values of every cookie in sight, duplicates included. */
export const cookies = (): [string, string][] =>
  (quietly(() => document.cookie) || "").split("; ").filter(Boolean).map((pair) => {
    const at = pair.indexOf("=");
    return at < 0 ? ["", pair] : [pair.slice(0, at), pair.slice(at + 1)];
  });

export const cookieValues = (name: string): string[] => cookies().filter((pair) => pair[0] == name).map((pair) => pair[1]);

/** Sets a cookie of ours; a `seconds` of 0 removes it. */
export function setCookie(name: string, value: string, seconds: number): void {
  const domain = options.domain ? `;Domain=${options.domain}` : "";
  const secure = location.protocol == "https:" ? ";Secure" : "";
  quietly(() => (document.cookie = `${name}=${value};Max-Age=${seconds};Path=/;SameSite=Lax${domain}${secure}`));
}

/** What is still to be delivered outlives the page here; used only after a choice. */
export const recall = <T>(key: string): T[] => quietly(() => JSON.parse(localStorage.getItem(key) || "[]") as T[]) || [];
export const remember = (key: string, list: unknown[]): void => {
  quietly(() => (list.length ? localStorage.setItem(key, JSON.stringify(list)) : localStorage.removeItem(key)));
};

/** A random UUIDv4, also where the page is no secure context and `crypto.randomUUID` is missing. */
export const uuid = (): string =>
  "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) => (+digit ^ (crypto.getRandomValues(new Uint8Array(1))[0]! & (15 >> (+digit / 4)))).toString(16));

/** The language of the interface: as set, else the page's, else the browser's. */
export const language = (): string => options.lang || document.documentElement.lang || navigator.language || "ko";

declare global {
  interface Window {
    dongui?: unknown;
  }
}
