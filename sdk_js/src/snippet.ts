/** The script tag's entry: reads its own attributes, starts, and makes good the calls that came before it. */
import type { Options } from "./api";
import { start } from "./main";
import { doc, ownGlobal } from "./natives";
import { quietly } from "./page";
import { core } from "./state";

/** A call made before we loaded: a method's name (`"consent.set"`) and its arguments. */
type Call = [name: string, ...given: unknown[]];

quietly(() => {
  const script = doc.currentScript as HTMLScriptElement;
  const waiting = ownGlobal<Call[] & { q?: Call[]; _core?: unknown; held?: WeakSet<Node> }>("dongui");
  // A page that carries the tag twice has one snippet all the same.
  if (waiting?._core) return;
  core._nonce = script.nonce;
  core._held = waiting?.held;
  const api = start({ ...(script.dataset as unknown as Options), base: script.src.split("/v1/")[0]! });
  const push = ([name, ...given]: Call): unknown =>
    quietly(() => {
      let called: any = api;
      for (const step of name.split(".")) called = called[step];
      called(...given);
    });
  window.dongui = { ...api, push };
  (waiting?.q ?? waiting)?.forEach(push);
});
