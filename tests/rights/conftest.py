from __future__ import annotations

from datetime import date

import pytest
from dongui.policy import default_policy_text
from dongui_collector.core.operations import perform

from tests.retention.conftest import house, new_house
from tests.retention.house import House

__all__ = ["house", "members", "new_house"]


@pytest.fixture
def members(house: House) -> House:
    """The house under a notice whose statistics may join a member."""
    text = default_policy_text(version="v2", effective=date(2024, 6, 1), presets=("ga4", "meta"))
    joined = text.replace(
        '"access_environment", "ip_address"]', '"access_environment", "ip_address", "member_reference"]'
    )
    perform(house.core, "policy.publish", {"text": joined})
    return house
