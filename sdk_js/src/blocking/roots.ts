/** Where on a page something may wait: the document, open shadow trees, and frames without an address of their own. */
import { core } from "../ui/core";

type Root = Document | ShadowRoot;

const WATCHED = { childList: true, subtree: true, attributeFilter: ["data-purpose", "data-src", "data-srcset", "type", "src"] };
const roots = new Set<Root>();

const alive = (root: Root): unknown => ("host" in root ? root.host.isConnected : root.defaultView);

/** Everything that carries purposes, in the order of the page. A form is nothing that waits, and its fields may shadow what is read of it. */
export function* waiting(): Generator<Element> {
  for (const root of roots)
    if (alive(root)) yield* core._native(root).querySelectorAll("[data-purpose]:not(form)");
    else roots.delete(root);
}

/** Follows the page and all that is in it or comes into it; `changed` is called at every change. */
export function follow(changed: () => void): void {
  const observer = new MutationObserver((records) => {
    for (const { addedNodes } of records) addedNodes.forEach(discover);
    changed();
  });
  function discover(node: Node): void {
    const within = node.nodeType == 3 ? [] : core._native(node as Element).querySelectorAll?.(":not(form)") ?? [];
    for (const element of [node as Element, ...within]) {
      if (element.shadowRoot instanceof ShadowRoot && !/^dongui-/.test(element.localName)) join(element.shadowRoot);
      if (element.localName == "iframe") enter(element as HTMLIFrameElement);
    }
  }
  /** A frame with an address is a page with a snippet of its own, or with none. */
  function enter(frame: HTMLIFrameElement): void {
    const inner = core._quietly(() => frame.contentDocument);
    if (inner && core._native(inner).URL.startsWith("about:") && !Object.hasOwn(inner.defaultView!, "dongui")) join(inner);
  }
  function join(root: Root): void {
    if (roots.has(root)) return;
    roots.add(root);
    observer.observe(root, WATCHED);
    core._native(root).addEventListener(
      "load",
      ({ target }) => {
        if ((target as Element).localName != "iframe") return;
        enter(target as HTMLIFrameElement);
        changed();
      },
      true,
    );
    discover(root);
  }
  const { attachShadow } = Element.prototype;
  Element.prototype.attachShadow = function (init) {
    const root = attachShadow.call(this, init);
    if (init.mode == "open" && this.isConnected) core._quietly(() => join(root));
    return root;
  };
  join(document);
}
