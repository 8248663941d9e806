/**
 * Part of the stub: what a script makes, in whatever way, with an address that the policy declares for a purpose, waits for
 * that purpose before anything is asked for. Where an element gets its address it is held in the same task, since browsers
 * ask at the task's end at the latest.
 */
import { native } from "../natives";

type Win = Window & typeof globalThis;
type Method = (this: any, ...given: any[]) => any;

/** Elements with an address that is asked for, and where they carry it. */
const ADDRESSES: Record<string, string[]> = {
  __proto__: null as never,
  script: ["src"],
  iframe: ["src", "srcdoc"],
  img: ["src", "srcset"],
  source: ["src", "srcset"],
  video: ["src", "poster"],
  audio: ["src"],
  embed: ["src"],
  object: ["data"],
  input: ["src"],
};
const CLASSES = { Script: "src", IFrame: "src srcdoc", Image: "src srcset", Source: "src srcset", Media: "src", Video: "poster", Embed: "src", Object: "data", Input: "src" };
const TAGS = Object.keys(ADDRESSES).join();
const RAW = /^(script|style|textarea|title|xmp|iframe|noembed|noframes|noscript|plaintext|template)$/;

/** What was held that a script of the page had made: under a strict policy the page trusts it as it trusts that script. */
export const held = new WeakSet<Node>();

