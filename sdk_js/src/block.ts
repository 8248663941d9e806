/** Blocking: what belongs to a purpose stays inert until it is granted. What lets it loose is release.js, loaded where something may wait. */
import { doc } from "./natives";
import { core } from "./state";

/** Whether somebody else's elements have an open shadow tree here. */
const shadows = (host: Element): unknown => host.shadowRoot && !/^dongui-/.test(host.localName);
const look = (): unknown => doc.querySelector("[data-purpose],iframe") && core._load("release");

/** Lets loose what is granted now. */
core._release = () => {
  if (!look() && [...doc.querySelectorAll("*")].some(shadows)) void core._load("release");
};

/** Watches the page from now on; elements may come at any time, before the choice and after, in shadow trees and frames too. */
export function watch(): void {
  const { attachShadow } = Element.prototype;
  core._observer = new MutationObserver(look);
  core._observer.observe(document, { childList: true, subtree: true, attributeFilter: ["data-purpose"] });
  // A root on an element that is in the page already changes nothing that an observer could see.
  Element.prototype.attachShadow = function (init) {
    const root = attachShadow.call(this, init);
    if (shadows(this)) void core._load("release");
    return root;
  };
  addEventListener("load", core._release);
  core._release();
}
