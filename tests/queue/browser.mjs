// A browser with as many tabs as are opened, as far as the snippet's queue sees one: a storage and cookies that all tabs
// share and that outlive them, locks, timers and requests that end when they are told to. It runs the built files of
// sdk_js/dist, each tab in a realm of its own, and does one command (a line of JSON) at a time until nothing is left to do
// but to wait for a timer or an answer: no clock of the host's, no chance.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import vm from "node:vm";

const DIST = new URL("../../sdk_js/dist/", import.meta.url);
const text = {};
const source = (name) => (text[name] ??= readFileSync(new URL(name, DIST), "utf8"));

let world;
const now = () => world.now + world.skew;

/** mulberry32: the same numbers from the same seed. */
function numbers(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function begin({ seed, at, locks, site }) {
  world = { now: at, skew: 0, stored: new Map(), jar: new Map(), tabs: new Map(), timers: [], requests: new Map(), lock: [], held: null, count: 0, online: true, locks, site, random: numbers(seed) };
}

// Cookies (RFC 6265bis), as far as ours need them: prefixes, Domain, Path, Max-Age, and removal.
const HOST = "shop.example.com";
function setCookie(line) {
  const [pair, ...rest] = line.split(";").map((part) => part.trim());
  const at = pair.indexOf("=");
  const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
  const given = Object.fromEntries(rest.map((part) => [part.split("=")[0].toLowerCase(), part.split("=")[1] ?? ""]));
  const path = given.path || "/";
  if (/^__(Host|Secure)-/.test(name) && !("secure" in given)) return;
  if (name.startsWith("__Host-") && (given.domain || path != "/")) return;
  if (given.domain && (given.domain == "com" || !`.${HOST}`.endsWith(`.${given.domain}`))) return;
  const key = [name, given.domain || "", path, "partitioned" in given].join("|");
  if (+given["max-age"] <= 0) world.jar.delete(key);
  else world.jar.set(key, { name, value, path, ends: now() + +given["max-age"] * 1000 });
}
const cookies = () => [...world.jar.values()].filter(({ ends, path }) => ends > now() && path == "/").map(({ name, value }) => `${name}=${value}`).join("; ");

const storageOf = (tab) => {
  const change = (act) => {
    if (tab.closed) return true;
    act();
    for (const other of world.tabs.values()) if (other != tab) other.due.push("storage");
    return true;
  };
  return new Proxy({}, {
    get: (_, key) => world.stored.get(key),
    set: (_, key, value) => change(() => world.stored.set(key, `${value}`)),
    deleteProperty: (_, key) => !world.stored.has(key) || change(() => world.stored.delete(key)),
    has: (_, key) => world.stored.has(key),
    ownKeys: () => [...world.stored.keys()],
    getOwnPropertyDescriptor: (_, key) => (world.stored.has(key) ? { value: world.stored.get(key), configurable: true, enumerable: true, writable: true } : undefined),
  });
};

// What a page has, in its own realm; what goes beyond it is `host`.
const PAGE = `
globalThis.window = globalThis.self = globalThis.parent = globalThis;
Math.random = host.random;
{
  const Real = Date;
  globalThis.Date = class Date extends Real {
    constructor(...given) { super(...(given.length ? given : [host.now()])); }
    static now() { return host.now(); }
  };
}
class Node_ extends EventTarget {}
globalThis.Element = class Element extends Node_ { attachShadow() {} };
globalThis.HTMLElement = Element;
globalThis.MutationObserver = class { observe() {} disconnect() {} };
globalThis.CSSStyleSheet = class { replaceSync() {} };
const on = (target) => {
  const listeners = {};
  target.addEventListener = (type, listener, options) => void (listeners[type] ??= []).push([listener, options?.once]);
  target.removeEventListener = (type, listener) => void (listeners[type] = (listeners[type] ?? []).filter(([one]) => one != listener));
  target.dispatchEvent = (event) => {
    for (const entry of [...(listeners[event.type] ?? [])]) {
      if (entry[1]) target.removeEventListener(event.type, entry[0]);
      entry[0].call(target, event);
    }
    return true;
  };
};
class Document {
  get cookie() { return host.cookies(); }
  set cookie(line) { host.setCookie(line); }
  get documentElement() { return { lang: "en" }; }
  get currentScript() { return this.script; }
  get referrer() { return ""; }
  get visibilityState() { return "visible"; }
  querySelector() { return null; }
  querySelectorAll() { return []; }
}
globalThis.document = new Document();
Object.defineProperty(document, "script", { value: { src: "https://collect.example/v1/dongui.js", nonce: "", dataset: { site: host.site, ui: "none" } } });
on(Document.prototype);
on(globalThis);
globalThis.location = { protocol: "https:", hostname: "${HOST}", host: "${HOST}", origin: "https://${HOST}", href: "https://${HOST}/", pathname: "/", search: "", hash: "" };
globalThis.navigator = { language: "en", doNotTrack: null, cookieEnabled: true };
if (host.locks) navigator.locks = { request: (name, options, work) => host.lock(options.signal, work) };
globalThis.screen = { width: 1, height: 1 };
globalThis.history = { pushState() {}, replaceState() {} };
globalThis.performance = { getEntries: () => [{}], now: () => host.now() };
globalThis.crypto = { getRandomValues: (bytes) => (bytes.forEach((_, index) => (bytes[index] = host.random() * 256)), bytes) };
globalThis.setTimeout = host.setTimeout;
globalThis.setInterval = host.setInterval;
globalThis.clearTimeout = globalThis.clearInterval = host.clearTimeout;
globalThis.fetch = (url, options = {}) => new Promise((resolve, reject) => host.fetch(url, options, (answer) => {
  if (!answer) return reject(new TypeError("Failed to fetch"));
  const headers = new Map(Object.entries(answer.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  const whole = () => (answer.broken ? Promise.reject(new TypeError("network error")) : Promise.resolve(answer.text ?? ""));
  resolve({ status: answer.status, ok: answer.status > 199 && answer.status < 300, headers: { get: (name) => headers.get(name.toLowerCase()) ?? null }, text: whole, json: () => whole().then(JSON.parse) });
}));
/** What a tag of each purpose would have done: it runs as soon as the page says that it may. */
globalThis.ran = [];
globalThis.results = [];
`;

function open({ tab: name }) {
  const tab = { name, due: [], modules: new Map(), closed: false };
  const timer = (work, wait, every) => {
    const id = ++world.count;
    if (!tab.closed) world.timers.push({ id, tab, at: world.now + (wait || 0), work, every });
    return id;
  };
  const clear = (id) => void (world.timers = world.timers.filter((one) => one.id != id));
  const host = {
    site: world.site,
    locks: world.locks,
    random: world.random,
    now,
    cookies,
    setCookie: (line) => void (tab.closed || setCookie(line)),
    setTimeout: (work, wait) => timer(work, wait),
    setInterval: (work, wait) => timer(work, wait, Math.max(wait, 1)),
    clearTimeout: clear,
    lock: (signal, work) => new Promise((resolve, reject) => {
      const wish = { tab, resolve, reject, work };
      signal?.addEventListener("abort", () => {
        if (!world.lock.includes(wish)) return;
        world.lock = world.lock.filter((other) => other != wish);
        reject(Error("aborted"));
      });
      world.lock.push(wish);
      grantLock();
    }),
    fetch: (url, options, done) => {
      const id = ++world.count;
      if (!tab.closed) world.requests.set(id, { id, tab, url, method: options.method ?? "GET", headers: options.headers ?? {}, body: options.body ?? null, keepalive: !!options.keepalive, done });
    },
  };
  tab.host = host;
  tab.context = vm.createContext({ host, console, URL, URLSearchParams, TextEncoder, TextDecoder, Blob, AbortController, AbortSignal: { timeout: () => ({}) }, EventTarget, Event, CustomEvent, queueMicrotask, Proxy });
  tab.context.localStorage = storageOf(tab);
  tab.context.sessionStorage = {};
  vm.runInContext(PAGE, tab.context);
  world.tabs.set(name, tab);
  new vm.Script(source("dongui.js"), { importModuleDynamically: (specifier) => load(tab, specifier) }).runInContext(tab.context);
  vm.runInContext(`dongui.consent.onChange((state) => ran.push(...Object.keys(state).filter((id) => state[id])))`, tab.context);
}

/** A file on demand: it comes where there is a network, and stays once it is there. */
function load(tab, specifier) {
  const name = new URL(specifier).pathname.split("/").pop();
  if (!world.online && !tab.modules.has(name)) return Promise.reject(new TypeError("Failed to fetch"));
  if (!tab.modules.has(name)) {
    const module = new vm.SourceTextModule(source(name), { context: tab.context, importModuleDynamically: (inner) => load(tab, inner) });
    tab.modules.set(name, module.link(() => {}).then(() => module.evaluate()).then(() => module));
  }
  return tab.modules.get(name);
}

function grantLock() {
  if (world.held || !world.lock[0]) return;
  const wish = (world.held = world.lock.shift());
  const release = () => {
    if (world.held == wish) world.held = null;
    grantLock();
  };
  Promise.resolve().then(() => wish.work()).then(wish.resolve, wish.reject).finally(release);
}

/** A tab that ends: what it has sent is on its way and may arrive, what is answered reaches nobody. */
async function close({ tab: name, crash }) {
  const tab = world.tabs.get(name);
  if (!crash) {
    dispatch(tab, "pagehide");
    await new Promise(setImmediate);
  }
  world.tabs.delete(name);
  tab.closed = true;
  world.timers = world.timers.filter((timer) => timer.tab != tab);
  for (const [id, request] of world.requests) {
    if (request.tab != tab) continue;
    request.done = () => {};
    if (!request.keepalive) world.requests.delete(id);
  }
  world.lock = world.lock.filter((wish) => wish.tab != tab);
  if (world.held?.tab == tab) world.held = null;
  grantLock();
}

function dispatch(tab, type) {
  tab.context.__type = type;
  vm.runInContext("window.dispatchEvent({ type: __type, persisted: false })", tab.context);
}

/** Until nothing moves: all that is not a timer or an answer is a promise of ours. */
async function settle() {
  for (let quiet = 0; quiet < 3; quiet++) {
    await new Promise(setImmediate);
    for (const tab of world.tabs.values()) {
      if (!tab.due.length) continue;
      quiet = 0;
      for (const type of new Set(tab.due.splice(0))) dispatch(tab, type);
    }
  }
}

async function advance({ ms }) {
  for (const end = world.now + ms; ; await settle()) {
    const [next] = world.timers.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at || one.id - other.id);
    world.now = Math.max(world.now, next ? next.at : end);
    if (!next) return;
    if (next.every) next.at = world.now + next.every;
    else world.timers = world.timers.filter((timer) => timer != next);
    next.work();
  }
}

