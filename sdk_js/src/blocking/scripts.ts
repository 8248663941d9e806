/** Scripts run one after the other, as the parser would run them; only `async` ones keep nobody waiting. */
import { core, doc } from "../ui/core";
import { explain } from "./explain";

interface Waiting {
  script: HTMLScriptElement;
  /** What stands on the page for it once it runs. */
  nodes: Node[];
  /** Called instead where the page has taken it out meanwhile. */
  gone: () => void;
}
type Wrap = (text: string) => string;
interface Wraps {
  createScript: Wrap;
  createScriptURL: Wrap;
}

/** How long one script may keep the others waiting. */
const PATIENCE = 3000;
const OWN = /^(on.*|data-purpose|data-type|data-src|type|src|nonce)$/;
const plain: Wraps = { createScript: String, createScriptURL: String };

const queue: Waiting[] = [];
const pending = new Map<string, Element>();
const started = new WeakSet<Node>();
let busy = false;

const address = (script: Element): string | null => script.getAttribute("src") || script.getAttribute("data-src");

/** Whether it is a script of ours to start: inert by its type, whatever its case, or without an address until now. */
export const isScript = (element: Element): element is HTMLScriptElement =>
  element.localName == "script" && "text" in element && (/^\s*text\/plain\s*$/i.test(element.getAttribute("type") ?? "") || (!element.hasAttribute("src") && element.hasAttribute("data-src")));

/** Its address or its text may come after it. */
export const startable = (script: HTMLScriptElement): unknown => address(script) || script.text.trim();

export const hasStarted = (node: Node): boolean => started.has(node);

/** Puts a script into the queue, and answers what will stand on the page for it. */
export function run(script: HTMLScriptElement, gone = (): void => {}): Node[] {
  const nodes: Node[] = [];
  queue.push({ script, nodes, gone });
  return nodes;
}

/** Scripts that came by `innerHTML` or JSX never start, so a new one takes the place; its events are told to the old one. */
function successor(script: HTMLScriptElement, rules: Wraps): HTMLScriptElement {
  const fresh = core._native(script.ownerDocument).createElement("script");
  for (const { name, value } of script.attributes) if (!OWN.test(name)) fresh.setAttribute(name, value);
  fresh.type = script.dataset.type ?? "";
  fresh.nonce = script.nonce!;
  const src = address(script);
  if (src) fresh.src = rules.createScriptURL(src);
  fresh.text = rules.createScript(script.text);
  for (const type of ["load", "error"]) fresh.addEventListener(type, () => script.dispatchEvent(new Event(type)));
  return fresh;
}

/**
 * Under Trusted Types a new script needs a policy: the page's default one, or ours, if the page allows it by its name.
 * Without either the old one is put in again with its type, which starts it unless it came by `innerHTML`.
 */
function revived(script: HTMLScriptElement): HTMLScriptElement {
  const { trustedTypes } = window as { trustedTypes?: { defaultPolicy: unknown; createPolicy(name: string, rules: Wraps): Wraps } };
  const fresh = core._quietly(() => successor(script, plain)) ?? core._quietly(() => (trustedTypes!.defaultPolicy ? undefined : successor(script, (policy ??= trustedTypes!.createPolicy("dongui", plain)))));
  if (fresh) return fresh;
  script.type = script.dataset.type ?? "";
  script.async = true;
  return script;
}
let policy: Wraps | undefined;

function start({ script, nodes }: Waiting): void {
  // The queue keeps the order; the browser's own would let one that never comes hold up all behind it.
  const patient = !script.hasAttribute("async");
  const live = revived(script);
  started.add(live);
  nodes.push(live);
  if (live.src) pending.set(live.src, live);
  if (live.src && patient) {
    busy = true;
    const go = (event?: Event): void => {
      if (!event) explain(live, "late");
      pending.delete(live.src);
      clearTimeout(timer);
      if (current != live) return;
      busy = false;
      runScripts();
    };
    const timer = setTimeout(go, PATIENCE);
    current = live;
    live.addEventListener("load", go);
    live.addEventListener("error", go);
  }
  core._quietly(() => (live == script ? script.replaceWith(script) : script.after(live)));
}
/** The script that the others wait for. */
let current: Node | undefined;

export function runScripts(): void {
  while (!busy && queue[0]) {
    const next = queue.shift()!;
    if (next.script.isConnected) start(next);
    else next.gone();
  }
}

doc.addEventListener("securitypolicyviolation", ({ target, blockedURI, effectiveDirective }) => {
  const script = started.has(target as Node) ? (target as Element) : pending.get(blockedURI);
  if (script) explain(script, "csp", effectiveDirective);
});
