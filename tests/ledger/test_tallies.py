"""How choices went, in numbers that no visitor can be found in (K1, W1): closed lists alone, each choice once."""

from __future__ import annotations

from collections import Counter

from dongui_collector.ledger import counters
from dongui_collector.ledger.service import Decision
from hypothesis import given
from hypothesis import strategies as st

from tests.retention.house import House

DIMENSIONS = ("notice", "language", "device", "gpc")
PURPOSES = st.sets(st.sampled_from(["statistics", "marketing", "personalisation"]))


@given(asked=PURPOSES, granted=PURPOSES, withdrawn=PURPOSES)
def test_every_choice_has_one_outcome(asked: set[str], granted: set[str], withdrawn: set[str]) -> None:
    said = counters.outcome(asked, granted, withdrawn)
    assert said in counters.OUTCOMES
    assert (said in ("accepted", "chosen")) == bool(granted)
    assert (said == "accepted") == (bool(granted) and asked <= granted and not withdrawn)
    assert (said == "withdrawn") == (not granted and bool(withdrawn))


@given(language=st.text(), device=st.text(), gpc=st.booleans(), granted=PURPOSES)
def test_what_is_claimed_makes_no_name_of_its_own(language: str, device: str, gpc: bool, granted: set[str]) -> None:
    found = counters.counts(
        notice="v1", languages=("ko", "en"), language=language, device=device, gpc=gpc, outcome="chosen", given=granted
    )
    for name, number in found.items():
        _, dimension, value, *said = name.split(".")
        assert number == 1
        assert dimension in DIMENSIONS
        assert value in {"v1", "ko", "en", "on", "off", *counters.DEVICES}
        assert said in (["chosen"], *(["given", purpose] for purpose in granted))
    assert len(found) == len(DIMENSIONS) * (1 + len(granted))


def test_each_choice_counts_once_in_every_dimension_and_a_repetition_not_at_all(house: House) -> None:
    asked = house.core.registry.notices(house.site.ref)[0].policy.consent_purposes
    choose(house, asked, device="phone")
    choose(house, (), asked, lang="en", gpc=True)
    choose(house, (), ("statistics",), device="a phone called Kim's", lang="Kim's")
    visitor = choose(house, ("statistics",), ("marketing", "personalisation"), device="pc")
    for _ in range(2):
        assert choose(house, (), ("marketing",), visitor=visitor) == visitor
    choose(house, (), ("statistics",), visitor=visitor, device="pc")
    found = counted(house)
    assert found["notice.v1.accepted"] == 1
    assert found["notice.v1.refused"] == 2
    assert found["notice.v1.chosen"] == 1
    assert found["notice.v1.withdrawn"] == 1
    assert (found["device.phone.accepted"], found["device.pc.chosen"], found["device.other.refused"]) == (1, 1, 2)
    assert (found["language.en.refused"], found["language.other.refused"]) == (1, 1)
    assert (found["gpc.on.refused"], found["gpc.off.refused"]) == (1, 1)
    assert found["device.phone.given.statistics"] == found["device.pc.given.statistics"] == 1
    for dimension in DIMENSIONS:
        of = [n for name, n in found.items() if name.startswith(f"{dimension}.") and ".given." not in name]
        assert sum(of) == 5
    assert not [name for name in found if "Kim" in name]


def choose(
    house: House,
    granted: tuple[str, ...],
    refused: tuple[str, ...] = (),
    *,
    visitor: str | None = None,
    lang: str = "ko",
    device: str = "other",
    gpc: bool = False,
) -> str | None:
    core = house.core
    notice = core.registry.in_force(house.site.ref, core.clock.now())
    choice = Decision(granted, refused, "banner", lang, {"gpc": True} if gpc else {}, device=device)
    with core.storage.ledger.writing():
        answer: str | None = core.ledger.choose(notice, visitor, choice).answer["visitor"]
    core.retention.endings.resume()
    return answer


def counted(house: House) -> Counter[str]:
    found = house.core.storage.ledger.totals(house.site.ref)
    return Counter({name.removeprefix("choice."): n for (_, _, name), n in found.items() if name.startswith("choice.")})
