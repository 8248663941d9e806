"""The access log is kept for its class's period, a floor, and ends without breaking the chain (K12)."""

from __future__ import annotations

from datetime import date

import pytest
from dongui_collector.access.audit_log import entries, record_access
from dongui_collector.evidence.verify.verify import verify

from tests.retention.conftest import house, new_house
from tests.retention.house import House

__all__ = ["house", "new_house"]

SPAN = (date(2025, 1, 1), date(2030, 1, 1))


@pytest.fixture
def looked_at(house: House) -> House:
    visitor = house.arrive()
    assert visitor
    key = house.core.ledger.key_of(visitor)
    record_access(
        house.core, action="requests.show", by="sentinel-officer", reason="request 1", site_ref=1, visitor=key
    )
    return house


def lookers(house: House) -> list[str]:
    return [entry.by for entry in entries(house.core, *SPAN)]


def test_k12_an_entry_stays_for_its_period_also_when_the_data_are_long_gone(looked_at: House) -> None:
    looked_at.run("2026-12-01T00:00")
    assert "sentinel-officer" in lookers(looked_at)
    assert verify(looked_at.core).findings == []


def test_k12_then_its_content_goes_and_the_chain_stays_whole(looked_at: House) -> None:
    looked_at.run("2028-03-12T00:00")
    assert "sentinel-officer" not in lookers(looked_at)
    assert b"sentinel-officer" not in looked_at.bytes("data")
    assert verify(looked_at.core).findings == []
