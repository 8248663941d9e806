/** release.js: what is granted is let loose, exactly once, in the order of the page. Loaded where something may wait. */
import { core } from "../ui/core";
import { explain } from "./explain";
import { allowed, fit } from "./markup";
import { follow, waiting } from "./roots";
import { hasStarted, isScript, run, runScripts, startable } from "./scripts";

const SOURCES = ["src", "srcset", "poster", "data", "srcdoc"];
const RUNS = /^\s*(|module|importmap|speculationrules|(text|application)\/(x-)?(java|ecma)script)\s*$/i;
const done = new WeakSet<Node>();

/** The purposes that an element names: tokens, as in every list of HTML's. */
const purposesOf = (element: Element): string[] => element.getAttribute("data-purpose")!.split(/\s+/).filter(Boolean);

/** Whether all purposes are granted; what can never go says so. */
function free(element: Element, purposes: string[]): boolean {
  const { _facts: facts, _granted: granted, _known: known } = core;
  for (const id of known ? purposes : []) {
    const purpose = Object.hasOwn(facts.purposes, id) && facts.purposes[id];
    if (!purpose || purpose.basis != "consent") explain(element, purpose ? "basis" : "unknown", id);
  }
  if (!purposes[0]) explain(element, "empty");
  return !!purposes[0] && purposes.every((id) => granted.has(id));
}

/** Where the snippet's own tag carries a nonce, only what carries it too may bring code; what the stub held was a script's own doing. */
const trusted = (element: HTMLElement): boolean => !core._nonce || element.nonce == core._nonce || !!core._held?.has(element) || explain(element, "nonce");

function template(element: HTMLTemplateElement): Node[] | undefined {
  if (!trusted(element)) return;
  const copy = element.content.cloneNode(true) as DocumentFragment;
  // Its scripts queue like all others, instead of running as they come.
  const scripts = fit(copy).filter((script) => trusted(script) || script.remove());
  const nodes: Node[] = [...copy.childNodes];
  element.after(copy);
  for (const script of scripts) {
    done.add(script);
    run(script);
  }
  return nodes;
}

function sources(element: Element): Node[] {
  for (const name of SOURCES) {
    const value = element.getAttribute(`data-${name}`);
    if (value && allowed(element, name, value)) element.setAttribute(name, value);
  }
  // A film looks at its sources only once.
  const { parentElement } = element;
  if (element.localName == "source" && parentElement) core._native(parentElement as HTMLMediaElement).load?.();
  return [];
}

/** What of the element stands on the page from now on; nothing where it cannot go yet. */
function letLoose(element: Element): Node[] | undefined {
  if (isScript(element)) {
    const type = element.dataset.type ?? "";
    if (!RUNS.test(type)) explain(element, "type", type);
    return startable(element) && trusted(element) ? run(element, () => done.delete(element)) : undefined;
  }
  if (element.localName == "template") return template(element as HTMLTemplateElement);
  if (element.localName == "script" && !("text" in element)) return void explain(element, "markup", "svg script");
  if (element.localName == "script") return void explain(element, RUNS.test((element as HTMLScriptElement).type) ? "live" : "type", (element as HTMLScriptElement).type);
  return sources(element);
}

core._release = () => {
  for (const element of waiting()) {
    const purposes = purposesOf(element);
    if (done.has(element) || hasStarted(element) || !free(element, purposes)) continue;
    core._quietly(() => {
      const before = element.cloneNode(true);
      // First: what it brings may call us again while it comes.
      done.add(element);
      const nodes = letLoose(element);
      if (!nodes) return void done.delete(element);
      core._released.push([element as HTMLElement, purposes, nodes, before]);
    });
  }
  runScripts();
};

core._observer.disconnect();
follow(() => core._release());
core._release();
