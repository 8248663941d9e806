"""The answer in words: outcome, ground, what is kept and until when, and the route of objection (K10, S9.5, S11)."""

from __future__ import annotations

import pytest
from dongui_collector.core.errors import CollectorError, NotAllowed

from tests.retention.house import House
from tests.rights.members import ask, proved


def test_s9_5_the_letter_names_what_is_kept_its_statute_and_its_end(members: House) -> None:
    house = members
    house.core.retention.records.add(house.site, "payment", "m-1", house.now, "settlement", {"amount": 1})
    house.core.retention.records.add(house.site, "abuse", "m-1", house.now, "support", {"x": 1})
    id = proved(house, "erasure", member="m-1")
    with pytest.raises(NotAllowed, match="not been answered"):
        ask(house, "letter", id=id)
    ask(house, "answer", id=id, outcome="granted")
    korean, english = (ask(house, "letter", id=id, lang=lang)["text"] for lang in ("ko", "en"))
    assert "개인정보 삭제 요구에 대한 결과 통지" in korean
    assert "결과: 수용" in korean
    assert "시행령 제6조" in korean
    assert "2030년 3월 10일까지" in korean
    assert "until 10 March 2030" in english
    policy = house.core.registry.in_force(house.site.ref, house.now).policy
    for text in (korean, english):
        assert policy.officer.contact in text
        assert all(not r.url or r.url in text for r in policy.remedies)
        assert "officer\n" not in text


def test_k10_a_refusal_cites_its_provision_in_the_readers_words(house: House) -> None:
    id = proved(house, "suspension", visitor=house.arrive())
    ask(house, "answer", id=id, outcome="refused", reason="a contract", ground="PIPA 37(2)")
    assert "개인정보 보호법 제37조제2항" in ask(house, "letter", id=id)["text"]
    assert "Article 37(2)" in ask(house, "letter", id=id, lang="en")["text"]
    with pytest.raises(CollectorError):
        ask(house, "letter", id=id, lang="fr")
