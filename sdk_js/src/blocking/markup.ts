/** What of an author's markup is let loose: nothing that brings code past the purposes, the nonce or the page's own address. */
import { core, doc } from "../ui/core";
import { explain } from "./explain";

const INERT = "text/plain";
// What changes the page as a whole, and what changes an address later.
const REFUSED = "base,meta[http-equiv],svg script,svg [attributeName$=href i]";
const ADDRESSES = ["src", "href", "xlink:href", "action", "formaction", "data", "background", "poster"];

const protocolOf = (address: string): string | undefined => core._quietly(() => new URL(address, doc.baseURI).protocol);

/** Whether an address may become an element's: http, https, or of this very origin. */
export function allowed(element: Element, name: string, value: string): boolean {
  if (name == "srcdoc") return !core._nonce || explain(element, "nonce");
  const addresses = name == "srcset" ? value.split(/,?\s+/) : [value];
  const fits = (address: string): unknown => {
    const url = core._quietly(() => new URL(address, doc.baseURI));
    return url && (/^https?:$/.test(url.protocol) || url.origin == location.origin);
  };
  return addresses.every(fits) || explain(element, "address", `data-${name}`);
}

function* everything(root: ParentNode): Generator<Element> {
  for (const element of root.querySelectorAll("*")) {
    yield element;
    // Shadow trees that the markup declares are copied with it.
    if (element.shadowRoot instanceof ShadowRoot) yield* everything(element.shadowRoot);
  }
}

/** Makes a template's copy fit for the page, and answers its scripts, inert. */
export function fit(copy: DocumentFragment): HTMLScriptElement[] {
  const scripts: HTMLScriptElement[] = [];
  for (const element of everything(copy)) {
    const of = core._native(element);
    if (of.matches(REFUSED) || (core._nonce && of.matches("object,embed"))) {
      explain(element, "markup", of.localName);
      of.remove();
      continue;
    }
    for (const name of ADDRESSES) {
      const value = of.getAttribute(name);
      if (value != null && protocolOf(value) == "javascript:") explain(element, "address", name), of.removeAttribute(name);
    }
    if (core._nonce && of.hasAttribute("srcdoc")) explain(element, "markup", "srcdoc"), of.removeAttribute("srcdoc");
    if (of.localName == "script" && !of.hasAttribute("data-purpose")) {
      const type = of.getAttribute("type");
      if (type) of.setAttribute("data-type", type);
      of.setAttribute("type", INERT);
      scripts.push(element as HTMLScriptElement);
    }
  }
  return scripts;
}
