/** Blocking: what belongs to a purpose stays inert until it is granted, and then runs exactly once, in order. */
import { quietly, trustedScript, trustedUrl } from "./page";

const SELECTOR = "[data-purpose]";
const SOURCES = ["src", "srcset", "poster"];

const done = new WeakSet<Element>();
let live: ReadonlySet<string> = new Set();
let scripts: HTMLScriptElement[] = [];
let running = false;
/** What was let loose, for the day it is taken back. */
const released: { _purposes: string[]; _takeBack: () => void; _hook: string | null }[] = [];
let reload = false;

/** Watches the page from now on; elements may come at any time, before the choice and after. */
export function watch(): void {
  new MutationObserver((records) => {
    for (const record of records) for (const node of record.addedNodes) if (node instanceof Element) scan(node);
  }).observe(document, { childList: true, subtree: true });
}

/** Lets loose what is granted now, and takes back what no longer is. */
export function release(granted: ReadonlySet<string>): void {
  live = granted;
  for (const entry of released.splice(0))
    if (entry._purposes.every((id) => granted.has(id))) released.push(entry);
    else takeBack(entry);
  if (reload) location.reload();
  scan(document.documentElement);
}

function takeBack(entry: (typeof released)[number]): void {
  const hook = entry._hook && (window as unknown as Record<string, unknown>)[entry._hook];
  if (typeof hook == "function") quietly(() => hook());
  quietly(entry._takeBack);
}

function scan(root: Element): void {
  if (root.matches(SELECTOR)) consider(root as HTMLElement);
  root.querySelectorAll<HTMLElement>(SELECTOR).forEach(consider);
}

function consider(element: HTMLElement): void {
  const purposes = element.dataset.purpose!.trim().split(/\s+/);
  if (done.has(element) || !purposes.every((id) => live.has(id))) return;
  done.add(element);
  let undo = (): void => {};
  if (element instanceof HTMLScriptElement) {
    if (element.type != "text/plain") return;
    scripts.push(element);
    undo = () => (reload = true);
    runScripts();
  } else if (element instanceof HTMLTemplateElement) {
    undo = unfold(element);
  } else {
    const names = SOURCES.filter((name) => element.hasAttribute(`data-${name}`));
    for (const name of names) element.setAttribute(name, element.getAttribute(`data-${name}`)!);
    undo = () => {
      for (const name of names) element.removeAttribute(name);
      done.delete(element);
    };
  }
  released.push({ _purposes: purposes, _takeBack: undo, _hook: element.getAttribute("data-on-withdraw") });
}

/** Puts a template's markup behind it; its scripts queue like all others. Returns the way back. */
function unfold(template: HTMLTemplateElement): () => void {
  const content = document.importNode(template.content, true);
  const nodes = [...content.childNodes];
  const inner = [...content.querySelectorAll("script")].filter((script) => !script.dataset.purpose);
  for (const script of inner) {
    script.dataset.type = script.type;
    script.type = "text/plain";
  }
  template.after(content);
  scripts.push(...inner);
  runScripts();
  return () => {
    nodes.forEach((node) => node.remove());
    done.delete(template);
    reload ||= inner.length > 0;
  };
}

/** One after the other, as the parser would; only `async` scripts do not keep the others waiting. */
function runScripts(): void {
  while (!running && scripts.length) {
    const blocked = scripts.shift()!;
    const script = document.createElement("script");
    for (const { name, value } of blocked.attributes) if (name != "type" && name != "src") script.setAttribute(name, value);
    script.nonce = blocked.nonce;
    if (blocked.dataset.type) script.type = blocked.dataset.type;
    script.async = blocked.hasAttribute("async");
    const next = (): void => {
      running = false;
      runScripts();
    };
    const text = blocked.text;
    if (blocked.hasAttribute("src")) script.src = trustedUrl(blocked.src);
    else script.text = trustedScript(text);
    if (!script.async && (script.src || script.type == "module")) {
      running = true;
      script.onload = script.onerror = next;
    }
    quietly(() => blocked.replaceWith(script));
  }
}
