/** Wires the parts together; the script tag and the ES module both start here. */
import type { ConsentState, Dongui, Options, Result } from "./api";
import { watch } from "./block";
import { answered, queued, worth } from "./consent";
import { doc, native } from "./natives";
import { quietly } from "./page";
import { overlay } from "./rules/decisions";
import { core, type View } from "./state";
import { setAdvertisingId, track, watchViews } from "./track";
import "./withdraw";

const listeners = new Set<(state: ConsentState) => void>();

core._load = (file) => import(`${core._options.base}/v1/${file}.js?v=${VERSION}`).catch(() => {});

core._complain = (fault, count) => core._load("diagnostics").then(() => core._diagnose?.(fault, count));

const learned = (): unknown => core._facts || core._learn();
const show = (view: View): unknown =>
  core._options.ui == "none" || Promise.all([core._load("ui"), learned()]).then(() => core._show(view)).catch(() => core._complain());

/** What is put down waits for nothing; the rest is made, in the order of the calls (that of their imports), and all is delivered, by queue.js. */
async function change(changes: ConsentState | string[]): Promise<Result> {
  const id = core._note(changes, "api");
  core._turns++;
  await core._load("queue");
  core._turns--;
  const result = await (core._change?.(changes, id) || (id ? "pending" : "refused"));
  // Whoever leaves the page then has left nothing behind that can be removed.
  await core._undone;
  return result;
}

core._look = async () => {
  try {
    await learned();
    core._read();
    if (core._choice && !core._facts.accepts.includes(core._choice.version)) await core._learn("no-cache");
    if (core._turns) return;
    core._judge();
    if (core._queue[0]) core._load("queue").then(() => core._deliver?.());
    answered() ? core._hide?.(true) : show("banner");
  } catch {
    core._complain();
  }
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
  if ((core._known = core._facts)) core._granted = worth();
  // Before queue.js is there to tell in which order they were made, any refusal counts.
  core._pending = core._awaited?.() || overlay(queued(), core._queue);
  const lost = [...before].some((id) => !core._granted.has(id));
  if (lost) core._undone = core._load("panel").then(() => core._undo?.());
  if (!first && !lost && before.size == core._granted.size) return;
  // Tags learn of the change before they run, and cookies go before anything could read them.
  for (const step of [core._settle, core._flush, extras, ...[...listeners].map((listener) => () => listener(core._state())), core._release]) quietly(step);
};

export function start(options: Options): Dongui {
  core._options = options;
  core._name = location.protocol == "https:" ? `__${options.domain ? "Secure" : "Host"}-dongui${options.embedded != null ? "_frame" : ""}` : "dongui";
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
    core._sweep();
    watch();
    options.debug == null || core._complain();
    options.pageViews == "off" || watchViews(!core._queue[0] && chosen);
    // Other tabs (a decision writes to storage), the back/forward cache and other scripts change the cookie behind our back.
    // pagehide alone misses a phone's app switcher. Listening to the storage takes longer than all the rest: not while the
    // page is loading.
    const notice = (type: string): void =>
      addEventListener(type, () => {
        core._look();
        type == "storage" || core._flush();
      }, true);
    for (const type of ["pagehide", "visibilitychange", "pageshow", "online"]) notice(type);
    setTimeout(() => {
      notice("storage");
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
    onWithdraw: (name, hook) => void core._hooks.set(name, hook),
    _core: core,
  } as Dongui;
}

declare const VERSION: string;
