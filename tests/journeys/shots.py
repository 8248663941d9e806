"""Pictures of the interface for the documentation: `python -m tests.journeys.shots` writes docs/images/browser/."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from dongui.policy import load, notice
from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import FLAGS
from tests.journeys.stub_collector import Answer, Request, Stub, page_of, serving

ROOT = Path(__file__).parents[2]
OUT = ROOT / "docs" / "images" / "browser"
SIZES = {"desktop": {"width": 1200, "height": 760}, "phone": {"width": 390, "height": 780}}
EVENTS = [
    ("pageview", "/", "203.0.113.7"),
    ("pageview", "/jobs?utm_source=mail", "203.0.113.7"),
    ("search", "/jobs/search", "203.0.113.7"),
    ("pageview", "/jobs/designer", "203.0.113.7"),
    ("apply", "/jobs/designer", "203.0.113.7"),
]
SHOP = """<style>body{margin:0;font:16px/1.6 system-ui,"Noto Sans CJK KR",sans-serif;background:#f5f6f8;color:#1c1f24}
header{background:#fff;padding:1rem 8vw;font-weight:700;font-size:1.2rem;border-bottom:1px solid #e3e6ea}
main{padding:2rem 8vw;display:grid;grid-template-columns:repeat(auto-fill,minmax(14rem,1fr));gap:1rem}
article{background:#fff;border-radius:12px;padding:1.2rem;min-height:9rem}h3{margin:0}p{margin:.3rem 0;opacity:.7}
@media(prefers-color-scheme:dark){body{background:#101216;color:#e9ebef}header,article{background:#191c22;border-color:#2c3038}}
</style><header>somoon</header><main>%s</main>"""
CARDS = {
    "ko": [
        ("브랜드 디자인", "로고와 안내서, 4주"),
        ("상세 페이지 사진", "서울, 하루"),
        ("번역 검수", "한국어·영어, 원격"),
        ("앱 시험", "2주, 원격"),
    ],
    "en": [
        ("Brand design", "Logo and guide, 4 weeks"),
        ("Product photos", "Seoul, one day"),
        ("Proofreading", "Korean, English"),
        ("App testing", "2 weeks, remote"),
    ],
}


def collector_answer(request: Request) -> Answer | None:
    """The example's own notice, and a visitor about whom something is held."""
    if request.path == "/v1/notice":
        lang = request.query.get("lang", "ko")[:2]
        policy = load(ROOT / "examples" / "somoon" / "policy.toml")
        return _json(notice(policy, lang=lang, site="S", accepts=["v1", policy.notice.version]))
    if request.path == "/v1/me" and request.method == "GET":
        start = 1_795_400_000_000
        rows = [
            {"at": start + n * 41_000, "name": name, "url": f"https://somoon.example.com{path}", "ip_address": ip}
            for n, (name, path, ip) in enumerate(EVENTS)
        ]
        return _json({"site": "S", "notice": "v1", "suspended": False, "consents": [], "records": [], "events": rows})
    return None


def _json(body: Any) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()


def shoot(browser: Browser, site: Stub, lang: str, scheme: Any, size: str) -> None:
    context = browser.new_context(viewport=SIZES[size], color_scheme=scheme, locale=lang, device_scale_factor=1)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{site.origin}/{lang}")

    def snap(name: str) -> None:
        page.wait_for_timeout(250)
        page.screenshot(path=OUT / f"{name}-{size}-{scheme}-{lang}.png")

    page.locator("dongui-root dialog").wait_for()
    snap("banner")
    press(page, "accept")
    page.wait_for_timeout(400)
    page.evaluate("dongui.show()")
    page.locator('dongui-root [data-action="save"]').wait_for()
    snap("preferences")
    page.evaluate("dongui.myData()")
    page.locator('dongui-root [data-action="erase"]').wait_for()
    page.locator('dongui-root [data-action="erase"]').scroll_into_view_if_needed()
    snap("my-data")
    context.close()


def cards(lang: str) -> str:
    return "".join(f"<article><h3>{title}</h3><p>{text}</p></article>" for title, text in CARDS[lang] * 2)


def press(page: Page, action: str) -> None:
    page.locator(f'dongui-root [data-action="{action}"]').click()


def main() -> None:
    OUT.mkdir(exist_ok=True)
    wanted = sys.argv[1:]
    with serving(Stub()) as collector, serving(Stub()) as site, sync_playwright() as playwright:
        collector.intercept = collector_answer
        for lang in ("ko", "en"):
            site.pages[f"/{lang}"] = page_of(collector, SHOP % cards(lang), lang=lang)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for size in SIZES:
            for scheme in ("light", "dark"):
                for lang in ("ko", "en"):
                    if not wanted or f"{size}-{scheme}-{lang}" in wanted:
                        shoot(browser, site, lang, scheme, size)
        browser.close()


if __name__ == "__main__":
    main()
