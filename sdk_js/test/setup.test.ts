// What the console says of a page on https whose collector is not, and that it says it once (docs/troubleshooting.md).
import assert from "node:assert/strict";
import { test } from "node:test";

const said: string[] = [];
const core: any = { _options: { site: "S", base: "http://collect.example" }, _quietly: (work: () => unknown) => work() };
Object.defineProperty(globalThis, "navigator", { value: { cookieEnabled: true } });
Object.assign(globalThis, {
  window: { dongui: { _core: core } },
  location: new URL("https://shop.example/cart"),
  addEventListener: () => {},
  removeEventListener: () => {},
  fetch: () => Promise.reject(new TypeError("blocked")),
});
console.warn = (text: string) => said.push(text);

test("mixed content is named, once, and before anything else is looked for", async () => {
  await import("../src/diagnostics");
  await core._diagnose();
  await core._diagnose();
  assert.equal(said.length, 1);
  assert.match(said[0]!, /^dongui: this page is on https and the collector \(http:\/\/collect\.example\) is not/);
});