function answer({ request: id, answer }) {
  const { done } = world.requests.get(id);
  world.requests.delete(id);
  done(answer);
}

function call({ tab, code }) {
  vm.runInContext(code, world.tabs.get(tab).context);
}

const view = () => ({
  now: world.now,
  browser: now(),
  cookies: cookies(),
  stored: Object.fromEntries(world.stored),
  requests: [...world.requests.values()].map(({ id, tab, url, method, headers, body }) => ({ id, tab: tab.name, url, method, headers, body })),
  tabs: Object.fromEntries([...world.tabs.values()].map((tab) => [tab.name, JSON.parse(vm.runInContext(`JSON.stringify({
    granted: ${JSON.stringify(PURPOSES)}.filter((id) => dongui.consent.granted(id)), ran: ran.splice(0), results: results.splice(0) })`, tab.context))])),
});
let PURPOSES = [];

const commands = {
  begin: (given) => ((PURPOSES = given.purposes), begin(given)),
  open,
  close,
  call,
  answer,
  advance,
  skew: ({ ms }) => void (world.skew += ms),
  network: ({ online }) => {
    if (online && !world.online) for (const tab of world.tabs.values()) tab.due.push("online");
    world.online = online;
  },
  look: () => {},
};

process.on("unhandledRejection", (error) => void process.stderr.write(`unhandled: ${error?.stack ?? error}\n`));
for await (const line of createInterface({ input: process.stdin })) {
  const given = JSON.parse(line);
  try {
    await commands[given.do](given);
    if (world) await settle();
    process.stdout.write(`${JSON.stringify(world ? view() : {})}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: `${error?.stack ?? error}` })}\n`);
  }
}
