/** Wires the parts together; the script tag and the ES module both start here. */
import type { ConsentState, Dongui, Options } from "./api";
import { watch } from "./block";
import { answered, worth } from "./consent";
import { doc, native } from "./natives";
import { cookieValues, quietly } from "./page";
import { restore } from "./send";
import { core, type View } from "./state";
import { setAdvertisingId, settleViews, track, watchViews } from "./track";

const listeners = new Set<(state: ConsentState) => void>();
const nothing = (): void => {};
/** The latest decision under way: until it is made, nothing is judged by the state before it, and the next one waits. */
let turn: Promise<void> | undefined;

core._load = (file) => import(`${core._options.base}/v1/${file}.js?v=${VERSION}`).catch(nothing);

/** What a change of the choice takes: ui.js for every one, panel.js where something is undone. */
const need = (undo?: unknown, before?: unknown): Promise<unknown> =>
  Promise.all([core._load("ui"), undo && core._load("panel"), core._facts || core._learn(), before]).catch(nothing);

const show = (view: View): unknown => core._options.ui == "none" || need().then(() => core._show(view)).catch(nothing);

function change(changes: ConsentState | string[]): Promise<void> {
  const mine: Promise<void> = (turn = need(1, turn).then(() => {
    if (turn == mine) turn = undefined;
    quietly(() => core._decide(changes, "api"));
  }));
  return mine;
}

core._look = async () => {
  try {
    core._facts || (await core._learn());
    core._read();
    if (core._choice && !core._facts.accepts.includes(core._choice.version)) await core._learn("no-cache");
    if (turn) return;
    core._judge();
    answered() ? core._hide?.(true) : show("banner");
  } catch {}
};

/** What the site asked for besides: trackers once something is granted, placeholders where something is not. */
function extras(): void {
  const { track, placeholders, floating } = core._options;
  if (track && core._granted.size) core._load("extras");
  if ((placeholders ?? floating) != null) core._load("place");
}

core._judge = () => {
  const first = !core._known;
  const before = first ? new Set(core._choice?.granted) : core._granted;
  core._read();
  core._granted = worth();
  core._known = true;
  const lost = [...before].some((id) => !core._granted.has(id));
  const apply = (): void => {
    // Tags learn of the change before they run, and cookies go before anything could read them.
    for (const step of [lost && core._undo, settleViews, core._flush, extras, ...[...listeners].map((listener) => () => listener(core._state())), core._release])
      quietly(step as () => void);
  };
  // A loss needs what panel.js undoes.
  if (first || lost || before.size < core._granted.size) lost && !core._undo ? need(1).then(apply) : apply();
};

export function start(options: Options): Dongui {
  core._options = options;
  core._dnt = options.dnt != null && navigator.doNotTrack == "1";
  const ready = new Promise<ConsentState>((resolve) => listeners.add(resolve));
  const begin = (): void => {
    // First of all: the browser answers for the cookies from another process, which is slow once it is busy with a request of ours.
    const chosen = cookieValues("dongui")[0];
    // All the rest waits for what is asked for here. Who has chosen may have left something undelivered on another page;
    // who has not is about to be asked, for which the interface takes longer to come than the notice.
    if (chosen) {
      restore();
      core._unsent = quietly(() => localStorage["dongui.consents"]);
      core._unsent && need();
    } else if (options.ui != "none") core._load("ui");
    core._look();
    watch();
    options.pageViews == "off" || watchViews(!core._unsent && chosen);
    // Other tabs (a decision writes to storage), the back/forward cache and other scripts change the cookie behind our back.
    // pagehide alone misses a phone's app switcher. Listening to the storage opens it, which takes longer than all the
    // rest: not while the page is loading, when its first pageshow tells nothing new either.
    const notice = (type: string): void =>
      addEventListener(type, () => {
        core._look();
        type == "storage" || core._flush();
      }, true);
    for (const type of ["pagehide", "visibilitychange"]) notice(type);
    setTimeout(() => {
      for (const type of ["pageshow", "storage"]) notice(type);
      core._look();
    }, 700);
    addEventListener("click", (event) => {
      if (event.composedPath().some((node) => native(node as Element).matches?.("[data-dongui=preferences]"))) event.preventDefault(), show("preferences");
    });
  };
  if ((doc as { prerendering?: boolean }).prerendering) doc.addEventListener("prerenderingchange", begin);
  else begin();
  return {
    track: (name, props) => quietly(() => track(name, props)),
    consent: {
      granted: (purpose) => core._granted.has(purpose),
      set: change,
      onChange: (listener) => (listeners.add(listener), () => listeners.delete(listener)),
      ready,
    },
    show: () => show("preferences"),
    withdraw: (...purposes) => change(purposes),
    myData: () => show("data"),
    setAdvertisingId,
    _core: core,
  } as Dongui;
}

declare const VERSION: string;
