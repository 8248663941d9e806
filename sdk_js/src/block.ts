/** Blocking: what belongs to a purpose stays inert until it is granted, and then runs exactly once, in order. */
import { doc } from "./natives";
import { quietly } from "./page";
import { core } from "./state";

/** A script, a template, or anything with a source. */
type Inert = HTMLScriptElement & { content?: DocumentFragment };

const INERT = "text/plain";
const done = new WeakSet<Node>();
let scripts: HTMLScriptElement[] = [];
let running = false;

/** Watches the page from now on; elements may come at any time, before the choice and after. */
export const watch = (): void =>
  new MutationObserver(release).observe(document, { childList: true, subtree: true });

/** Lets loose what is granted now. */
export function release(): void {
  for (const element of doc.querySelectorAll<Inert>("[data-purpose]")) {
    const { dataset, content } = element;
    const purposes = dataset.purpose!.split(" ");
    if (done.has(element) || !purposes.every((id) => core._granted.has(id))) continue;
    done.add(element);
    const before = element.cloneNode(true);
    const nodes: Node[] = [];
    if (content) {
      const copy = content.cloneNode(true) as DocumentFragment;
      nodes.push(...copy.childNodes);
      // Its scripts queue like all others, instead of running as they come.
      for (const script of copy.querySelectorAll<HTMLScriptElement>("script:not([data-purpose])")) {
        script.dataset.type = script.type;
        script.type = INERT;
        scripts.push(script);
      }
      element.after(copy);
    } else if (element.type == INERT) scripts.push(element);
    else for (const name of ["src", "srcset", "poster"]) if (dataset[name]) (element as any)[name] = dataset[name];
    core._released.push([element, purposes, nodes, before]);
  }
  runScripts();
}

/** One after the other, as the parser would; only `async` scripts do not keep the others waiting. */
function runScripts(): void {
  while (!running && scripts[0]) {
    const script = scripts.shift()!;
    // It never started, so that with another type it does, once it is put in again; its nonce stays its own.
    script.type = script.dataset.type ?? "";
    script.async = script.hasAttribute("async");
    // One that the page has taken out meanwhile will never load.
    if (script.src && !script.async && script.isConnected) {
      running = true;
      script.onload = script.onerror = () => {
        running = false;
        runScripts();
      };
    }
    quietly(() => script.replaceWith(script));
  }
}
