"""What other law keeps when a person's own choice ends everything else: named, shown, and nothing beyond it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.collector import ORIGIN, Installation, event

SOMOON = Path(__file__).parents[2] / "examples" / "somoon" / "policy.toml"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    found = Installation(tmp_path_factory.mktemp("kept") / "installation", policy=SOMOON)
    found.start()
    yield found
    found.close()


def choose(shop: Installation, visitor: str | None, granted: list[str], refused: list[str]) -> Any:
    notice = shop.http.get("/v1/notice", params={"site": shop.site, "lang": "ko"}).json()
    body = {"site": shop.site, "notice": notice["version"], "granted": granted, "refused": refused}
    body |= {"method": "banner", "lang": "ko"} | ({"visitor": visitor} if visitor else {})
    return shop.http.post("/v1/consents", json=body, headers={"origin": ORIGIN}).json()


def record(shop: Installation, visitor: str, class_id: str) -> int:
    body = {"site": shop.site, "class": class_id, "subject": visitor, "at": event()["at"], "source": "settlement"}
    return shop.http.post("/v1/records", json=body | {"data": {"what": "SENTINEL"}}, headers=shop.bearer).status_code


def held(shop: Installation, visitor: str) -> dict[str, bool]:
    answer = shop.http.get("/v1/me", headers={"authorization": f"Bearer {visitor}"})
    assert answer.status_code == 200
    return {r["class"]: r["archived"] for r in answer.json()["records"]}


def test_s1_0_a_withdrawal_ends_no_record_that_stands_on_another_basis(shop: Installation) -> None:
    """Abuse and logins are recorded under security, a legitimate interest; what a statute keeps moves apart."""
    visitor = choose(shop, None, ["statistics"], [])["visitor"]
    for class_id in ("abuse", "access_log", "payment"):
        assert record(shop, visitor, class_id) == 201
    choose(shop, visitor, [], ["statistics"])
    assert held(shop, visitor) == {"abuse": False, "access_log": False, "payment": True}


def test_s9_5_an_erasure_says_what_another_law_keeps_and_goes_on_showing_it(shop: Installation) -> None:
    visitor = choose(shop, None, ["statistics"], [])["visitor"]
    assert record(shop, visitor, "payment") == 201
    answer = shop.http.delete("/v1/me", headers={"authorization": f"Bearer {visitor}"}).json()
    assert [(kept["class"], kept["records"], bool(kept["law"])) for kept in answer["kept"]] == [("payment", 1, True)]
    assert held(shop, visitor) == {"payment": True}
    again = shop.http.delete("/v1/me", headers={"authorization": f"Bearer {visitor}"})
    assert again.status_code == 404


def test_s8_nothing_is_recorded_of_a_minor_without_a_membership(shop: Installation) -> None:
    visitor = choose(shop, None, ["statistics"], [])["visitor"]
    body = {"site": shop.site, "visitor": visitor, "event": "minor"}
    assert shop.http.post("/v1/members", json=body, headers=shop.bearer).status_code == 200
    assert record(shop, visitor, "abuse") == 409
    assert record(shop, visitor, "payment") == 409
    shop.run("verify")
