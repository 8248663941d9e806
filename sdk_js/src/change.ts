/** What happens when a choice changes: it is written down, told, and what it no longer covers is undone. Part of ui.js. */
import type { ConsentState } from "./api";
import { encodeChoice } from "./rules/consent";
import { core } from "./ui/core";

const KEY = "dongui.consents";
/** Bodies of `POST /v1/consents` that the collector has not answered, oldest first. */
const queue: { visitor: string; id: string }[] = (core._unsent && core._quietly(() => JSON.parse(localStorage[KEY]))) || [];
let busy = false;

/** Sets a cookie of ours; `seconds` of 0 removes it. */
const setCookie = (name: string, value: string, seconds: number): void =>
  void core._quietly(() => {
    const { domain } = core._options;
    core._doc.cookie = `${name}=${value};Max-Age=${seconds};Path=/;SameSite=Lax${domain ? `;Domain=${domain}` : ""}${location.protocol == "https:" ? ";Secure" : ""}`;
  });

function keepVisitor(id: string): void {
  core._visitor = id;
  setCookie("dongui_id", id, id ? core._facts.choice_seconds : 0);
}

const save = (): void => void core._quietly(() => (queue[0] ? (localStorage[KEY] = JSON.stringify(queue)) : delete localStorage[KEY]));

/** Puts a decision into force on this page at once, then tells the collector; other tabs hear of it through the storage. */
core._decide = (wanted: ConsentState | string[], method: string, stay?: boolean): void => {
  const { version, choice_seconds, purposes, lang } = core._facts;
  const before = core._read() ?? [];
  const all = Object.keys(core._state());
  const changes: ConsentState = Array.isArray(wanted) ? Object.fromEntries((wanted[0] ? wanted : all).map((id) => [id, false])) : wanted;
  // Of purposes that there are not, nobody has decided.
  if (!all.some((id) => changes[id] != null)) return;
  const granted = all.filter((id) => changes[id] ?? before.includes(id));
  core._choice = { version, granted, at: Math.floor(Date.now() / 1000) };
  core._memory = encodeChoice(core._choice);
  setCookie("dongui", core._memory as string, choice_seconds);
  if (core._quietly(() => core._doc.cookie.includes(core._memory as string))) core._memory = "";
  const body = {
    site: core._options.site,
    visitor: core._visitorId(),
    notice: version,
    granted: all.filter((id) => changes[id]),
    refused: all.filter((id) => changes[id] === false),
    method,
    lang,
    // GPC is a header as well, so that the collector hears of it in any case.
    signals: { [core._dnt ? "dnt" : "gpc"]: core._gpc() },
    id: core._uuid(),
  };
  queue.push(body);
  save();
  void deliver();
  // Only a decision takes the id away: after a mere expiry it is still the key to one's own data.
  if (body.visitor && !granted.some((id) => purposes[id]!.items.includes("cookie"))) keepVisitor("");
  stay || core._hide!();
  core._judge();
  // What undoes it has to be at hand when it is withdrawn, also should the collector be out of reach by then.
  granted[0] && core._load("panel");
};

async function deliver(): Promise<void> {
  core._unsent = true;
  if (busy) return;
  busy = true;
  let answer: Response | undefined;
  while ((answer = await core._post("consents", () => queue[0] && { ...queue[0], visitor: queue[0].visitor || core._visitorId() || null }))) {
    const told = answer.ok && (await answer.json().catch(() => new Promise((again) => setTimeout(again, 1e3))));
    // An answer that broke off is asked for again, and is the same: the decision has an id.
    if (told == null) continue;
    queue.shift();
    save();
    if (answer.status == 409) {
      // The notice that was answered is no longer in force: the answer does not count, ask again.
      setCookie("dongui", (core._memory = ""), 0);
      await core._learn("reload").then(core._look, () => {});
    }
    // On the site's own origin the server keeps the id out of our reach.
    if (told && told.visitor_cookie == null) keepVisitor(told.visitor || "");
  }
  busy = false;
  core._unsent = false;
  core._flush();
}
// How long an id may live stands in the notice.
if (queue[0]) core._learn().then(deliver, () => {});