/** Holds on the page and in every frame that shares its origin; `purposeOf` knows the addresses that wait now, `within` finds one in markup. */
export function holdAll(purposeOf: (address: string) => string | undefined, within: (markup: string) => string | undefined): void {
  const known = new WeakSet<object>();
  const owners = new WeakMap<NamedNodeMap, Element>();
  const wanted = (name: string, value: string): string | undefined =>
    name == "srcdoc" ? within(value) : (name == "srcset" ? value.split(/,?\s+/) : [value]).map(purposeOf).find(Boolean);

  /** Whether the value waits; then it lies in `data-…`, but a script's stays and its type waits. */
  function hold(element: Element, name: string, value: string, made?: boolean): boolean {
    if (!ADDRESSES[element.localName]?.includes(name) || (element.hasAttribute("data-purpose") && !held.has(element))) return false;
    const purpose = wanted(name, value);
    if (!purpose) return false;
    if (made) held.add(element);
    const script = element.localName == "script";
    if (script && element.getAttribute("type") != "text/plain") {
      element.setAttribute("data-type", element.getAttribute("type") ?? "");
      element.setAttribute("type", "text/plain");
    }
    element.setAttribute("data-purpose", purpose);
    if (!script) element.setAttribute(`data-${name}`, value);
    return !script;
  }

  /** Holds what of a tree waits; a node without elements in it has nothing. */
  function holdWithin(root: Node, made?: boolean): boolean {
    let some = false;
    // None that carries an address has fields or named elements, so that what is asked of it answers itself.
    for (const element of [root, ...(native(root as Element).querySelectorAll?.(TAGS) ?? [])] as Element[])
      for (const name of ADDRESSES[element.localName] ?? []) {
        const value = element.getAttribute(name);
        if (value == null) continue;
        if (hold(element, name, value, made)) element.removeAttribute(name), (some = true);
        else some ||= held.has(element);
      }
    return some;
  }

  /** Puts another in the place of a method, or of a property's setter or getter. */
  function replace(owner: any, name: string, kind: "value" | "set" | "get", make: (real: Method) => Method): void {
    const descriptor = owner && Object.getOwnPropertyDescriptor(owner, name);
    if (descriptor?.[kind]) Object.defineProperty(owner, name, { ...descriptor, [kind]: make(descriptor[kind]) });
  }

  /** Markup is parsed where nothing loads first; only if some of it waits does that take the place of what was set. */
  const parsed = (context: Element | ShadowRoot, markup: unknown, set: Method): DocumentFragment | undefined => {
    const { localName = "", namespaceURI = "", ownerDocument } = native(context as Element);
    if (RAW.test(localName) || namespaceURI?.endsWith("svg") || !/[\s"'/](src|srcset|srcdoc|data|poster)\s*=/i.test(`${markup}`)) return;
    const template = native(ownerDocument).createElement("template");
    set.call(template, markup);
    return holdWithin(template.content, true) ? template.content : undefined;
  };

  function install(win: Win): void {
    if (known.has(win.Element)) return;
    known.add(win.Element);
    const { prototype: element } = win.Element;
    const { prototype: root } = win.ShadowRoot;
    const inner = Object.getOwnPropertyDescriptor(element, "innerHTML")!.set!;
    for (const [kind, names] of Object.entries(CLASSES))
      for (const name of names.split(" "))
        replace((win as any)[`HTML${kind}Element`].prototype, name, "set", (real) => function (value) {
          hold(this, name, `${value}`, true) || real.call(this, value);
        });
    replace(element, "setAttribute", "value", (real) => function (name, value) {
      return hold(this, `${name}`.toLowerCase(), `${value}`, true) ? undefined : real.call(this, name, value);
    });
    replace(element, "setAttributeNS", "value", (real) => function (space, name, value) {
      return !space && hold(this, `${name}`, `${value}`, true) ? undefined : real.call(this, space, name, value);
    });
    for (const name of ["setAttributeNode", "setAttributeNodeNS"])
      replace(element, name, "value", (real) => function (attribute: Attr) {
        return hold(this, attribute.name, attribute.value, true) ? null : real.call(this, attribute);
      });
    // The list of attributes does not say whose it is.
    replace(element, "attributes", "get", (real) => function () {
      const list = real.call(this);
      owners.set(list, this);
      return list;
    });
    for (const name of ["setNamedItem", "setNamedItemNS"])
      replace(win.NamedNodeMap.prototype, name, "value", (real) => function (attribute: Attr) {
        const owner = owners.get(this);
        return owner && hold(owner, attribute.name, attribute.value, true) ? null : real.call(this, attribute);
      });
    for (const [owner, name] of [[win.Attr, "value"], [win.Node, "nodeValue"], [win.Node, "textContent"]] as const)
      replace(owner.prototype, name, "set", (real) => function (value) {
        const of = this.nodeType == 2 && this.ownerElement;
        of && hold(of, this.name, `${value}`, true) || real.call(this, value);
      });
    for (const owner of [element, root])
      for (const [name, kind] of [["innerHTML", "set"], ["setHTMLUnsafe", "value"]] as const)
        replace(owner, name, kind, (real) => function (markup, ...more) {
          const fragment = parsed(this, markup, inner);
          return fragment ? native(this).replaceChildren(fragment) : real.call(this, markup, ...more);
        });
    replace(element, "outerHTML", "set", (real) => function (markup) {
      const { parentNode, replaceWith } = native(this as Element);
      const fragment = parentNode && parsed(parentNode as Element, markup, inner);
      return fragment ? replaceWith(fragment) : real.call(this, markup);
    });
    replace(element, "insertAdjacentHTML", "value", (real) => function (where: string, markup) {
      const fragment = parsed(/^(beforebegin|afterend)$/i.test(where) ? native(this).parentNode : this, markup, inner);
      if (!fragment) return real.call(this, where, markup);
      const put = { beforebegin: "before", afterbegin: "prepend", beforeend: "append", afterend: "after" }[where.toLowerCase()]!;
      return native(this)[put](fragment);
    });
    // What comes out of these is not on the page yet.
    for (const [owner, name] of [[win.Range, "createContextualFragment"], [win.DOMParser, "parseFromString"], [win.Node, "cloneNode"], [win.Document, "importNode"]] as const)
      replace(owner.prototype, name, "value", (real) => function (...given) {
        const made = real.apply(this, given);
        holdWithin(made, true);
        return made;
      });
    // A frame without an address of its own is there at once, with prototypes of its own.
    const inside = Object.getOwnPropertyDescriptor(win.HTMLIFrameElement.prototype, "contentWindow")!.get!;
    for (const name of ["contentWindow", "contentDocument"])
      replace(win.HTMLIFrameElement.prototype, name, "get", (real) => function () {
        enter(inside.call(this));
        return real.call(this);
      });
    observer.observe(win.document, { childList: true, subtree: true });
  }
  function enter(win: Win | null): void {
    try {
      if (win?.document) install(win);
    } catch {}
  }
  // What the parser makes, and what found another way.
  const observer = new MutationObserver((records) => {
    for (const { addedNodes } of records)
      for (const node of addedNodes) {
        holdWithin(node);
        for (const frame of [node as Element, ...(native(node as Element).querySelectorAll?.("iframe") ?? [])]) if (frame.localName == "iframe") void (frame as HTMLIFrameElement).contentWindow;
      }
  });
  install(window);
}
