/** Which purposes are granted, by id; only purposes that rest on consent are listed. */
export type ConsentState = Record<string, boolean>;

/**
 * What became of a decision, once its first attempt is over: the collector has it on record; or it has not, and it is sent
 * again until it has; or the grant does not count, because the collector or the browser's cookies refuse it.
 */
export type Result = "recorded" | "pending" | "refused";

/** What `window.dongui` offers. Nothing here throws into the page. */
export interface Dongui {
  /** Records an event, reduced to the items that the granted purposes list; without any, nothing happens. */
  track(name: string, props?: Record<string, unknown>): void;
  readonly consent: {
    /** Whether the purpose may act right now. False until the choice is known. */
    granted(purpose: string): boolean;
    /** Grants (`true`) or refuses and withdraws (`false`) the named purposes; others keep their state. */
    set(choices: ConsentState): Promise<Result>;
    /** Calls `fn` at every change, also when the choice first becomes known. Returns the way to stop. */
    onChange(fn: (state: ConsentState) => void): () => void;
    /** Settles when the choice is known, or known to be missing. */
    readonly ready: Promise<ConsentState>;
  };
  /** Opens the preferences. */
  show(): void;
  /** Withdraws the named purposes, or all of them. */
  withdraw(...purposes: string[]): Promise<Result>;
  /** Opens what is held about this visitor, to see, download or erase. */
  myData(): void;
  /** Registers what elements with `data-on-withdraw="name"` have called when they are taken back. */
  onWithdraw(name: string, hook: () => void): void;
  /** Gives the advertising id of the device (`adid`, `idfa`, …) in an app's web view; `null` forgets it. */
  setAdvertisingId(kind: string, id: string | null): void;
}

/** How the snippet is set up; on the script tag each is a `data-…` attribute. */
export interface Options {
  /** The site id that `dongui init` or `dongui sites add` printed. */
  site: string;
  /** Where the collector answers, without a trailing slash: `https://collect.example` or `/_dongui`. */
  base: string;
  /** Language of the interface; otherwise the page's, then the browser's. */
  lang?: string;
  /** Cookie domain, to share the choice between subdomains. */
  domain?: string;
  /** `"none"`: no interface; the page asks by itself through `consent.set`. */
  ui?: "none";
  /** `"off"`: page views are not recorded by themselves. */
  pageViews?: "off";
  /** What else is recorded, by name: `links forms scroll time missing vitals`. */
  track?: string;
  /** Puts placeholders where frames, films and images wait for a consent. */
  placeholders?: string;
  /** A button in the corner that leads back to the preferences, once a choice was made. */
  floating?: string;
  /** `"light"` or `"dark"`; otherwise the visitor's own preference. */
  theme?: string;
  /** `"full"`: the question with its long descriptions and what processors do, which are a tap away otherwise. */
  layout?: "full";
  /** Where the question stands on a wide screen: in the middle below, in the corner, along the edge below, or above. */
  position?: "bottom" | "corner" | "bar" | "top";
  /** Paths below which nobody is asked, with blanks between them: `/admin /login`. */
  neverOn?: string;
  /** Asks in a modal dialog: the page waits for the answer. */
  modal?: string;
  /** For a page that is made to stand in frames of other sites: it asks there too, under cookies of its own. */
  embedded?: string;
  /** Words of the interface to replace, by their name in `ui/words`, as JSON. */
  words?: string;
  /** Has the console say also that nothing is wrong. */
  debug?: string;
  /** Heeds Do Not Track as it does Global Privacy Control. */
  dnt?: string;
  /** The query key of the site's own search; `q` unless set. */
  search?: string;
}
