"""The policy's pages: versions, differences, drafts judged, a preview that reaches nothing, publishing by password."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from importlib import resources
from pathlib import Path

import pytest
from desk_world import World, csrf, send
from dongui.policy import check, diff, parse
from dongui_collector.analytics.cookie_inventory import inventory
from dongui_collector.desk.drafts import Draft, judged, with_cookie
from dongui_collector.desk.snippets import snippets
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from test_desk_pages import text_of

PASSWORD = "a long enough password"


def draft_of(world: World, version: str = "next") -> str:
    text = Path(world.installed.config).with_name("policy.toml").read_text()
    return re.sub(r'version = "[^"]+"', f'version = "{version}"', text, count=1)


# --- what a draft amounts to -----------------------------------------------------------------------------------------


def publishable(draft: Draft) -> bool:
    """Whether nothing keeps a draft from being published."""
    wrong = any(finding.level == "error" for finding in draft.findings)
    return draft.policy is not None and not (wrong or draft.taken or draft.unchanged or draft.earliest)


def test_a_draft_is_judged_as_the_command_line_does(world: World) -> None:
    [notice] = world.core.registry.notices(1)
    published = {notice.version: notice.policy.text}
    text = draft_of(world).replace('"P1Y"', '"P2Y"')
    now = world.core.clock.now()
    found = judged(text, notice.policy, published, now, parse=parse)
    assert found.policy == parse(text)
    assert found.findings == check(parse(text))
    assert found.changes == diff(notice.policy, parse(text))
    assert found.changes
    assert found.changes.needs_consent
    assert publishable(found)
    assert not publishable(judged(notice.policy.text, notice.policy, published, now, parse=parse))
    assert judged(draft_of(world, notice.version) + "\n# more", notice.policy, published, now, parse=parse).taken
    broken = judged("schema = 1\n[notice", notice.policy, published, now, parse=parse)
    assert broken.policy is None
    assert not publishable(broken)


@given(st.text(max_size=200))
def test_no_text_breaks_the_judge(text: str) -> None:
    policy = parse((Path(__file__).parents[2] / "examples" / "somoon" / "policy.toml").read_text())
    assert not publishable(judged(text, policy, {}, 0, parse=parse))


def test_snippets_name_the_site_and_nothing_secret() -> None:
    found = snippets("s_1", "http://127.0.0.1:8787", "statistics")
    assert [s.name for s in found][:3] == ["Flask", "Django", "FastAPI · Starlette"]
    assert all("s_1" in s.code for s in found[:4])
    documented = (Path(__file__).parents[2] / "docs" / "python.md").read_text()
    for line in ("from dongui.integrations.flask import Dongui", "app.add_middleware(ConsentMiddleware, inject=True)"):
        assert line in documented
        assert any(line in s.code for s in found)


# --- cookies ---------------------------------------------------------------------------------------------------------


def test_cookies_that_were_seen_are_declared_or_come_with_their_lines(world: World, officer: FlaskClient) -> None:
    with_core = world.core.registry.in_force(1, world.core.clock.now()).policy
    names = ["_ga_X1", "session_cart", "dongui_id", "<script>alert(1)</script>"]
    seen = [{"name": name, "first_seen": 1, "last_seen": 2 + n} for n, name in enumerate(names)]
    found = inventory(with_core, seen, "shop.example.com")
    undeclared = {one.name: one for one in found.undeclared}
    assert "dongui_id" not in undeclared
    assert "[[cookies]]" in undeclared["session_cart"].lines
    if "_ga_X1" in undeclared:
        assert undeclared["_ga_X1"].tool
    completed = with_cookie(with_core.text, with_core, "session_cart", "shop.example.com")
    assert completed.startswith(with_core.text.rstrip())
    done = parse(completed.replace('purpose = ""', 'purpose = "statistics"'))
    assert any(rule.name == "session_cart" for rule in done.cookies)


def test_the_page_escapes_names_and_leads_to_a_draft(world: World, officer: FlaskClient) -> None:
    world.seen("promo<b>", "session_cart")
    page = officer.get("/console/cookies?lang=en").text
    assert "promo<b>" not in page
    assert "promo&lt;b&gt;" in page
    [link] = [unescape(href) for href in re.findall(r'href="(/console/policy/edit[^"]+)"', page) if "cart" in href]
    text = unescape(officer.get(link).text)
    assert 'name = "session_cart"' in text
    assert "Every cookie that was seen" not in page


# --- pages -----------------------------------------------------------------------------------------------------------


def test_versions_differences_and_pages(world: World, officer: FlaskClient) -> None:
    [notice] = world.core.registry.notices(1)
    world.ask("policy.publish", text=draft_of(world).replace('"P1Y"', '"P2Y"'))
    shown = text_of(officer, "/console/policy?lang=en")
    assert "asks for consent again" in shown
    assert "next" in shown
    shown = text_of(officer, f"/console/policy/diff?old={notice.version}&new=next&lang=en")
    assert "asks for consent again" in shown
    shown = text_of(officer, f"/console/policy/diff?old=next&new={notice.version}&lang=en")
    assert "asks nobody again" in shown
    assert officer.get("/console/policy/diff?old=next&new=nothing").status_code == 404
    assert notice.policy.text.splitlines()[0] in unescape(officer.get("/console/policy/versions/next").text)
    page = officer.get("/console/policy/versions/next/page/en")
    assert page.status_code == 200
    assert "script-src 'none'" in page.headers["Content-Security-Policy"]
    assert officer.get("/console/policy/versions/next/page/xx").status_code == 404
    assert officer.get("/console/policy/versions/next/page/v1/policy.css").mimetype == "text/css"


def test_a_draft_is_checked_and_kept_nowhere(world: World, officer: FlaskClient) -> None:
    head = world.core.storage.ledger.head()
    hostile = 'schema = 1\n# </textarea><script>alert(1)</script>\n[notice]\nversion = "x"\n'
    answer = send(officer, "/console/policy/edit?lang=en", "/console/policy/edit", text=hostile)
    assert answer.status_code == 200
    assert "<script>alert(1)" not in answer.text
    assert "error" in answer.text
    part = send(officer, "/console/policy/edit", "/console/policy/check", text=hostile)
    assert "<html" not in part.text
    assert world.core.storage.ledger.head() == head


def test_line_ends_of_a_form_are_no_change(world: World, officer: FlaskClient) -> None:
    [notice] = world.core.registry.notices(1)
    text = notice.policy.text.replace("\n", "\r\n")
    answer = send(officer, "/console/policy/edit?lang=en", "/console/policy/edit", text=text)
    assert "Nothing differs" in answer.text
    assert "published already" not in answer.text


# --- the preview -----------------------------------------------------------------------------------------------------


def test_the_preview_is_sandboxed_and_reaches_nothing(world: World, officer: FlaskClient) -> None:
    answer = send(officer, "/console/policy/edit", "/console/preview", text=draft_of(world), language="en")
    policy = dict(line.split(" ", 1) for line in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["sandbox"] == "allow-scripts"
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "http://localhost/console/preview/v1/"
    assert "connect-src" not in policy
    assert policy["frame-ancestors"] == "'self'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert '"version": "next"' in answer.text


def test_a_text_cannot_break_out_of_the_preview(world: World, officer: FlaskClient) -> None:
    text = draft_of(world).replace('service = "Shop"', 'service = "</script><script>alert(1)</script>"')
    assert "alert(1)" in text
    answer = send(officer, "/console/policy/edit", "/console/preview", text=text)
    assert "<script>alert(1)" not in answer.text
    assert "alert(1)" in answer.text


def test_the_previews_files_are_the_interfaces_own_and_no_others(officer: FlaskClient) -> None:
    parts = [entry.name for entry in resources.files("dongui._browser").iterdir() if entry.name.endswith(".js")]
    assert {"dongui.js", "ui.js", "panel.js", "queue.js"} <= set(parts)
    for name in (*parts, "preview.js", "preview.css"):
        answer = officer.get(f"/console/preview/v1/{name}")
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    for name in ("", "base.css", "../static/base.css", "..%2fapp.py", "__init__.py", "%2e%2e/%2e%2e/app.py"):
        assert officer.get(f"/console/preview/v1/{name}").status_code == 404


# --- publishing ------------------------------------------------------------------------------------------------------


def publish(browser: FlaskClient, text: str, password: str, **more: str) -> int:
    fields = {"text": text, "password": password, **more}
    return send(browser, "/console/policy/edit", "/console/policy/publish", **fields).status_code


def test_s5_3_publishing_takes_the_officers_password_and_is_on_the_log(world: World, officer: FlaskClient) -> None:
    text = draft_of(world)
    assert publish(officer, text, "wrong") == 403
    assert publish(officer, text, "") == 403
    assert len(world.core.storage.ledger.notices(1)) == 1
    assert publish(officer, text, world.installed.console_password, sign="1") == 303
    assert [n.version for n in world.core.storage.ledger.notices(1)][1:] == ["next"]
    assert world.core.storage.ledger.notices(1)[1].text == text
    last = world.core.storage.ledger.last_of("audit")
    assert last
    assert last.body
    assert (last.body["action"], last.body["by"]) == ("policy.publish", "admin")
    assert world.core.retention.standing.unsigned() == []
    assert publish(officer, text + "# more\n", world.installed.console_password) == 400


def test_a_date_before_that_of_the_version_in_force_is_told_and_not_published(
    world: World, officer: FlaskClient
) -> None:
    [notice] = world.core.registry.notices(1)
    text = re.sub(r"effective = [0-9-]+", f"effective = {notice.effective - timedelta(days=1)}", draft_of(world))
    remedy = f"Set effective to {notice.effective} or later"
    assert remedy in send(officer, "/console/policy/edit?lang=en", "/console/policy/edit", text=text).text
    assert remedy not in send(officer, "/console/policy/edit", "/console/policy/edit", text=draft_of(world)).text
    assert publish(officer, text, world.installed.console_password) == 400
    assert len(world.core.storage.ledger.notices(1)) == 1


def test_guessing_the_password_there_is_slowed_down_too(world: World, officer: FlaskClient) -> None:
    text = draft_of(world)
    for _ in range(5):
        assert publish(officer, text, "wrong") == 403
    assert publish(officer, text, world.installed.console_password) == 403
    assert len(world.core.storage.ledger.notices(1)) == 1


@pytest.mark.parametrize("role", ["auditor", "analyst", "admin"])
def test_s7_2_nobody_else_publishes(world: World, role: str) -> None:
    world.ask("accounts.put", name="kim", password=PASSWORD, role="officer")
    world.ask("accounts.put", name="lee", password=PASSWORD, role=role)
    browser = world.signed_in("lee", PASSWORD)
    fields = {"csrf_token": csrf(browser, "/console/"), "text": draft_of(world), "password": PASSWORD}
    assert browser.post("/console/policy/publish", data=fields).status_code == 403
    assert len(world.core.storage.ledger.notices(1)) == 1
    assert browser.get("/console/policy").status_code == (403 if role == "analyst" else 200)
