/** Wires the parts together; the script tag and the ES module both start here. */
import type { ConsentState, Dongui, Options } from "./api";
import { release, watch } from "./block";
import * as consent from "./consent";
import { clearCookies } from "./clear";
import { configure, options, quietly, trustedUrl } from "./page";
import { regateQueue, startSending } from "./send";
import { tellGoogle } from "./signals";
import { onGrant, regate, setAdvertisingId, track, watchViews } from "./track";

/** What ui.js is given; it registers itself as `dongui._open`. */
export interface Bridge {
  _notice: consent.Notice;
  _state: ConsentState;
  _decide(changes: ConsentState, method: string): Promise<void>;
  _nonce: string;
  _base: string;
}
/** Shows the banner, or the preferences; returns the way to close it. */
export type OpenUi = (bridge: Bridge, preferences: boolean) => () => void;
interface WithUi extends Dongui {
  _open?: OpenUi;
}

let api: WithUi;
let close: (() => void) | undefined;
let opening: Promise<unknown> | undefined;

const loadUi = (): Promise<unknown> =>
  (opening ||= new Promise<void>((resolve, reject) => {
    const script = document.createElement("script");
    script.src = trustedUrl(`${options.base}/v1/ui.js`);
    script.nonce = options.nonce || "";
    script.onload = () => resolve();
    script.onerror = () => {
      opening = undefined;
      reject();
    };
    document.head.append(script);
  }));

async function open(preferences: boolean): Promise<void> {
  if (options.ui == "none") return;
  const [notice] = await Promise.all([consent.loadNotice(), loadUi()]);
  if (!preferences && (close || consent.answered())) return;
  close?.();
  const bridge = { _notice: notice, _state: consent.state(), _decide: decide, _nonce: options.nonce || "", _base: options.base };
  close = api._open!(bridge, preferences);
}

function decide(changes: ConsentState, method: string): Promise<void> {
  close?.();
  close = undefined;
  return consent.decide(changes, method);
}

/** Looks at the world again: asks where nobody has answered, and falls silent where somebody has. */
async function look(): Promise<void> {
  await consent.sync();
  if (!consent.answered()) return open(false);
  close?.();
  close = undefined;
}
const resync = (): void => void look().catch(() => {});

async function begin(): Promise<void> {
  const { prerendering } = document as { prerendering?: boolean };
  if (prerendering) await new Promise((resolve) => document.addEventListener("prerenderingchange", resolve, { once: true }));
  watch();
  startSending(regate, () => void consent.loadNotice("no-cache").then(() => open(false), () => {}));
  watchViews();
  consent.agreeWithOthers(resync);
  await look();
}

/** In this order: tags learn of the change before they run, and cookies go before anything else could read them. */
function subscribe(): void {
  consent.onState((granted) => tellGoogle(granted, consent.policy!));
  consent.onState((granted) => clearCookies(granted, consent.policy!));
  consent.onState(regateQueue);
  consent.onState(onGrant);
  consent.onState(() => document.dispatchEvent(new CustomEvent("dongui:consent", { detail: consent.state() })));
  consent.onState(release);
}

export function start(given: Options): Dongui {
  configure(given);
  subscribe();
  document.addEventListener("click", (event) => {
    const target = event.composedPath()[0];
    if (target instanceof Element && target.closest('[data-dongui="preferences"]')) api.show();
  });
  api = {
    track: (name, props) => void quietly(() => track(name, props)),
    consent: {
      granted: (purpose) => consent.granted.has(purpose),
      set: (choices) => decide(choices, "api").catch(() => {}),
      onChange: (fn) => consent.onState(() => fn(consent.state())),
      ready: consent.ready.then(consent.state),
    },
    show: () => void open(true).catch(() => {}),
    withdraw: (...purposes) =>
      consent.ready.then(() => decide(Object.fromEntries((purposes.length ? purposes : consent.consentPurposes()).map((id) => [id, false])), "api")).catch(() => {}),
    myData: () => void open(true).catch(() => {}),
    setAdvertisingId,
  };
  begin().catch(() => {});
  return api;
}
