"""Days as files: what a year of them costs."""

from __future__ import annotations

from datetime import date

from tests.retention.conftest import house, new_house
from tests.retention.house import House

__all__ = ["house", "new_house"]


def test_a_day_known_to_be_sealed_is_not_opened_again(house: House) -> None:
    # Upkeep asks every few seconds; three hundred and sixty-five files opened each time would be felt by ingest.
    house.visit(house.arrive("personalisation"))
    events, day = house.core.storage.events, date(2025, 3, 10)
    events.seal(day)
    assert events.unsealed(date(2025, 3, 11)) == []
    house.core.storage.events.close()
    (house.folder / "data" / "events" / f"{day}.db").write_bytes(b"no database at all" * 100)
    assert events.unsealed(date(2025, 3, 11)) == []
