/**
 * Part of the stub: what a script makes, in whatever way, with an address that the policy declares for a purpose, waits for
 * that purpose before anything is asked for. Where an element gets its address it is held in the same task, since browsers
 * ask at the task's end at the latest.
 */

type Win = Window & typeof globalThis;
type Method = (this: any, ...given: any[]) => any;

/** Elements with an address that is asked for, and where they carry it. */
const ADDRESSES: Record<string, string[]> = {
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

  /** Holds what of a tree waits. */
  function holdWithin(root: ParentNode | Element, made?: boolean): boolean {
    let some = false;
    for (const element of ["localName" in root ? root : [], ...root.querySelectorAll(TAGS)].flat() as Element[])
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
    const { localName = "", namespaceURI = "", ownerDocument } = context as Element;
    if (RAW.test(localName) || namespaceURI?.endsWith("svg") || !/[\s"'/](src|srcset|srcdoc|data|poster)\s*=/i.test(`${markup}`)) return;
    const template = ownerDocument.createElement("template");
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
    replace(element, "setAttributeNode", "value", (real) => function (attribute: Attr) {
      return hold(this, attribute.name, attribute.value, true) ? null : real.call(this, attribute);
    });
    for (const owner of [element, root])
      for (const [name, kind] of [["innerHTML", "set"], ["setHTMLUnsafe", "value"]] as const)
        replace(owner, name, kind, (real) => function (markup, ...more) {
          const fragment = parsed(this, markup, inner);
          return fragment ? this.replaceChildren(fragment) : real.call(this, markup, ...more);
        });
    replace(element, "outerHTML", "set", (real) => function (markup) {
      const fragment = this.parentNode && parsed(this.parentNode, markup, inner);
      return fragment ? this.replaceWith(fragment) : real.call(this, markup);
    });
    replace(element, "insertAdjacentHTML", "value", (real) => function (where: string, markup) {
      const fragment = parsed(/^(beforebegin|afterend)$/i.test(where) ? this.parentNode : this, markup, inner);
      if (!fragment) return real.call(this, where, markup);
      const put = { beforebegin: "before", afterbegin: "prepend", beforeend: "append", afterend: "after" }[where.toLowerCase()]!;
      return this[put](fragment);
    });
    // What comes out of these is not on the page yet.
    for (const [owner, name] of [[win.Range, "createContextualFragment"], [win.DOMParser, "parseFromString"], [win.Node, "cloneNode"], [win.Document, "importNode"]] as const)
      replace(owner.prototype, name, "value", (real) => function (...given) {
        const made = real.apply(this, given);
        if (made.querySelectorAll) holdWithin(made, true);
        return made;
      });
    // A frame without an address of its own is there at once, with prototypes of its own.
    for (const name of ["contentWindow", "contentDocument"])
      replace(win.HTMLIFrameElement.prototype, name, "get", (real) => function () {
        const found = real.call(this);
        enter(found && (name == "contentWindow" ? found : found.defaultView));
        return found;
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
      for (const node of addedNodes)
        if (node.nodeType == 1) {
          holdWithin(node as Element);
          for (const frame of [node as Element, ...(node as Element).querySelectorAll("iframe")]) if (frame.localName == "iframe") void (frame as HTMLIFrameElement).contentWindow;
        }
  });
  install(window);
}
