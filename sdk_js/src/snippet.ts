/** The script tag's entry: reads its own attributes, starts, and makes good the calls that came before it. */
import type { Dongui, Options } from "./api";
import { start } from "./main";
import { quietly } from "./page";

/** A call made before we loaded: a method's name (`"consent.set"`) and its arguments. */
type Call = [name: string, ...given: unknown[]];

function replay(api: Dongui, call: Call): void {
  const [name, ...given] = call;
  let owner: unknown = api;
  const steps = name.split(".");
  const last = steps.pop()!;
  for (const step of steps) owner = (owner as Record<string, unknown>)[step];
  quietly(() => (owner as Record<string, (...given: unknown[]) => unknown>)[last]!(...given));
}

quietly(() => {
  const script = document.currentScript as HTMLScriptElement;
  const base = script.src.replace(/\/v1\/dongui\.js.*$/, "");
  const before = window.dongui as { q?: Call[] } | Call[] | undefined;
  const calls = Array.isArray(before) ? before : before?.q ?? [];
  const api = start({ ...(script.dataset as unknown as Options), base, nonce: script.nonce || script.dataset.nonce || "" });
  window.dongui = Object.assign(api, { push: (call: Call) => replay(api, call) });
  for (const call of calls) replay(api, call);
});
