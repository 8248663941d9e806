"""The scripts that a look at a page runs in it. What they return is a stranger's: it is decoded by type and cut."""

from __future__ import annotations

import json

# Before anything of the page runs, in a world of its own: the page's scripts neither see nor change it.
LISTEN = """
globalThis.refused = [];
addEventListener("securitypolicyviolation", (event) => {
  if (refused.length < 100) refused.push([event.effectiveDirective, event.blockedURI, event.sourceFile]);
}, true);
"""
WORLD = "dongui-check"

TAGS = """JSON.stringify({
  tags: [...document.querySelectorAll("script[src]")].filter((one) => {
    try { return new URL(one.src).pathname.endsWith("/v1/dongui.js"); } catch { return false; }
  }).slice(0, 8).map((one) => ({src: one.src, site: one.dataset.site ?? ""})),
  refused: globalThis.refused ?? [],
  cookies: navigator.cookieEnabled,
})"""

RUNS = 'typeof window.dongui?.consent?.granted === "function"'


def calls(base: str, site: str) -> str:
    """What the page itself is answered by the collector at ``base``: a read, and a write that never records anything.

    The write is a choice that claims to have come by letter, which a browser may not: it is refused, but after the
    collector has said whether it knows the site and lists the origin.
    """
    body = {"site": site, "notice": "-", "granted": [], "refused": [], "method": "letter", "lang": "en"}
    return f"""(async () => {{
      const ask = async (address, init) => {{
        try {{
          const answer = await fetch(address, {{...init, credentials: "omit", signal: AbortSignal.timeout(8000)}});
          let problem = "";
          try {{ problem = String((await answer.json()).type ?? ""); }} catch {{ problem = "other"; }}
          return {{status: answer.status, problem}};
        }} catch {{ return {{status: 0, problem: ""}}; }}
      }};
      const base = {json.dumps(base)};
      return JSON.stringify({{
        notice: await ask(base + "/v1/notice?site=" + encodeURIComponent({json.dumps(site)})),
        write: await ask(base + "/v1/consents", {{method: "POST", body: {json.dumps(json.dumps(body))}}}),
      }});
    }})()"""
