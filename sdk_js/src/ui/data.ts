/** What is held about this visitor: to see, to download, to erase (S9, K10, K11). */
import { frameHeader } from "../mount";
import { confirmed } from "./confirm";
import { core } from "./core";
import { download } from "./download";
import type { PanelWords } from "./words/words";

/** `GET /v1/me`, as far as it is shown. */
interface Mine {
  suspended: boolean;
  consents: unknown[];
  records: { class?: string }[];
  events: { at: number | null; name: string | null; url: string | null; ip_address: string | null }[];
}

const SHOWN = 50;

/**
 * What is held about this visitor, their consent receipts among it: by the id where the page knows it, else by the HttpOnly
 * cookie.
 */
export async function held(): Promise<Mine> {
  await core._load("queue");
  const id = core._ids?.()[0];
  const headers: Record<string, string> = id ? { Authorization: `Bearer ${id}` } : { "X-Dongui": "1", ...frameHeader() };
  const answer = await fetch(`${core._options.base}/v1/me?site=${core._options.site}`, { headers });
  // 404: the collector knows nobody of that id; 401: there is none. Either way nothing is held.
  if (answer.status == 404 || answer.status == 401) return { suspended: false, consents: [], records: [], events: [] };
  if (!answer.ok) throw answer.status;
  return answer.json();
}

/** Fetched when it is asked for: it may be much. `taken` is called once everything was taken back. */
export function data(words: PanelWords, now: boolean, taken: () => void): HTMLElement {
  const { _h: h } = core;
  const status = h("p", { role: "status" });
  const body = h("div", {});
  const section = h("section", { part: "data", id: "data", tabindex: "-1" }, h("h2", {}, words.data), h("p", {}, words.dataIntro), status, body);
  const say = (text: string): void => void (status.textContent = text);
  const fail = (): void => say(words.unreachable);
  const show = (found: Mine): void => {
    const lines = [
      found.suspended && words.suspended,
      found.events[0] ? `${words.events}: ${found.events.length.toLocaleString(core._facts.lang)}` : !found.records[0] && words.nothing,
      found.records[0] && `${words.records}: ${found.records.length}`,
    ];
    say(lines.filter(Boolean).join(" · "));
    body.replaceChildren(
      ...(found.events[0] ? [table(found, words)] : []),
      h("div", { class: "row" }, core._button("download", words.download, () => download("dongui-my-data.json", found))),
      confirmed((question) => core._button("erase", words.erase, question), words.eraseAsk, words, erase),
    );
  };
  /** In force as a withdrawal at once; what was shown goes, and the switches with it. */
  const erase = (): Promise<string> => {
    const made = core._choose([], "preferences", true);
    body.replaceChildren();
    say(words.erasing);
    taken();
    return made.then((result) => {
      if (result == "recorded") say(words.erased);
      return "";
    });
  };
  const load = (): void => {
    body.replaceChildren();
    held().then(show).catch(fail);
  };
  if (now) load();
  else body.append(core._button("data", words.show, load));
  return section;
}

/** The latest rows; all of them are in the download. */
function table({ events }: Mine, words: PanelWords): HTMLElement {
  const { _h: h } = core;
  const rows = events.slice(-SHOWN).reverse();
  const when = (at: number | null): string => (at ? new Date(at).toLocaleString(core._facts.lang, { dateStyle: "short", timeStyle: "short" }) : "–");
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": words.events },
    h(
      "table",
      {},
      h("tr", {}, ...[words.when, words.what, words.where, "IP"].map((name) => h("th", { scope: "col" }, name))),
      ...rows.map(({ at, name, url, ip_address }) => h("tr", {}, ...[when(at), name && (words[`event.${name}`] ?? name), url?.replace(/^\w+:\/\/[^/]*/, ""), ip_address].map((text) => h("td", {}, text || "–")))),
    ),
  );
}
