/** What a visitor decided: the content of the `dongui` cookie. Holds no identifier. */
export interface Choice {
  /** The notice version that was shown. */
  version: string;
  /** Purposes granted; every other purpose of that notice was refused. */
  granted: string[];
  /** When, in epoch seconds. */
  at: number;
}

/** One purpose, as `GET /v1/policy` compiles it. */
export interface Purpose {
  basis: string;
  required: boolean;
  items: string[];
  signals: string[];
  google_consent: string[];
  urls: string[];
  reconfirm_seconds: number | null;
}

/** A cookie that the policy declares; `name` is a glob. */
export interface DeclaredCookie {
  name: string;
  /** null for a cookie that the site cannot work without: nobody is asked for it. */
  purpose: string | null;
  record: boolean;
}

/** What the gate needs to decide: `GET /v1/policy`, or the same facts taken from `GET /v1/notice`. */
export interface Policy {
  version: string;
  /** Notice versions whose choices still stand. */
  accepts: string[];
  choice_seconds: number;
  query_keys: string[];
  /** Globs of the site's own paths, and names of properties, that are never searched for personal patterns. */
  unsearched_paths?: string[];
  unsearched_properties?: string[];
  purposes: Record<string, Purpose>;
  cookies: DeclaredCookie[];
}

/** An event in the wire shape of `POST /v1/events`. */
export interface Event {
  id: string;
  name: string;
  /** Epoch milliseconds. */
  at: number;
  url?: string;
  referrer?: string;
  props?: Record<string, unknown>;
  search?: string;
  ad_ids?: Record<string, string>;
  cookies?: Record<string, string>;
  environment?: Record<string, string>;
  ip?: string;
  user_agent?: string;
}
