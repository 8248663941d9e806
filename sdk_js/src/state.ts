/** What the parts of the snippet share, also those that are loaded later: ui.js finds it in `dongui._core`. */
import type { ConsentState, Options, Result } from "./api";
import type { Reason } from "./blocking/explain";
import { doc, native } from "./natives";
import { quietly, uuid } from "./page";
import type { Fault } from "./diagnostics/setup";
import type { Entry } from "./queue";
import type { Cut } from "./rules/json";
import type { Choice, Event, Policy, Purpose } from "./rules/types";
import { gpc } from "./signals";
import type { h } from "./ui/dom";
import type { keep } from "./ui/keep";
import type { Words } from "./ui/words/words";

/** A purpose as `GET /v1/notice` tells it: what the gate needs, and what there is to read. */
export interface NoticePurpose extends Purpose {
  id: string;
  label: string;
  description: string;
  basis_text: string;
  refusal: string | null;
  keep_text: string;
  recipients: Recipient[];
}

/** Who gets data besides the controller; a processor acts for it, a recipient for purposes of their own. */
export interface Recipient {
  name: string;
  task: string;
  country: string;
  country_text?: string | null;
  kind: "processor" | "recipient";
}

/** `GET /v1/notice`, its purposes by id. */
export interface Facts extends Policy {
  lang: string;
  service: string;
  controller: { name: string };
  policy_url: string;
  /** `"server"`: the middleware, through which the answer came, counts the pages that it serves. */
  page_views?: string;
  items: Record<string, string>;
  purposes: Record<string, NoticePurpose>;
  /** Cookies that the site cannot work without; absent where the policy has none. */
  necessary?: { name: string; reason: string; keep_text: string; basis_text: string }[];
}

/** What was let loose, for the day it is taken back: what it unfolded to, if a template, and how it was before. */
export type Released = [element: HTMLElement, purposes: string[], nodes: Node[], before: Node];

/** What the visitor sees: the question, the preferences, or their own data. */
export type View = "banner" | "preferences" | "data" | "reload";

