/** What the parts of the snippet share, also those that are loaded later: ui.js finds it in `dongui._core`. */
import type { ConsentState, Options, Result } from "./api";
import { quietly, uuid } from "./page";
import type { Entry } from "./queue";
import type { Choice, Policy, Purpose } from "./rules/types";
import { gpc } from "./signals";
import type { h } from "./ui/dom";
import type { Words } from "./ui/words/words";

/** A purpose as `GET /v1/notice` tells it: what the gate needs, and what there is to read. */
export interface NoticePurpose extends Purpose {
  id: string;
  label: string;
  description: string;
  basis_text: string;
  refusal: string | null;
  keep_text: string;
  recipients: { name: string; task: string; country: string; country_text?: string | null; kind: string }[];
}

/** `GET /v1/notice`, its purposes by id. */
export interface Facts extends Policy {
  lang: string;
  service: string;
  policy_url: string;
  /** `"server"`: the middleware, through which the answer came, counts the pages that it serves. */
  page_views?: string;
  items: Record<string, string>;
  purposes: Record<string, NoticePurpose>;
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
  /** Whether the choice has been judged; before that nothing is granted and nothing is decided. */
  _known?: boolean;
  /** Whether nobody is asked any more on this page: it keeps no cookie, or the answer was refused twice. */
  _quiet?: unknown;
  // Of queue.ts:
  _stored(): Record<string, string>;
  _keys(prefix: string): string[];
  _values(prefix: string): any[];
  _store(key: string, value: unknown): void;
  _remove(key: string): void;
  _json(value: unknown): string;
  /** The name of the choice cookie, to which the visitor id's adds `_id`; and the attributes of both. */
  _name: string;
  _kept: string;
  _released: Released[];
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
  /** One attempt to hand something over; nothing where there was no answer. */
  _send(path: string, body: unknown): Promise<Response | void>;
  /** The id under which is recorded, where this page knows it. */
  _visitor(): string | null;
  /** Sets one of our cookies: `""` the choice, `"_id"` the visitor id; 0 seconds remove it. */
  _setCookie(name: string, value: string, seconds: number): void;
  /** Records the view of this page, once it counts. */
  _settle(): void;
  _quietly: typeof quietly;
  _uuid: typeof uuid;
  /** Whether the browser objects, by a signal that counts here. */
  _gpc(): boolean;
  /** Whether the browser asks not to be tracked (DNT), and the site heeds that. */
  _dnt: boolean;
  /** Loads one of our files, once; its address names its content, so that a cache never pairs two versions. */
  _load(file: "ui" | "panel" | "queue" | "extras" | "vitals" | "place"): Promise<unknown>;
  // What queue.js adds:
  /** A decision; a list names what is refused or withdrawn, an empty one means everything. Answers what became of it. */
  _decide?(changes: ConsentState | string[], method: string, erase?: boolean): Promise<Result>;
  /** Delivers what is queued; answers how the first attempt of one decision ended. */
  _deliver?(id?: string): Promise<Result>;
  /** The purposes that queued decisions grant. */
  _awaited?(queue: Entry[]): string[];
  /** All visitor ids in sight; and whether a cookie of another name or setting refuses. */
  _ids?(): string[];
  _refused?(): boolean;
  /** Whether an answer was refused for good, so that the question comes back. */
  _again?: number;
  // What ui.js adds:
  _show(view: View): unknown;
  /** The same as `_decide`, which it waits for. */
  _choose(changes: ConsentState | string[], method: string, erase?: boolean): Promise<Result>;
  /** Takes away what is shown; with `question`, only the banner. */
  _hide?(question?: boolean): void;
  _words: Words;
  /** The words of the language that the facts are in. */
  _wordsNow(): Words;
  _h: typeof h;
  _mount(dialog: HTMLDialogElement, modal: boolean, style?: string): void;
  _terms(purpose: NoticePurpose, basis?: string): HTMLElement;
  _switch(purpose: NoticePurpose, text: string): HTMLElement;
  _button(action: string, text: string, act: () => void): HTMLElement;
  _ticked(root: ParentNode): ConsentState;
  _policyLink(): HTMLElement;
  // What panel.js adds:
  _panel?(view: View): void;
  _undo?(): void;
  /** Whether a script of a withdrawn purpose has run on this page: what it leaves behind is removed at every look. */
  _ran?: boolean;
  /** Whom to tell that the queue has changed: what stands on the page says "being saved". */
  _changed: (() => void)[];
}

export const core = {
  _granted: new Set(),
  _queue: [] as Entry[],
  _pending: [] as string[],
  _changed: [] as (() => void)[],
  _released: [] as Released[],
  _quietly: quietly,
  _uuid: uuid,
  _gpc: () => gpc() || core._dnt,
} as unknown as Core;
