"""The console says what ``doctor``, the policy's check and its diff found in the officer's language."""

from __future__ import annotations

import re
from html import unescape

from desk_world import World, csrf
from dongui.i18n import MESSAGES, Message, words
from dongui_collector.desk.language import said
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.runtime.composition import open_core
from dongui_collector.runtime.doctor import examine, examine_settings
from flask import Flask, g
from test_desk_policy import draft_of

from tests.said import untold


def test_the_symptoms_of_an_installation_are_korean(world: World) -> None:
    found = [*examine_settings(world.core.settings), *examine(world.core)]
    assert found
    assert [
        text for one in found for part in (one.what, one.remedy) for text in untold(words("ko", MESSAGES), part)
    ] == []
    page = world.signed_in().get("/console/health?lang=ko").text
    assert "데이터와 키가 한 볼륨에 있습니다" in page
    assert "data and keys lie on one volume" in world.signed_in().get("/console/health?lang=en").text


def test_a_drafts_findings_and_changes_are_korean(world: World) -> None:
    browser = world.signed_in()
    token = csrf(browser, "/console/policy/edit?lang=ko")
    text = draft_of(world).replace('choice_lifetime = "P180D"', 'choice_lifetime = "P150D"')
    page = unescape(browser.post("/console/policy/check", data={"csrf_token": token, "text": text}).text)
    assert "P150D 뒤에 다시 묻습니다. 거부도 6개월 동안 기억해야 합니다." in page
    assert "선택의 유효기간이 P180D에서 P150D로 바뀌었습니다." in page
    broken = unescape(browser.post("/console/policy/check", data={"csrf_token": token, "text": "schema = ?"}).text)
    assert re.search(r"TOML 형식이 아닙니다: .*line 1, column 10", broken)
    assert 'lang="en"' not in page + broken


def test_what_a_verification_finds_is_korean(world: World) -> None:
    [site] = world.core.registry.sites()
    writable = open_core(world.settings, writable=True)
    try:
        with writable.storage.ledger.writing():
            writable.storage.ledger.set_origins(site.ref, ["https://elsewhere.example.com"])
    finally:
        writable.close()
    found = verify(world.core).findings
    assert found
    parts = [part for one in found for part in (one.where, one.what, one.remedy)]
    assert [text for part in parts for text in untold(words("ko", MESSAGES), part)] == []
    browser = world.signed_in()
    world.desk.extensions["dongui-verifier"].start(wait=60)
    page = unescape(browser.get("/console/ledger?lang=ko").text)
    assert "sites 테이블, 사이트 1: origins 값이 원장과 다릅니다." in page
    assert "누가 썼는지 알아내세요" in page
    assert "its origins is not what the ledger says" in browser.get("/console/ledger?lang=en").text


def test_what_has_no_words_is_shown_in_english_and_marked() -> None:
    with Flask(__name__).app_context():
        g.lang = "ko"
        assert said(Message("<{x}> is new", x="&")) == '<span lang="en">&lt;&amp;&gt; is new</span>'
        assert said("is missing") == "없습니다."
        assert said(Message("{name!r} is not known", name="x")).startswith("<span")
        assert "<b>" not in said(Message("{value!r} is not known", value="<b>"))
        g.lang = "en"
        assert said("is missing") == "is missing"
