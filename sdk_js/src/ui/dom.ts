/** Elements by hand: no HTML strings, so nothing in a policy's text can become markup. */
import { doc } from "./core";

export type Child = Node | string | false | null | undefined;
export type Attributes = Record<string, string | boolean | undefined | ((event: Event) => void)>;

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = doc.createElement(tag);
  for (const name in attributes) {
    const value = attributes[name];
    if (typeof value == "function") element.addEventListener(name, value);
    else if (value) element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children) if (child) element.append(child);
  return element;
}
