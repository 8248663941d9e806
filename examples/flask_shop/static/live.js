// Shows what the collector holds about this browser, once a second, and what was held back.
"use strict";
(() => {
  const live = document.getElementById("live");
  const words = JSON.parse(live.dataset.words);
  const own = { headers: { "X-Dongui": "1" }, credentials: "same-origin", cache: "no-store" };
  const at = (id) => document.getElementById(id);
  const shown = new Set();
  let first = true;
  /** Labels of purposes and items in the visitor's language, by id; from the notice. */
  let labels = {};
  /** The purposes that rest on consent, in the notice's order. */
  let purposes = [];
  const named = (id) => labels[id] || id;
  /** What a row shows → the item that must be covered for it. */
  const ITEMS = {
    at: "visit_time",
    url: "service_usage",
    ip_address: "ip_address",
    environment: "access_environment",
    advertising_ids: "advertising_id",
  };

  function element(tag, text, className) {
    const made = document.createElement(tag);
    if (text != null) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  /** Everything held, or null when nothing is: the collector does not know this browser. */
  async function held() {
    const answer = await fetch(`/_dongui/v1/me?site=${encodeURIComponent(live.dataset.site)}`, own);
    if (answer.ok) return answer.json();
    if (answer.status >= 500 || answer.status === 429) throw new Error(String(answer.status));
    return null;
  }

  function cell(value, className) {
    if (value == null || value === "") {
      const nothing = element("td", "", "null");
      nothing.title = words.null;
      nothing.append(element("span", "–"));
      return nothing;
    }
    return element("td", value, className);
  }

  const path = (url) => (url ? url.replace(/^https?:\/\/[^/]+/, "") : null);

  function environment(row) {
    const { browser, os } = row.environment || {};
    return [browser, os].filter(Boolean).join(" · ") || null;
  }

  function ads(row) {
    const pairs = Object.entries(row.advertising_ids || {});
    return pairs.map(([kind, id]) => `${kind} ${id}`).join(", ") || null;
  }

  function line(row) {
    const tr = element("tr", null, !first && !shown.has(row.id) ? "new" : "");
    shown.add(row.id);
    const time = row.at ? new Date(row.at).toLocaleTimeString("en-GB") : null;
    const address = [row.ip_address, row.country].filter(Boolean).join(" · ");
    tr.append(cell(time, "time"), cell(row.name), cell(path(row.url), "page"), cell(address), cell(environment(row)), cell(ads(row)));
    const purposes = element("td");
    for (const purpose of row.purposes || []) purposes.append(element("span", named(purpose), "chip"), " ");
    tr.append(purposes);
    return tr;
  }

  function showRows(rows) {
    at("count").textContent = String(rows.length);
    at("rows").replaceChildren(...rows.slice(-50).reverse().map(line));
    at("nothing").hidden = rows.length > 0;
    at("rows").parentElement.hidden = rows.length === 0;
    first = false;
  }

  function showStates(states) {
    at("states").replaceChildren(...Object.entries(states).map(([purpose, state]) => {
      const item = element("li", null, state);
      item.append(element("span", named(purpose)), element("b", words[state] || state));
      return item;
    }));
  }

  /** Whoever has granted nothing has no id, and so no record: only the choice in this browser tells that they were asked. */
  function withoutId() {
    const asked = /(^|; )dongui=/.test(document.cookie);
    return Object.fromEntries(purposes.map((purpose) => [purpose, asked ? "not_given" : "unasked"]));
  }

  function showCookies(names) {
    const readable = new Set(document.cookie.split("; ").map((pair) => pair.split("=")[0]));
    const items = names.map((name) => {
      const item = element("li", name);
      if (!readable.has(name)) item.append(" ", element("small", words.http_only));
      return item;
    });
    at("cookies").replaceChildren(...(items.length ? items : [element("li", words.no_cookies, "none")]));
  }

  function showHeldBack(server, rows) {
    const items = [];
    for (const script of document.querySelectorAll('script[type="text/plain"][data-purpose]'))
      items.push([words.script, script.getAttribute("src").split("/").pop()]);
    for (const name of server) items.push([words.server_cookie, name]);
    const last = rows[rows.length - 1];
    if (last) for (const [shown, item] of Object.entries(ITEMS)) if (last[shown] == null) items.push([words.item, named(item)]);
    const lines = items.map(([kind, name]) => {
      const item = element("li", name);
      item.append(" ", element("small", kind));
      return item;
    });
    at("back").replaceChildren(...(lines.length ? lines : [element("li", words.nothing_held_back, "none")]));
  }

  function say(text) {
    at("notice").textContent = text;
    at("notice").hidden = !text;
  }

  async function look() {
    const [me, browser] = await Promise.all([held(), fetch(live.dataset.browser, own).then((answer) => answer.json())]);
    const rows = me ? me.events : [];
    showRows(rows);
    showStates(me ? me.state : withoutId());
    showCookies(browser.cookies);
    showHeldBack(browser.held_back, rows);
    at("pulse").classList.toggle("on");
  }

  async function learnLabels() {
    const lang = document.documentElement.lang;
    const answer = await fetch(`/_dongui/v1/notice?site=${encodeURIComponent(live.dataset.site)}&lang=${lang}`);
    const notice = await answer.json();
    labels = { ...notice.items, ...Object.fromEntries(notice.purposes.map((purpose) => [purpose.id, purpose.label])) };
    purposes = notice.purposes.filter((purpose) => purpose.basis === "consent").map((purpose) => purpose.id);
  }

  /** One question after the other: a slow answer delays the next question, it never doubles it. */
  async function keepLooking() {
    try {
      if (!Object.keys(labels).length) await learnLabels();
      if (document.visibilityState === "visible") await look();
      if (at("notice").textContent === words.failed) say("");
    } catch {
      say(words.failed);
    }
    setTimeout(keepLooking, 1000);
  }

  at("withdraw").addEventListener("click", () => window.dongui.push(["withdraw"]));
  at("erase").addEventListener("click", async () => {
    const answer = await fetch(`/_dongui/v1/me?site=${encodeURIComponent(live.dataset.site)}`, { ...own, method: "DELETE" });
    const erased = answer.ok || answer.status === 404;
    say(erased ? words.erased : words.failed);
    // Whoever erases does not want to be recorded anew: the choice in this browser goes along.
    if (erased) window.dongui.push(["withdraw"]);
    await look();
  });
  keepLooking();
})();