/** One for the page. */
export interface Core {
  _options: Options;
  _facts: Facts;
  _choice: Choice | null;
  _granted: ReadonlySet<string>;
  /** Decisions of all tabs that the collector does not have yet, as they were read last; and the purposes that they grant. */
  _queue: Entry[];
  _pending: string[];
  /** How many decisions wait for what makes them: until then nothing is judged by the state before them. */
  _turns: number;
  /** Whether the choice has been judged; before that nothing is granted and nothing is decided. */
  _known?: unknown;
  /** Whether nobody is asked any more on this page: it keeps no cookie, or the answer was refused twice. */
  _quiet?: unknown;
  // Of queue.ts:
  _box?: Record<string, string>;
  _stored(): Record<string, string>;
  _keys(prefix: string): string[];
  _values(prefix: string): any[];
  /** Stores it as JSON; nothing where there is no room. */
  _store(key: string, value: unknown): unknown;
  _remove(key: string): void;
  _json(value: unknown): string;
  /** The name of the choice cookie, to which the visitor id's adds `_id`. */
  _name: string;
  _released: Released[];
  /** What `data-on-withdraw` calls, by the name under which it was registered. */
  _hooks: Map<string, () => unknown>;
  /** Lets loose what is granted now; release.js puts its own in the place. */
  _release(): void;
  /** Looks for what waits, until release.js is there. */
  _observer: MutationObserver;
  /** Puts a decision down before queue.js is there; answers its id where that was all of it. */
  _note(changes: ConsentState | string[], method: string): string | undefined;
  /** Whether a purpose is the visitor's to grant: not where the browser's signal speaks against it. */
  _grantable(purpose: Purpose): boolean;
  /** The nonce of the snippet's own tag. */
  _nonce?: string;
  /** What the stub held that a script of the page had made. */
  _held?: WeakSet<Node> | undefined;
  _explain?(element: Element, reason: Reason, detail: string): void;
  _learn(cache?: RequestCache): Promise<void>;
  /** Looks at the world again: asks where nobody has answered, and falls silent where somebody has. */
  _look(): void;
  /** What the choice is worth now; acts on a difference. */
  _judge(): void;
  /** The choice anew from the cookies, without what queued decisions take away. */
  _read(): void;
  /** The choice as the cookies have it. */
  _cookieChoice(): Choice | null;
  /** Epoch milliseconds, by the server's clock as far as this browser knows it. */
  _now(): number;
  _state(): ConsentState;
  /** Sends what can go now, and keeps the rest for the next page. */
  _flush(): void;
  /** The id under which is recorded, where this page knows it. */
  _visitor(): string | null;
  /** Records the view of this page, once it counts. */
  _settle(): void;
  _quietly: typeof quietly;
  /** `document`, and the way to read any object, as the browser made them: see natives.ts. */
  _doc: Document;
  /** What is to be recorded; record.js puts its own in the place, and takes over what has waited for it. */
  _record(event: Event): void;
  _events: Event[];
  /** Takes what waits to be sent out of the storage, where nothing covers it. */
  _sweep(): void;
  /** A copy as JSON has it, within the collector's limits; counts what was left out, of which the console hears. */
  _plain(value: unknown): unknown;
  _cut(why: Cut): void;
  _cuts: Partial<Record<Cut, number>>;
  /** Names in the console a fault that is known, what of events was cut and how often, or whatever keeps dongui from working. */
  _complain(fault?: Fault | Cut, count?: number): unknown;
  _diagnose?(fault?: Fault | Cut, count?: number): unknown;
  _native: typeof native;
  _uuid: typeof uuid;
  /** Whether the browser objects, by a signal that counts here. */
  _gpc(): boolean;
  /** Whether the browser asks not to be tracked (DNT), and the site heeds that. */
  _dnt: boolean;
  /** Loads one of our files, once; its address names its content, so that a cache never pairs two versions. */
  _load(file: "ui" | "panel" | "queue" | "extras" | "vitals" | "place" | "release" | "diagnostics" | "record" | "position"): Promise<unknown>;
  // What queue.js adds:
  /** A decision of the page's own making; `id` names a withdrawal that is in force already. */
  _change?(changes: ConsentState | string[], id?: string): Promise<Result>;
  /** A decision; a list names what is refused or withdrawn, an empty one means everything. Answers what became of it. */
  _decide?(changes: ConsentState | string[], method: string, erase?: boolean): Promise<Result>;
  /** Delivers what is queued; answers how the first attempt of one decision ended. */
  _deliver?(id?: string): Promise<Result>;
  /** Makes the digest of the words that are shown; never rejects but where the browser has no digest. */
  _digest?(): Promise<void>;
  /** The purposes that queued decisions grant. */
  _awaited?(): string[];
  /** All visitor ids in sight; and whether a cookie of another name or setting refuses. */
  _ids?(): string[];
  _refused?(): boolean;
  /** What the question says when it comes back, because an answer was refused for good. */
  _again?: string;
  // What ui.js adds:
  /** Whether asking is allowed here. */
  _mayShow(): boolean;
  _show(view: View): unknown;
  /** The same as `_decide`, which it waits for. */
  _choose(changes: ConsentState | string[], method: string, erase?: boolean): Promise<Result>;
  /** Takes away what is shown; with `question`, only the banner. */
  _hide?(question?: boolean): void;
  _words: Words;
  /** The words of the language that the facts are in. */
  _wordsNow(): Words;
  _h: typeof h;
  /** What decides is held back anew: something else is asked in the same place. */
  _hold?(): void;
  _keep: typeof keep;
  /** Shows it; what the panel adds is its style and its words. */
  _mount(dialog: HTMLDialogElement, modal: boolean, style?: string, words?: object): void;
  /** How the question was put that is answered now: the layout, the interface's words, and once it is known their digest. */
  _shown?: { layout: string; words: object; catalog?: string };
  _switch(purpose: NoticePurpose): HTMLElement;
  _button(action: string, text: string, act: (event: globalThis.Event) => void): HTMLElement;
  _ticked(root: ParentNode): ConsentState;
  _policyLink(): HTMLElement;
  // What position.js adds:
  /** Whether nobody is asked at this address; moves the question off what is being used. */
  _away?(): boolean;
  _fit?(dialog: HTMLDialogElement): void;
  // What panel.js adds:
  _panel?(view: View): void;
  _undo?(): void;
  /** Resolves once what was taken away last has been undone. */
  _undone?: Promise<unknown>;
}

export const core = {
  _granted: new Set(),
  _queue: [] as Entry[],
  _turns: 0,
  _pending: [] as string[],
  _released: [] as Released[],
  _hooks: new Map(),
  _quietly: quietly,
  _doc: doc,
  _events: [] as Event[],
  _cuts: {},
  _native: native,
  _uuid: uuid,
  _gpc: () => gpc() || core._dnt,
} as unknown as Core;
