"""What arrived of late at the public door: bounded, forgotten after a day, and not pushed out by made-up entries."""

from __future__ import annotations

from dongui_collector.core.arrivals import DAY_MS, MOST_REFUSED, Arrivals

NOW = 1_800_000_000_000
SHOP = "https://www.shop.example"


def origins(arrivals: Arrivals, now: int = NOW) -> list[str]:
    return [one.origin for one in arrivals.of(1, now).refused]


def test_twenty_refused_origins_are_known_and_the_one_that_keeps_coming_stays() -> None:
    arrivals = Arrivals()
    for at in range(3):
        arrivals.origin_refused(1, SHOP, NOW + at)
    for n in range(500):
        arrivals.origin_refused(1, f"https://made-up-{n}.example", NOW + 10 + n)
    assert len(origins(arrivals, NOW + 600)) == MOST_REFUSED
    assert SHOP in origins(arrivals, NOW + 600)
    assert origins(arrivals, NOW + 600)[0] == "https://made-up-499.example"


def test_what_is_older_than_a_day_is_forgotten() -> None:
    arrivals = Arrivals()
    arrivals.origin_refused(1, SHOP, NOW)
    arrivals.key_used(1, NOW, taken=True)
    arrivals.notice_asked(1, NOW)
    arrivals.written(1, NOW + 5)
    known = arrivals.of(1, NOW + DAY_MS)
    assert (known.key_taken_at, known.asked_at, known.written_at) == (None, None, NOW + 5)
    assert origins(arrivals, NOW + DAY_MS) == []
    arrivals.origin_refused(1, "https://late.example", NOW + DAY_MS)
    assert origins(arrivals, NOW) == ["https://late.example"]  # the stale one is not even kept


def test_sites_are_apart() -> None:
    arrivals = Arrivals()
    arrivals.origin_refused(2, SHOP, NOW)
    arrivals.key_used(2, NOW, taken=False)
    assert arrivals.of(1, NOW).key_refused_at is None
    assert origins(arrivals) == []
