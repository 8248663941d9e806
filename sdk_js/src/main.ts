/** Wires the parts together; the script tag and the ES module both start here. */
import type { ConsentState, Dongui, Options, Result } from "./api";
import { release, watch } from "./block";
import { answered, worth } from "./consent";
import { quietly } from "./page";
import { restore } from "./send";
import { core, type View } from "./state";
import { setAdvertisingId, track, watchViews } from "./track";
import { withdraw } from "./withdraw";

const listeners = new Set<(state: ConsentState) => void>();
const nothing = (): void => {};
/** The latest decision that waits for the notice: until it is made, nothing is judged by the state before it. */
let turn: Promise<unknown> | undefined;

core._load = (file) => import(`${core._options.base}/v1/${file}.js?v=${VERSION}`).catch(nothing);

const learned = (): unknown => core._facts || core._learn();
const show = (view: View): unknown =>
  core._options.ui == "none" || Promise.all([core._load("ui"), learned()]).then(() => (view == "banner" && answered()) || core._show(view)).catch(nothing);

/** Calls come into force in their order. What only takes away waits for nothing; behind what waits it is said again. */
async function change(changes: ConsentState | string[]): Promise<Result> {
  let result: unknown;
  const id = withdraw(changes);
  const queue = core._load("queue");
  if (id) result = queue.then(() => core._deliver?.(id) || "pending");
  if (turn || !id) {
    const mine = (turn = Promise.all([turn, queue, learned()]).then(() => (result = core._decide!(changes, "api"))).catch(nothing));
    await mine;
    if (turn == mine) turn = undefined;
  }
  return ((await result) as Result) || "refused";
}

core._look = async () => {
  try {
    await learned();
    core._read();
    if (core._choice && !core._facts.accepts.includes(core._choice.version)) await core._learn("no-cache");
    if (turn) return;
    core._judge();
    if (core._queue[0]) core._load("queue").then(() => core._deliver!());
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
  core._read();
  const before = first ? new Set(core._choice?.granted) : core._granted;
  core._granted = worth();
  core._pending = core._awaited?.(core._queue) || [];
  core._known = !!core._facts;
  const lost = [...before].some((id) => !core._granted.has(id));
  if (lost || core._ran) core._load("panel").then(() => core._undo!());
  if (!first && !lost && before.size == core._granted.size) return;
  // Tags learn of the change before they run, and cookies go before anything could read them.
  for (const step of [core._settle, core._flush, extras, ...[...listeners].map((listener) => () => listener(core._state())), release]) quietly(step);
};

export function start(options: Options): Dongui {
  core._options = options;
  const { domain } = options;
  const https = location.protocol == "https:";
  const framed = options.embedded != null && parent != window;
  core._name = https ? (domain ? "__Secure-" : "__Host-") + (framed ? "dongui_frame" : "dongui") : "dongui";
  core._kept = `;Path=/;SameSite=${framed ? "None;Partitioned" : "Lax"}${domain ? ";Domain=" + domain : ""}${https ? ";Secure" : ""}`;
  core._dnt = options.dnt != null && navigator.doNotTrack == "1";
  const ready = new Promise<ConsentState>((resolve) => listeners.add(resolve));
  const begin = (): void => {
    // First of all: the browser answers for the cookies from another process, which is slow once it is busy with a request of ours.
    const chosen = core._cookieChoice();
    // All the rest waits for what is asked for here. Who has not chosen is about to be asked, for which the interface takes
    // longer to come than the notice.
    chosen || options.ui == "none" || core._load("ui");
    core._look();
    core._read();
    if (chosen || core._queue[0]) restore();
    watch();
    options.pageViews == "off" || watchViews(!core._queue[0] && chosen);
    // Other tabs (a decision writes to storage), the back/forward cache and other scripts change the cookie behind our back.
    // pagehide alone misses a phone's app switcher. Listening to the storage takes longer than all the rest: not while the
    // page is loading.
    const notice = (type: string): void =>
      addEventListener(type, () => {
        core._look();
        type == "storage" || core._flush();
      }, true);
    for (const type of ["pagehide", "visibilitychange", "pageshow"]) notice(type);
    setTimeout(() => {
      notice("storage");
      core._look();
    }, 700);
    addEventListener("click", (event) => {
      if ((event.target as Element).closest?.("[data-dongui=preferences]")) event.preventDefault(), show("preferences");
    });
  };
  if ((document as { prerendering?: boolean }).prerendering) document.addEventListener("prerenderingchange", begin);
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
