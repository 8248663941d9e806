/**
 * Properties as the browser made them. Markup can shadow those of `document`, of forms and of `window`
 * (`<img name=cookie>`, `<input name=closest>`, `<form id=dongui>`: DOM clobbering), so they are read from the prototypes,
 * which markup does not reach. https://html.spec.whatwg.org/#dom-document-nameditem
 */

/** `object` with the properties and methods of its own interface, whatever the page's elements are called. */
export const native = <T extends object>(object: T): T => {
  // Markup makes plain values; an accessor is the page's own code, as in an app's web view that keeps cookies by itself.
  const owner = (name: PropertyKey): object =>
    Object.getOwnPropertyDescriptor(object, name)?.get ? object : Object.getPrototypeOf(object);
  return new Proxy(object, {
    get(_, name) {
      const value: any = Reflect.get(owner(name), name, object);
      // An element may carry a `bind` of its own, and some can be called.
      return typeof value == "function" && !value.nodeType ? value.bind(object) : value;
    },
    set: (_, name, value) => Reflect.set(owner(name), name, value, object),
  });
};

/** The document to read from and to write to; as a node, it is `document` still. */
export const doc = native(globalThis.document ?? {}); // none where a server renders: the module is imported there, too

/** A global that a script made; elements with that id or name are none. */
export const ownGlobal = <T>(name: string): T | undefined => (Object.hasOwn(window, name) ? (window as any)[name] : undefined);
