// Tag Manager's template: its sections are what Tag Manager reads, and its sandboxed script does what it says (W2).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

declare const VECTORS: string;
const text = readFileSync(join(VECTORS, "..", "..", "sdk_js", "gtm", "template.tpl"), "utf8");
const sections: Record<string, string> = Object.fromEntries(
  [...text.matchAll(/^___([A-Z_]+)___\n([^]*?)(?=^___[A-Z_]+___\n|(?![^]))/gm)].map(([, name, body]) => [name, body!.trim()]),
);
const json = (name: string): any => JSON.parse(sections[name]!);
const script = sections.SANDBOXED_JS_FOR_WEB_TEMPLATE!;
const ROWS = [
  { purpose: "statistics", type: "analytics_storage" },
  { purpose: "marketing", type: "ad_storage" },
  { purpose: "marketing", type: "ad_user_data" },
];

/** Runs the script as Tag Manager would, with `dongui` as the page has it; answers what it called, in order. */
function run(data: object, dongui?: unknown[]): { called: [string, any][]; queue: any[] } {
  const called: [string, any][] = [];
  const queue = dongui ?? [];
  const note = (name: string) => (value?: unknown) => void called.push([name, value]);
  const apis: Record<string, unknown> = {
    copyFromWindow: (key: string) => (key == "dongui" ? dongui : undefined),
    callInWindow: (key: string, call: unknown) => (assert.equal(key, "dongui.push"), queue.push(call)),
    createQueue: (key: string) => (assert.equal(key, "dongui"), (call: unknown) => queue.push(call)),
    makeNumber: Number,
  };
  for (const name of ["setDefaultConsentState", "updateConsentState", "gtagSet"]) apis[name] = note(name);
  const require = (name: string): unknown => (assert.ok(name in apis, `no permission is asked for ${name}`), apis[name]);
  new Function("require", "data", `"use strict";${script}`)(require, { ...data, gtmOnSuccess: note("gtmOnSuccess") });
  return { called, queue };
}

test("its sections are those that Tag Manager reads", () => {
  assert.deepEqual(Object.keys(sections), ["TERMS_OF_SERVICE", "INFO", "TEMPLATE_PARAMETERS", "SANDBOXED_JS_FOR_WEB_TEMPLATE", "WEB_PERMISSIONS", "TESTS", "NOTES"]);
  assert.equal(json("INFO").type, "TAG");
  assert.deepEqual(json("INFO").containerContexts, ["WEB"]);
  assert.deepEqual(json("TEMPLATE_PARAMETERS").map((field: any) => field.name), ["mapping", "wait", "redact", "passthrough"]);
});

test("it asks for just the permissions that it needs", () => {
  const [consent, globals, layer] = json("WEB_PERMISSIONS").map(({ instance }: any) => [instance.key.publicId, instance.param[0].value.listItem]);
  const offered = json("TEMPLATE_PARAMETERS")[0].paramTableColumns[1].param.selectItems.map(({ value }: any) => value);
  assert.equal(consent[0], "access_consent");
  assert.deepEqual(consent[1].map(({ mapValue }: any) => mapValue[0].string), offered);
  assert.deepEqual(globals[1].map(({ mapValue }: any) => mapValue.map((v: any) => v.string ?? v.boolean)), [["dongui", true, true, false], ["dongui.push", false, false, true]]);
  assert.deepEqual(layer[1].map((v: any) => v.string), ["ads_data_redaction", "url_passthrough"]);
  assert.doesNotMatch(script, /\b(window|document|eval|Function|setTimeout|Object|JSON)\b/);
});

test("denied comes first, then one update a change", () => {
  const { called, queue } = run({ mapping: ROWS, wait: "500", redact: true, passthrough: false });
  assert.deepEqual(called, [
    ["setDefaultConsentState", { analytics_storage: "denied", ad_storage: "denied", ad_user_data: "denied", wait_for_update: 500 }],
    ["gtagSet", { ads_data_redaction: true, url_passthrough: false }],
    ["gtmOnSuccess", undefined],
  ]);
  const [name, listen] = queue[0];
  assert.equal(name, "consent.onChange");
  called.length = 0;
  for (const state of [{ statistics: false, marketing: false }, { statistics: true, marketing: false }, { statistics: true, marketing: false }, { statistics: false, marketing: false }]) listen(state);
  const denied = { analytics_storage: "denied", ad_storage: "denied", ad_user_data: "denied" };
  assert.deepEqual(called, [["updateConsentState", { ...denied, analytics_storage: "granted" }], ["updateConsentState", denied]]);
});

test("it finds dongui where it has loaded already", () => {
  const there: unknown[] = [];
  assert.equal(run({ mapping: ROWS, wait: 0 }, there).queue, there);
  assert.equal(there.length, 1);
});
