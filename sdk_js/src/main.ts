/** Wires the parts together; the script tag and the ES module both start here. */
import type { ConsentState, Dongui, Options } from "./api";
import { release, watch } from "./block";
import { answered, consentPurposes, judge, look, watchChoice } from "./consent";
import { cookies, cookieValues, quietly, trusted, uuid } from "./page";
import { flush, startSending } from "./send";
import { core, type View } from "./state";
import { regate, setAdvertisingId, settleViews, track, watchViews } from "./track";

let loading: Promise<unknown> | undefined;
const listeners = new Set<(state: ConsentState) => void>();

/** ui.js: the interface, and everything that happens when a choice changes. Its address names its content. */
const needUi = (): Promise<unknown> =>
  (loading ||= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = trusted().createScriptURL(`${core._options.base}/v1/ui.js?v=${UI_VERSION}`);
    script.nonce = core._options.nonce ?? "";
    script.onload = resolve;
    script.onerror = (error) => reject((loading = undefined, error));
    document.head.append(script);
  }));

const show = (view: View): unknown =>
  core._options.ui == "none" || Promise.all([core._facts || core._learn(), needUi()]).then(() => core._show!(view)).catch(() => {});

async function change(pick: () => ConsentState): Promise<void> {
  core._deciding++;
  await Promise.all([core._facts || core._learn(), needUi()]).catch(() => {});
  core._deciding--;
  quietly(() => core._decide!(pick(), "api"));
}

/** Looks at the world again: asks where nobody has answered, and falls silent where somebody has. */
core._look = () =>
  look()
    .then(() => (answered() ? core._hide?.() : show("banner")))
    .catch(() => {});

core._judge = () => {
  const first = !core._known;
  const lost = judge();
  if (!lost) return;
  core._known = true;
  const state = core._state();
  const apply = (): void => {
    for (const step of [() => core._changed?.(lost), settleViews, flush, ...[...listeners].map((listener) => () => listener(state)), () => release()])
      quietly(step);
  };
  if ((first && !lost[0]) || core._changed) apply();
  else needUi().then(apply, () => {});
};

export function start(options: Options): Dongui {
  Object.assign(core, { _options: options, _quietly: quietly, _cookies: cookies, _cookieValues: cookieValues, _uuid: uuid });
  core._sameOrigin = new URL(options.base, location.href).origin == location.origin;
  const ready = new Promise<ConsentState>((resolve) => listeners.add(resolve));
  addEventListener("click", ({ target }) => {
    if (target instanceof Element && target.closest('[data-dongui="preferences"]')) show("preferences");
  });
  const begin = (): void => {
    watch();
    startSending(regate);
    watchViews();
    watchChoice();
    core._look();
    // A decision that did not reach the collector on another page.
    if (quietly(() => localStorage["dongui.consents"])) core._unsent = 1, needUi().catch(() => {});
  };
  if ((document as { prerendering?: boolean }).prerendering) document.addEventListener("prerenderingchange", begin, { once: true });
  else begin();
  return (core._api = {
    track: (name, props) => quietly(() => track(name, props)),
    consent: {
      granted: (purpose) => core._granted.has(purpose),
      set: (choices) => change(() => choices),
      onChange: (listener) => (listeners.add(listener), () => void listeners.delete(listener)),
      ready,
    },
    show: () => void show("preferences"),
    withdraw: (...purposes) => change(() => Object.fromEntries((purposes[0] ? purposes : consentPurposes()).map((id) => [id, false]))),
    myData: () => void show("data"),
    setAdvertisingId,
    _core: core,
  } as Dongui);
}

declare const UI_VERSION: string;
