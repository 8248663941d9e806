"""The console says what ``doctor``, the policy's check and its diff found in the officer's language."""

from __future__ import annotations

import re
from html import unescape

import dongui_collector.doctor
from desk_world import World, csrf
from dongui.said import Said, tables
from dongui_collector.desk.language import LANGUAGES, said, said_in
from dongui_collector.doctor import examine, examine_settings
from flask import Flask, g
from test_desk_policy import draft_of

from tests.said import assembled, lacks, sentences, untold


def test_every_symptom_has_its_words_and_no_other() -> None:
    known = sentences(dongui_collector.doctor)
    assert len(known) > 50
    assert lacks(tables("dongui_collector")["ko"], known) == []
    assert assembled(dongui_collector.doctor) == []


def test_every_language_of_the_console_but_english_has_its_tables() -> None:
    for package in ("dongui.policy", "dongui_collector"):
        assert set(tables(package)) == set(LANGUAGES) - {"en"}


def test_the_symptoms_of_an_installation_are_korean(world: World) -> None:
    found = [*examine_settings(world.core.settings), *examine(world.core)]
    assert found
    assert [text for one in found for part in (one.what, one.remedy) for text in untold(said_in("ko"), part)] == []
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


def test_what_has_no_words_is_shown_in_english_and_marked() -> None:
    with Flask(__name__).app_context():
        g.lang = "ko"
        assert said(Said("<{x}> is new", x="&")) == '<span lang="en">&lt;&amp;&gt; is new</span>'
        assert said("is missing") == "없습니다."
        assert said(Said("{name!r} is not known", name="x")).startswith("<span")
        assert "<b>" not in said(Said("{value!r} is not known", value="<b>"))
        g.lang = "en"
        assert said("is missing") == "is missing"
