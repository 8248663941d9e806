/** The floating way back (`data-floating`): a button in the corner that opens the preferences, wherever a choice was made. */
import type { Dongui } from "../api";
import { core, doc } from "./core";
import { follow } from "./follow";
import { hosted, placeWords } from "./host";

const look = `:host{position:fixed;inset:var(--dongui-floating,auto auto 1em 1em);z-index:2147483646}:host([hidden]){display:none}button{padding:.4em 1.1em;border:1px solid var(--line);border-radius:22px;background:var(--bg);color:var(--fg);font-size:max(12px,.82em);box-shadow:0 2px 12px #0003}`;

/** Whoever has not answered is being asked: there the button would only stand in the way. */
export function floating(): void {
  const [host, root] = hosted("dongui-floating", look);
  const words = placeWords();
  const button = core._h("button", { type: "button", "data-action": "floating", part: "button floating", click: () => (window.dongui as Dongui).show() });
  root.append(button);
  const update = (): void => {
    host.hidden = (!core._choice && !core._queue[0]) || !!doc.querySelector("dongui-root");
    button.textContent = core._queue[0] ? words.saving : words.back;
  };
  follow(update);
  core._keep(host, () => doc.body.append(host));
  // The question and the panel come and go as children of the body; a choice is made in one of them, or elsewhere.
  new MutationObserver(update).observe(document, { childList: true, subtree: true });
  update();
}
