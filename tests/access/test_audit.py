"""The access log (S7.2, K12): an entry for every look, chained; an erasure takes whose it was, never that it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from dongui_collector.access.audit_log import entries as entries_of
from dongui_collector.access.audit_log import record_access, reviews
from dongui_collector.core.clock import Clock
from dongui_collector.core.errors import CollectorError, NotAllowed
from dongui_collector.core.operations import perform
from dongui_collector.core.settings import load_settings
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.ledger.service import Decision
from dongui_collector.retention.installation import Installation
from dongui_collector.runtime.composition import open_core
from dongui_collector.runtime.install import install
from dongui_collector.storage.contract.values import LedgerRecord

from tests.collector import starting_text


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Installation]:
    installed = install(tmp_path / "d", starting_text("Shop"), name="Shop", origins=["https://shop.example.com"])
    with closing(open_core(load_settings(Path(installed.config)), writable=True)) as core:
        yield core


@pytest.fixture
def visitor(core: Installation) -> bytes:
    notice = core.registry.in_force(core.registry.sites()[0].ref, core.clock.now())
    with core.storage.ledger.writing():
        outcome = core.ledger.choose(notice, None, Decision(("statistics",), (), "banner", "ko", {}))
    return core.ledger.key_of(outcome.answer["visitor"])


def entries(core: Installation) -> list[LedgerRecord]:
    return [record for record in core.storage.ledger.records() if record.kind == "audit"]


def test_k12_a_look_says_who_when_from_where_whose_what_and_why(core: Installation, visitor: bytes) -> None:
    site = core.registry.sites()[0].ref
    record_access(
        core,
        action="archive.read",
        by="officer",
        reason="tax audit 2026",
        site_ref=site,
        visitor=visitor,
        address="192.0.2.7",
        what={"class": "payment"},
    )
    entry, whose = entries(core)
    assert entry.body == {
        "action": "archive.read",
        "by": "officer",
        "reason": "tax audit 2026",
        "address": "192.0.2.7",
        "what": {"class": "payment"},
    }
    assert (entry.site_ref, entry.visitor) == (site, None)
    assert (whose.visitor, whose.body) == (visitor, {"action": "whose", "of": entry.seq})
    assert entry.at == whose.at <= core.clock.now()
    assert verify(core).findings == []


def test_s9_an_erasure_takes_whose_data_it_was_and_leaves_that_someone_looked(
    core: Installation, visitor: bytes
) -> None:
    record_access(core, action="request.show", by="officer", reason="request 1", visitor=visitor, site_ref=1)
    core.retention.endings.finish(core.ledger.erase(visitor, "request"))
    entry, whose = entries(core)
    assert entry.body is not None
    assert entry.body["by"] == "officer"
    assert (whose.body, whose.visitor, whose.salt) == (None, None, None)
    assert verify(core).findings == []


def test_a_look_becomes_part_of_a_running_transaction(core: Installation) -> None:
    def fail() -> None:
        with core.storage.ledger.writing():
            record_access(core, action="export", by="analyst", reason="")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert entries(core) == []


def test_the_desk_asks_for_it_by_operation(core: Installation, visitor: bytes) -> None:
    site = core.registry.sites()[0]
    perform(core, "audit.look", {"action": "ledger.page", "by": "auditor", "site": site.id, "visitor": visitor.hex()})
    entry, whose = entries(core)
    assert entry.site_ref == site.ref
    assert whose.visitor == visitor


@pytest.mark.parametrize(
    "wrong",
    [{"action": ""}, {"action": "Read it"}, {"action": "whose"}, {"action": "a."}, {"by": "  "}],
    ids=repr,
)
def test_an_entry_that_says_nothing_is_refused(core: Installation, wrong: dict[str, Any]) -> None:
    make: Callable[..., None] = record_access
    with pytest.raises(CollectorError):
        make(core, **({"action": "archive.read", "by": "officer", "reason": ""} | wrong))
    assert entries(core) == []


# --- reading it ------------------------------------------------------------------------------------------------------


def test_k12_the_log_is_read_back_with_persons_under_names_of_its_own(core: Installation, visitor: bytes) -> None:
    site = core.registry.sites()[0]
    record_access(core, action="requests.show", by="park", reason="request 1", site_ref=site.ref, visitor=visitor)
    record_access(core, action="requests.show", by="park", reason="request 2", site_ref=site.ref, visitor=visitor)
    record_access(core, action="login", by="kim", reason="")
    today = core.clock.today(core.settings.zone)
    first, second, third = entries_of(core, today, today + timedelta(days=1))
    assert (first.site, first.reason, third.by, third.whose) == (site.id, "request 1", "kim", None)
    assert first.whose == second.whose
    assert first.whose not in (None, visitor.hex())
    core.retention.endings.finish(core.ledger.erase(visitor, "request"))
    assert [e.whose for e in entries_of(core, today, today + timedelta(days=1))] == ["erased", "erased", None]
    assert list(entries_of(core, today + timedelta(days=1), today + timedelta(days=2))) == []


def test_k12_a_review_says_who_reviewed_which_month(core: Installation) -> None:
    record_access(core, action="login", by="kim", reason="")
    month = core.clock.today(core.settings.zone).isoformat()[:7]
    with pytest.raises(NotAllowed, match="is not over"):
        perform(core, "audit.review", {"month": month, "by": "park"})
    with pytest.raises(CollectorError, match="is no month"):
        perform(core, "audit.review", {"month": "2026-13", "by": "park"})
    core.clock = Clock(32 * 86_400_000)
    assert perform(core, "audit.review", {"month": month, "note": "all as usual", "by": "park"})["entries"] == 1
    signed = reviews(core)[month]
    assert (signed.by, signed.reason, signed.what["entries"]) == ("park", "all as usual", 1)
    assert verify(core).findings == []
