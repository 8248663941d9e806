/** What the parts of the snippet share, also those that are loaded later: ui.js finds it in `dongui._core`. */
import type { ConsentState, Dongui, Options } from "./api";
import type { Choice, Policy, Purpose } from "./rules/types";

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
  items: Record<string, string>;
  purposes: Record<string, NoticePurpose>;
}

/** What was let loose, for the day it is taken back. */
export interface Released {
  _element: HTMLElement;
  _purposes: string[];
  /** What a template unfolded to. */
  _nodes: Node[];
  /** The element as it was while it was inert. */
  _before: Node;
}

/** What the visitor sees: the question, the preferences, or their own data. */
export type View = "banner" | "preferences" | "data";

/** One for the page. */
export interface Core {
  _options: Options;
  _facts: Facts;
  _choice: Choice | null;
  _granted: ReadonlySet<string>;
  /** Whether the choice has been judged; before that nothing is granted and nothing is decided. */
  _known: boolean;
  /** The choice, and the visitor id, where cookies are blocked: they work for this page. */
  _memory: string;
  _visitor: string;
  /** Decisions under way: until they are made, nothing is judged by the state before them. */
  _deciding: number;
  /** Consents that have not reached the collector: events wait for them. */
  _unsent: number;
  _sameOrigin: boolean;
  _released: Released[];
  _learn(cache?: RequestCache): Promise<void>;
  _look(): void;
  _judge(): void;
  _state(): ConsentState;
  /** The choice anew from the cookie; answers what it grants, as long as it stands. */
  _read(): string[];
  _deliver(): void;
  _post(path: string, body: () => object | false | undefined | ""): Promise<Response | undefined>;
  _visitorId(): string;
  _quietly: typeof import("./page").quietly;
  _cookies: typeof import("./page").cookies;
  _cookieValues: typeof import("./page").cookieValues;
  _uuid: typeof import("./page").uuid;
  _api: Dongui;
  // What ui.js adds:
  _show?(view: View): void;
  _hide?(): void;
  _decide?(changes: ConsentState, method: string): void;
  _changed?(lost: string[]): void;
}

export const core = {
  _choice: null,
  _granted: new Set(),
  _known: false,
  _memory: "",
  _visitor: "",
  _deciding: 0,
  _unsent: 0,
  _released: [] as Released[],
} as unknown as Core;
