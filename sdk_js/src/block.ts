/** Blocking: what belongs to a purpose stays inert until it is granted, and then runs exactly once, in order. */
import { quietly } from "./page";
import { core } from "./state";

const done = new WeakSet<Node>();
let scripts: HTMLScriptElement[] = [];
let running = false;

/** Watches the page from now on; elements may come at any time, before the choice and after. */
export const watch = (): void =>
  new MutationObserver((records) => {
    for (const { addedNodes } of records) for (const node of addedNodes) if (node instanceof Element) release(node);
  }).observe(document, { childList: true, subtree: true });

/** Lets loose what is granted now, under `root`. */
export function release(root: ParentNode = document): void {
  for (const element of [root, ...root.querySelectorAll("[data-purpose]")] as HTMLElement[]) {
    const purposes = element.dataset?.purpose?.split(" ");
    if (!purposes || done.has(element) || !purposes.every((id) => core._granted.has(id))) continue;
    done.add(element);
    const entry = { _element: element, _purposes: purposes, _nodes: [] as Node[], _before: element.cloneNode(true) };
    if (element instanceof HTMLTemplateElement) {
      const content = document.importNode(element.content, true);
      entry._nodes = [...content.childNodes];
      // Its scripts queue like all others, instead of running as they come.
      const inner = [...content.querySelectorAll("script")].filter((script) => !script.dataset.purpose);
      for (const script of inner) {
        script.dataset.type = script.type;
        script.type = "text/plain";
      }
      element.after(content);
      scripts.push(...inner);
    } else if (element instanceof HTMLScriptElement) {
      if (element.type != "text/plain") continue;
      scripts.push(element);
    } else for (const name of ["src", "srcset", "poster"]) if (name in element.dataset) element.setAttribute(name, element.dataset[name]!);
    core._released.push(entry);
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
    if (!script.async && (script.src || script.type)) {
      running = true;
      script.onload = script.onerror = () => {
        running = false;
        runScripts();
      };
    }
    quietly(() => script.replaceWith(script));
  }
}
