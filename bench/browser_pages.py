"""The same page with the snippet, and with each of its peers, set up for the same purposes as their own guides say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from dongui.policy import default_policy_text, notice, parse

from bench.processes import ROOT

DIST = ROOT / "sdk_js" / "dist"
MODULES = ROOT / "bench" / "peers" / "node_modules"

#: The page that is measured: some text, so that something could move.
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><script>%s</script>%s</head>
<body><h1>Shop</h1>%s</body></html>"""
_TEXT = "<p>Some text of the page, as any page has it, long enough to fill a line or two.</p>" * 40

#: When the question is first painted: the frame after the one in which it has a size and is not transparent.
_WATCH = """window.seen = new Promise(done => {
  const find = () => { const [outer, inner] = %s; const e = document.querySelector(outer);
    return inner ? e && e.shadowRoot && e.shadowRoot.querySelector(inner) : e };
  const look = () => { const e = find(), s = e && getComputedStyle(e), r = e && e.getBoundingClientRect();
    if (e && r.height > 20 && r.top < innerHeight && s.visibility != "hidden" && +s.opacity > 0.01)
      requestAnimationFrame(() => done(performance.now())); else requestAnimationFrame(look) };
  look() });
window.shift = 0; window.longest = 0;
new PerformanceObserver(l => l.getEntries().forEach(e => shift += e.value))
  .observe({type: "layout-shift", buffered: true});
new PerformanceObserver(l => l.getEntries().forEach(e => longest = Math.max(longest, e.duration)))
  .observe({type: "longtask", buffered: true});"""


@dataclass(frozen=True, slots=True)
class Subject:
    """One consent manager: what it loads to ask, how a page does, and the element that asks (and one in its shadow)."""

    name: str
    files: tuple[Path, ...]
    head: str
    element: tuple[str, str]

    def page(self, *, watched: bool) -> bytes:
        return (_PAGE % (_WATCH % json.dumps(self.element) if watched else "", self.head, _TEXT)).encode()

    def served(self) -> dict[str, bytes]:
        """Path → content, its page at ``/<name>``, and without the watching at ``/<name>/alone``."""
        found = {f"/{self.name}/{file.name}": file.read_bytes() for file in self.files}
        pages = {f"/{self.name}": self.page(watched=True), f"/{self.name}/alone": self.page(watched=False)}
        return found | pages


def _peer(name: str, files: list[str], tags: str, element: str) -> Subject:
    return Subject(name, tuple(MODULES / file for file in files), tags.replace("@/", f"/{name}/"), (element, ""))


VANILLA = _peer(
    "vanilla-cookieconsent",
    ["vanilla-cookieconsent/dist/cookieconsent.umd.js", "vanilla-cookieconsent/dist/cookieconsent.css"],
    """<link rel="stylesheet" href="@/cookieconsent.css"><script defer src="@/cookieconsent.umd.js"></script>
<script type="module">CookieConsent.run({hideFromBots: false,
  categories: {necessary: {readOnly: true}, statistics: {}, marketing: {}},
  language: {default: "en", translations: {en: {consentModal: {title: "Your consent", description: "Do you agree?",
    acceptAllBtn: "Agree", acceptNecessaryBtn: "Do not agree", showPreferencesBtn: "Choose"},
    preferencesModal: {title: "Settings", acceptAllBtn: "Agree", savePreferencesBtn: "Save", sections: [
      {title: "Statistics", description: "Visits", linkedCategory: "statistics"},
      {title: "Marketing", description: "Advertising", linkedCategory: "marketing"}]}}}}})</script>""",
    "#cc-main .cm",
)
KLARO = _peer(
    "klaro",
    ["klaro/dist/klaro.js"],
    """<script>window.klaroConfig = {version: 1, lang: "en", mustConsent: false, acceptAll: true,
  translations: {en: {}}, services: [{name: "statistics", purposes: ["statistics"]},
    {name: "marketing", purposes: ["marketing"]}]}</script>
<script defer src="@/klaro.js"></script>""",
    ".klaro .cookie-notice",
)
OREJIME = _peer(
    "orejime",
    ["orejime/dist/orejime-standard-en.js", "orejime/dist/orejime-standard.css"],
    """<link rel="stylesheet" href="@/orejime-standard.css"><script>window.orejimeConfig = {privacyPolicyUrl: "/policy",
  purposes: [{id: "statistics", title: "Statistics", cookies: ["_ga"]},
    {id: "marketing", title: "Marketing", cookies: ["_fbp"]}]}</script>
<script defer src="@/orejime-standard-en.js"></script>""",
    ".orejime-Banner",
)
TARTEAUCITRON = _peer(
    "tarteaucitron",
    [
        "tarteaucitronjs/tarteaucitron.min.js",
        "tarteaucitronjs/tarteaucitron.services.min.js",
        "tarteaucitronjs/css/tarteaucitron.min.css",
        "tarteaucitronjs/lang/tarteaucitron.en.min.js",
    ],
    """<script src="@/tarteaucitron.min.js"></script><script>tarteaucitronForceLanguage = "en";
tarteaucitron.init({privacyUrl: "", orientation: "bottom", showAlertSmall: false, DenyAllCta: true, AcceptAllCta: true,
  highPrivacy: true, handleBrowserDNTRequest: false, useExternalCss: false, useExternalJs: false, cookieslist: false});
tarteaucitron.user.gtagUa = "G-1"; (tarteaucitron.job = tarteaucitron.job || []).push("gtag")</script>""",
    "#tarteaucitronAlertBig",
)
OSANO = _peer(
    "osano",
    ["cookieconsent/build/cookieconsent.min.js", "cookieconsent/build/cookieconsent.min.css"],
    """<link rel="stylesheet" href="@/cookieconsent.min.css"><script src="@/cookieconsent.min.js"></script>
<script>addEventListener("DOMContentLoaded", () => cookieconsent.initialise({type: "opt-in", palette: {
  popup: {background: "#eee"}, button: {background: "#14a"}}}))</script>""",
    ".cc-window",
)
#: c15t has no script of its own to load; `peers/c15t.js` is bundled with React before it is measured.
C15T = _peer(
    "c15t",
    [".c15t/c15t.js", ".c15t/c15t.css"],
    '<link rel="stylesheet" href="@/c15t.css"><script defer src="@/c15t.js"></script>',
    "[data-testid=consent-banner-root]",
)
PEERS = (OSANO, OREJIME, VANILLA, TARTEAUCITRON, KLARO, C15T)

OURS = Subject(
    "dongui",
    (DIST / "dongui.js", DIST / "ui.js"),
    '<script async src="/v1/dongui.js" data-site="S"></script>',
    ("dongui-root", "dialog"),
)


def served() -> dict[str, bytes]:
    """Everything that the pages ask for."""
    policy = parse(default_policy_text(version="v1", effective="2026-01-01", presets=("ga4", "meta")))
    facts = notice(policy, lang="en", site="S", accepts=["v1"])
    found = {"/v1/notice": json.dumps(facts, ensure_ascii=False).encode()}
    for file in OURS.files:
        found[f"/v1/{file.name}"] = file.read_bytes()
    for subject in (OURS, *PEERS):
        found |= subject.served()
    # tarteaucitron looks for its parts beside itself.
    for file in TARTEAUCITRON.files:
        found[f"/tarteaucitron/{file.parent.name}/{file.name}"] = file.read_bytes()
    return found
