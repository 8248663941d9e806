"""``dongui check-site`` beside a running collector, with pages on loopback and a real Chromium in its sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dongui_collector.core.settings import load_settings
from dongui_collector.runtime.composition import open_core

from tests.collector import Installation, event
from tests.site_check.pages import Pages, serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def shop(pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("check") / "shop", origin=pages.origin)
    try:
        yield made.start()
    finally:
        made.close()


def checked(shop: Installation, url: str, *options: str, code: int = 1) -> dict[str, Any]:
    """What is said of each check, by its name."""
    done = shop.run("check-site", url, "--json", "--seconds", "0.5", *options, code=code)
    told = json.loads(done.stdout)
    return {"browser": told["browser"], **{check["name"]: check for check in told["checks"]}}


def tag(shop: Installation, site: str | None = None) -> str:
    return f'<script async src="{shop.base}/v1/dongui.js" data-site="{site or shop.site}"></script>'


def page(shop: Installation, body: str = "", head: str = "", site: str | None = None) -> str:
    return f"<!doctype html><html><head><title>shop</title>{head}{tag(shop, site)}</head><body>{body}</body></html>"


def records(shop: Installation) -> int:
    """How long the ledger is."""
    core = open_core(load_settings(Path(shop.config)), writable=False)
    try:
        return core.storage.ledger.head()[0]
    finally:
        core.close()


def statuses(found: dict[str, Any]) -> dict[str, str]:
    return {name: check["status"] for name, check in found.items() if name != "browser"}


def test_a_page_in_order_is_right_but_for_the_visit_that_nobody_made_yet(shop: Installation, pages: Pages) -> None:
    before = records(shop)
    found = checked(shop, pages.put("/", page(shop)))
    assert found["browser"] == "chromium"
    assert statuses(found) == dict.fromkeys(statuses(found), "ok") | {"first_event": "waiting"}
    assert "agree" in found["first_event"]["remedy"]
    assert records(shop) == before  # the look gives no consent


def test_what_the_page_does_too_early_is_seen(shop: Installation, pages: Pages) -> None:
    early = """<script>
      document.cookie = "_ga=1";
      const late = document.createElement("script");
      late.src = "https://www.googletagmanager.com/gtag/js?id=G-1";
      document.head.append(late);
    </script>"""
    found = checked(shop, pages.put("/early", page(shop, early)))
    assert [found[name]["status"] for name in ("tag", "cookies", "consent")] == ["ok", "failed", "failed"]
    assert "_ga" in found["cookies"]["what"]
    assert "www.googletagmanager.com" in found["consent"]["what"]
    waits = early.replace("<script>", '<script type="text/plain" data-purpose="statistics">')
    marked = checked(shop, pages.put("/marked", page(shop, waits)))
    assert [marked[name]["status"] for name in ("cookies", "consent")] == ["ok", "ok"]


def test_a_policy_that_keeps_the_snippet_out_is_named_by_its_directive(shop: Installation, pages: Pages) -> None:
    address = pages.put("/script", page(shop), content_security_policy="script-src 'self'")
    found = checked(shop, address)
    assert (found["tag"]["status"], found["csp"]["status"]) == ("failed", "failed")
    assert "script-src" in found["csp"]["what"]
    assert shop.base in found["csp"]["remedy"]
    address = pages.put("/connect", page(shop), content_security_policy="connect-src 'self'")
    found = checked(shop, address)
    assert (found["csp"]["status"], found["origin"]["status"]) == ("failed", "ok")
    assert "connect-src" in found["csp"]["what"]


def test_no_tag_and_a_wrong_id_and_a_missing_snippet(shop: Installation, pages: Pages) -> None:
    none = checked(shop, pages.put("/none", "<!doctype html><title>shop</title>"))
    assert (none["tag"]["status"], none["site_id"]["status"]) == ("failed", "unchecked")
    assert "dongui snippet" in none["tag"]["remedy"]
    wrong = checked(shop, pages.put("/wrong", page(shop, site="s_000000000000")))
    assert shop.site in wrong["site_id"]["remedy"]
    mount = f'<script async src="/_dongui/v1/dongui.js" data-site="{shop.site}"></script>'
    lost = checked(shop, pages.put("/lost", mount))
    assert "/_dongui is there once the middleware is" in lost["tag"]["remedy"]


def test_a_page_that_is_not_listed_is_not_asked(shop: Installation) -> None:
    with serving() as stranger:
        found = checked(shop, stranger.put("/", "<!doctype html>"))
        assert stranger.asked == []
    assert found["origin"]["status"] == "failed"
    assert f"--origin {stranger.origin}" in found["origin"]["remedy"]
    assert found["browser"] is None


def test_a_tag_that_a_script_puts_in_is_found_and_its_collector_asked(shop: Installation, pages: Pages) -> None:
    late = f"""<script>
      const tag = document.createElement("script");
      tag.src = "{shop.base}/v1/dongui.js";
      tag.dataset.site = "{shop.site}";
      document.head.append(tag);
    </script>"""
    found = checked(shop, pages.put("/late", f"<!doctype html><title>shop</title>{late}"))
    assert (found["tag"]["status"], found["site_id"]["status"]) == ("ok", "ok")


def test_over_plain_http_what_scripts_do_is_called_unchecked(shop: Installation, pages: Pages) -> None:
    found = checked(shop, pages.put("/plain", page(shop)), "--plain")
    assert found["browser"] == "none"
    unseen = {name for name, status in statuses(found).items() if status == "unchecked"}
    assert unseen == {"cookies", "consent"}
    early = page(shop, head='<script src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>')
    found = checked(shop, pages.put("/markup", early, set_cookie="_ga=1; Path=/"), "--plain")
    assert (found["cookies"]["status"], found["consent"]["status"]) == ("failed", "failed")


def test_the_text_is_for_people_and_holds_nothing_that_moves_a_terminal(shop: Installation, pages: Pages) -> None:
    hostile = f'<script src="{shop.base}/v1/dongui.js" data-site="&#27;[2Jevil&#7;"></script>'
    address = pages.put("/hostile", hostile, set_cookie="\x1b]0;evil=1")
    done = shop.run("check-site", address, code=1)
    assert "✗ site id" in done.stdout
    assert [one for one in done.stdout if one != "\n" and not one.isprintable()] == []


def test_an_address_that_is_none_is_a_usage_error_that_echoes_nothing(shop: Installation) -> None:
    for address in ("file:///etc/passwd", "shop.test", "http://name:word@127.0.0.1/"):
        done = shop.run("check-site", address, code=2)
        assert "https://shop.example.com/" in done.stderr
        assert address not in done.stderr


def test_the_first_recorded_visit_ends_the_set_up(pages: Pages, tmp_path: Path) -> None:
    made = Installation(tmp_path / "shop", origin=pages.origin)
    try:
        made.start()
        choice = {"site": made.site, "notice": made.notice(), "granted": ["statistics"], "refused": []}
        sent = made.http.post(
            "/v1/consents", json={**choice, "method": "banner", "lang": "en"}, headers={"origin": pages.origin}
        )
        made.send(sent.json()["visitor"], event(), headers={"origin": pages.origin})
        found = checked(made, pages.put("/", page(made)), code=0)
        assert statuses(found) == dict.fromkeys(statuses(found), "ok")
    finally:
        made.close()
