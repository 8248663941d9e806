"""An address is kept as the policy protects it (`protect` of `ip_address`)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from dongui_collector.intake.gate import RowMaker
from dongui_collector.intake.places import GeoDatabase

from tests.retention.conftest import new_house
from tests.retention.house import House, policy

__all__ = ["new_house"]


@pytest.mark.parametrize(
    ("protect", "address", "kept"),
    [
        ("encrypt", "203.0.113.7", r"203\.0\.113\.7"),
        ("truncate", "203.0.113.7", r"203\.0\.113\.0"),
        ("truncate", "2001:db8:1:2::7", "2001:db8:1::"),
        ("pseudonym", "203.0.113.7", "[0-9a-f]{32}"),
    ],
)
def test_an_address_is_kept_as_the_policy_protects_it(
    new_house: Callable[..., House], protect: str, address: str, kept: str
) -> None:
    house = new_house()
    site = house.add_site(policy() + f'\n[items.ip_address]\nprotect = "{protect}"\n')
    notice = house.core.registry.in_force(site.ref, house.now)
    maker = RowMaker(house.core.registry, house.core.keyring, GeoDatabase(None))
    assert re.fullmatch(kept, maker.place(address, notice).kept.decode())
    assert maker.place(address, notice) == maker.place(address, notice)
