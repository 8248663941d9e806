"""Attackers with write access: what each does is really done, and ``verify`` must find it (invariant 4, S5.3, K2, K12).

Those without keys are found by the installation alone; those who hold all the keys, by a checkpoint kept elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from dongui_collector.core.errors import NotAllowed
from dongui_collector.core.operations import perform
from dongui_collector.evidence import checkpoints
from dongui_collector.storage.contract import chain
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.evidence.attacker import Copy, Link, edited, ledger_file, rechain, sql
from tests.evidence.seen import ALL, DAY, checkpoint, findings, live_in, seal
from tests.retention.house import House, at


@pytest.fixture
def lived(house: House) -> House:
    live_in(house)
    perform(house.core, "tokens.create", {"purposes": ["statistics"]})
    perform(house.core, "accounts.put", {"name": "kim", "password": "a long enough word", "role": "auditor"})
    perform(house.core, "holds.add", {"reason": "a claim", "ground": "claim", "record_class": "contract"})
    visitor = house.arrive()
    house.core.ledger.suspend(house.core.ledger.key_of(visitor), True)
    assert findings(house) == []
    return house


# --- the tables beside the chain -------------------------------------------------------------------------------------

TABLES = {
    "a withdrawn consent given again": "UPDATE standings SET state = 'given' WHERE state = 'withdrawn'",
    "a consent for another purpose": "UPDATE standings SET bit = 9 WHERE rowid_is_first",
    "a consent moved to another record": "UPDATE standings SET seq = seq + 1 WHERE state = 'given'",
    "a consent under another notice": "UPDATE standings SET notice_ref = 7 WHERE state = 'given'",
    "a consent made younger": "UPDATE standings SET at = at + 86400000 WHERE state = 'given'",
    "a consent called knowing": "UPDATE standings SET knowing = 1",
    "a consent removed": "DELETE FROM standings WHERE state = 'given'",
    "a visitor removed": "DELETE FROM visitors WHERE suspended = 0",
    "a suspension lifted": "UPDATE visitors SET suspended = 0 WHERE suspended = 1",
    "a suspension made up": "UPDATE visitors SET suspended = 1 WHERE suspended = 0",
    "a visitor of another site": "UPDATE visitors SET site_ref = 9",
    "a visitor made up": "INSERT INTO visitors VALUES (zeroblob(16), 1, 1, NULL)",
    "a consent made up": "INSERT INTO standings SELECT visitor, 8, 'given', seq, notice_ref, at, 0"
    " FROM standings LIMIT 1",
    "a notice's text": "UPDATE notices SET text = replace(text, 'P1Y', 'P9Y')",
    "a notice's date": "UPDATE notices SET effective = '2020-01-01'",
    "a notice's publication": "UPDATE notices SET published_at = 5",
    "a notice's name": "UPDATE notices SET version = 'v9'",
    "an origin added": "UPDATE sites SET origins = '[\"https://evil.example.com\"]'",
    "a site's name": "UPDATE sites SET name = 'other'",
    "a site's secret key": "UPDATE sites SET secret_hash = zeroblob(32)",
    "a purpose's bit": "UPDATE purposes SET bit = 30 WHERE bit = 0",
    "a purpose made up": "INSERT INTO purposes VALUES (1, 'sale', 40)",
    "a hold's reach": "UPDATE holds SET class_id = 'access_log'",
    "a hold released": "UPDATE holds SET released_at = 5",
    "a hold made up": "INSERT INTO holds (reason, at) VALUES ('mine', 5)",
    "the standing approval's signer": "UPDATE settings SET value = json_set(value, '$.by', 'me')"
    " WHERE name = 'approval.standing'",
    "the standing approval removed": "DELETE FROM settings WHERE name = 'approval.standing'",
    "a token's purposes": "UPDATE tokens SET token = json_set(token, '$.purposes', json('[\"marketing\"]'))",
    "a token's role": "UPDATE tokens SET token = json_set(token, '$.role', 'admin')",
    "a token's site": "UPDATE tokens SET token = json_set(token, '$.site', 's_x')",
    "a token removed": "DELETE FROM tokens",
    "a token ended": "UPDATE tokens SET revoked_at = 5",
    "a destruction made up": "INSERT INTO destructions (state, what, reason, selected_at, approved_at, approved_by)"
    " VALUES ('approved', '{\"kind\": \"day\", \"day\": \"2025-03-10\"}', 'x', 0, 0, 'me')",
}


@pytest.mark.parametrize("attack", TABLES)
def test_k12_whoever_writes_a_table_is_found(lived: House, attack: str) -> None:
    statement = TABLES[attack].replace("rowid_is_first", "bit = (SELECT min(bit) FROM standings)")
    sql(ledger_file(lived), statement)
    found = findings(lived)
    assert found
    assert all(place.startswith(("table ", "destruction ", "ledger record ", "day ")) for place in found), found


def test_an_account_with_another_role_is_found(lived: House) -> None:
    account = lived.core.storage.accounts.account("kim")
    assert account
    with lived.core.storage.ledger.writing():
        lived.core.storage.accounts.put(msgspec.structs.replace(account, role="admin"))
    assert findings(lived) == ["table accounts, account 1 by name: it is not what the ledger says"]


def test_sa_a_published_version_is_never_replaced(house: House) -> None:
    """SA: immutable versions; by the front door it is refused, by the back door found."""
    text = house.core.storage.ledger.notices(1)[0].text
    with pytest.raises(NotAllowed, match="another text"):
        perform(house.core, "policy.publish", {"text": text.replace('keep = "P1Y"', 'keep = "P2Y"')})
    sql(ledger_file(house), """UPDATE notices SET text = replace(text, 'keep = "P1Y"', 'keep = "P2Y"')""")
    assert findings(house) == ["table notices, site 1, version v1: its text is not what was published"]


# --- the chain itself, without the keys ------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_edit_of_any_record_is_found(lived: House, data: st.DataObject) -> None:
    """Whichever column of whichever record is changed, and however, unless nothing changes."""
    records = lived.core.storage.ledger.records()
    one = data.draw(st.sampled_from(records))
    column = data.draw(st.sampled_from(["kind", "at", "site_ref", "visitor", "body", "salt", "commitment", "hash"]))
    value = data.draw(
        {
            "kind": st.sampled_from(["'site'", "'audit'", "'x'"]),
            "at": st.integers(0, 1 << 40).map(str),
            "site_ref": st.sampled_from(["NULL", "1", "2"]),
            "visitor": st.sampled_from(["NULL", "zeroblob(16)"]),
            "body": st.sampled_from(["NULL", "'{}'", '\'{"given": ["marketing"]}\'']),
        }.get(column, st.binary(min_size=16, max_size=32).map(lambda raw: f"x'{raw.hex()}'"))
    )
    before = lived.core.storage.ledger._read("SELECT * FROM chain WHERE seq = ?", (one.seq,))  # type: ignore[attr-defined]
    path = ledger_file(lived)
    sql(path, "CREATE TABLE kept AS SELECT * FROM chain", f"UPDATE chain SET {column} = {value} WHERE seq = {one.seq}")
    after = lived.core.storage.ledger._read("SELECT * FROM chain WHERE seq = ?", (one.seq,))  # type: ignore[attr-defined]
    found = findings(lived)
    sql(path, "DELETE FROM chain", "INSERT INTO chain SELECT * FROM kept", "DROP TABLE kept")
    assert bool(found) == (before != after)


# --- the chain itself, with all the keys -----------------------------------------------------------------------------


def _first(links: list[Link], kind: str) -> int:
    return next(n for n, one in enumerate(links) if one.kind == kind and one.body is not None)


def _drop(kind: str) -> Callable[[list[Link]], list[Link]]:
    def drop(links: list[Link]) -> list[Link]:
        n = _first(links, kind)
        return links[:n] + links[n + 1 :]

    return drop


def _edit(kind: str, **changes: object) -> Callable[[list[Link]], list[Link]]:
    def edit(links: list[Link]) -> list[Link]:
        n = _first(links, kind)
        return [*links[:n], edited(links[n], **changes), *links[n + 1 :]]

    return edit


def _swap(links: list[Link]) -> list[Link]:
    return [links[1], links[0], *links[2:]]


def _later(links: list[Link]) -> list[Link]:
    n = _first(links, "consent")
    return [*links[:n], replace(links[n], at=links[n].at - 1), *links[n + 1 :]]


def _insert(links: list[Link]) -> list[Link]:
    n = _first(links, "consent")
    return [*links[: n + 1], links[n], *links[n + 1 :]]


KEYED: dict[str, Callable[[list[Link]], list[Link]]] = {
    "truncated": lambda links: links[:-1],
    "cut to one record": lambda links: links[:1],
    "a withdrawal dropped": _drop("erasure"),
    "a certificate dropped": _drop("certificate"),
    "a seal dropped": _drop("sealed"),
    "a consent edited": _edit("consent", given=["marketing"], withdrawn=["statistics"]),
    "a certificate edited": _edit("certificate", rows_destroyed=999),
    "a seal edited": _edit("sealed", days=[]),
    "a notice edited": _edit("notice", digest="0" * 64),
    "a consent dated back": _later,
    "a consent doubled": _insert,
    "records exchanged": _swap,
    "begun anew": lambda links: [replace(links[0], at=links[0].at + 1), *links[1:]],
    "another tail of the same length": lambda links: [*links[:-1], replace(links[-1], kind="audit", body='{"by":"x"}')],
}


@pytest.mark.parametrize("attack", KEYED)
def test_whoever_rewrites_the_chain_with_the_keys_is_found_by_a_checkpoint(lived: House, attack: str) -> None:
    kept = checkpoint(lived)
    rechain(lived, KEYED[attack])
    assert not any("MAC" in f or "hash does not follow" in f for f in findings(lived)), "the forgery is not perfect"
    assert any(f.startswith("checkpoint kept.json: ") for f in findings(lived, kept))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_rewriting_with_the_keys_is_found_by_a_checkpoint(lived: House, data: st.DataObject) -> None:
    """Dropped, doubled, exchanged or altered: any record, any way, re-chained without a flaw."""
    kept = checkpoint(lived)
    with_all = Copyless(lived)
    n = data.draw(st.integers(0, kept[1].records - 2))  # what is added after the last is no rewriting
    how = data.draw(st.sampled_from(["drop", "double", "swap", "at", "salt"]))

    def change(links: list[Link]) -> list[Link]:
        match how:
            case "drop":
                return links[:n] + links[n + 1 :]
            case "double":
                return [*links[: n + 1], *links[n:]]
            case "swap":
                m = (n + 1) % len(links)
                swapped = list(links)
                swapped[n], swapped[m] = links[m], links[n]
                return swapped
            case "at":
                return [*links[:n], replace(links[n], at=links[n].at + 1), *links[n + 1 :]]
        salt = bytes(16) if links[n].salt is not None else None
        committed = chain.commitment(bytes(16), b"") if salt is None else links[n].commitment
        return [*links[:n], replace(links[n], salt=salt, commitment=committed), *links[n + 1 :]]

    rechain(lived, change)
    found = findings(lived, kept)
    with_all.back()
    assert any(f.startswith("checkpoint kept.json: ") for f in found)
    assert findings(lived, kept) == []


class Copyless:
    """The chain as it was, put back in place by SQL alone: the house stays open."""

    def __init__(self, house: House) -> None:
        self._path = ledger_file(house)
        sql(
            self._path,
            "CREATE TABLE kept AS SELECT * FROM chain",
            "CREATE TABLE kept_head AS SELECT * FROM head",
        )

    def back(self) -> None:
        sql(
            self._path,
            "DELETE FROM chain",
            "INSERT INTO chain SELECT * FROM kept",
            "DELETE FROM head",
            "INSERT INTO head SELECT * FROM kept_head",
            "DROP TABLE kept",
            "DROP TABLE kept_head",
        )


# --- day files -------------------------------------------------------------------------------------------------------


def day_file(house: House, day: object = DAY) -> Path:
    return house.folder / "data" / "events" / f"{day}.db"


def test_a_deleted_day_file_is_found(lived: House) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{day_file(lived)}{suffix}").unlink(missing_ok=True)
    assert findings(lived) == [
        f"day {DAY}: the ledger sealed it, its file is gone, and nothing certifies its destruction"
    ]


def test_a_day_file_taken_away_before_it_was_sealed_is_found(lived: House) -> None:
    lived.visit(lived.arrive())
    for suffix in ("", "-wal", "-shm"):
        Path(f"{day_file(lived, '2025-03-13')}{suffix}").unlink(missing_ok=True)
    assert findings(lived) == ["day 2025-03-13: it has a key and no file: the file was taken away"]


def test_a_sealed_days_key_that_is_not_there_is_found(lived: House) -> None:
    sql(lived.folder / "keys" / "keys.db", f"DELETE FROM keys WHERE name = 'day:{DAY}'")
    lived.reopen()
    found = findings(lived)
    assert f"day {DAY}: it was sealed, and its key is not there" in found


ROWS = {
    "a value": "UPDATE events SET url = 'https://shop.example.com/forged' WHERE n = 1",
    "a time": "UPDATE events SET at = at + 1 WHERE n = 1",
    "rows exchanged": "UPDATE events SET props = (SELECT props || ' ' FROM events WHERE n = 2) WHERE n = 1",
    "a row removed": "DELETE FROM events WHERE n = 1",
    "a row of another visitor": "UPDATE events SET visitor = (SELECT visitor FROM events WHERE n = 2),"
    " seq = (SELECT seq FROM events WHERE n = 2) WHERE n = 1",
    "the count of what ended": "UPDATE tally SET destroyed = 0, reduced = 0",
}


@pytest.mark.parametrize("attack", ROWS)
def test_whoever_writes_a_sealed_day_is_found(lived: House, attack: str) -> None:
    sql(day_file(lived), ROWS[attack])
    assert any(f.startswith(f"day {DAY}") for f in findings(lived))


def test_a_row_destroyed_by_hand_is_found_although_others_ended(lived: House) -> None:
    """Rows that vanish uncounted are missed at the next seal, and the count itself needs an ending on the ledger."""
    sql(day_file(lived), "UPDATE tally SET destroyed = destroyed + 1", "DELETE FROM events WHERE n = 1")
    assert any("no ending on the ledger explains it" in f for f in findings(lived))


def test_an_old_copy_of_a_day_file_is_found(house: House, tmp_path: Path) -> None:
    """Rollback of what a withdrawal destroyed, after the next seal and before it."""
    first, _ = live_in(house)
    old = Copy(house, tmp_path / "old")
    house.choose((), ALL, first)
    seal(house)
    old.put_back(f"events/{DAY}.db")
    found = findings(house)
    assert any("it is an older copy" in f for f in found)
    assert any("no consent on the ledger covers" in f for f in found)


def test_an_old_copy_of_the_ledger_is_found(house: House, tmp_path: Path) -> None:
    """Rollback of the ledger with everything that belongs to it: flawless in itself, found by the checkpoint."""
    live_in(house)
    old = Copy(house, tmp_path / "old")
    house.choose((), (), house.arrive())
    kept = checkpoint(house)
    old.put_back()
    assert findings(house) == []
    (found,) = findings(house, kept)
    assert "the ledger ends with" in found


def test_a_day_and_its_seals_taken_out_of_the_chain_are_found_by_a_checkpoint(lived: House) -> None:
    """With all the keys: the file, every seal that names it, and its key go; the chain is written anew."""
    kept = checkpoint(lived)
    for suffix in ("", "-wal", "-shm"):
        Path(f"{day_file(lived)}{suffix}").unlink(missing_ok=True)
    sql(lived.folder / "keys" / "keys.db", f"DELETE FROM keys WHERE name = 'day:{DAY}'")

    def without(links: list[Link]) -> list[Link]:
        return [
            edited(one, days=[d for d in json.loads(one.body or "{}")["days"] if d["day"] != str(DAY)])
            if one.kind == "sealed"
            else one
            for one in links
        ]

    rechain(lived, without)
    assert findings(lived) == []
    (found,) = findings(lived, kept)
    assert "rewritten" in found


# --- checkpoints -----------------------------------------------------------------------------------------------------


def test_a_ledger_that_went_on_keeps_every_earlier_checkpoint(house: House) -> None:
    live_in(house)
    one = checkpoint(house)
    house.erase(house.arrive())
    house.now = at("2025-03-14T12:00")
    seal(house)
    two = checkpoint(house)
    house.run("2026-03-14T00:00")
    assert not house.core.storage.events.days()
    assert findings(house, one, two) == []


def test_a_checkpoint_of_another_installation_is_found(house: House, new_house: Callable[..., House]) -> None:
    live_in(house)
    other = new_house("other")
    other.add_site()
    (found,) = findings(house, checkpoint(other))
    assert "another installation" in found


@given(st.text(max_size=40) | st.builds(json.dumps, st.dictionaries(st.text(max_size=5), st.integers())))
def test_what_is_no_checkpoint_is_refused_by_name(text: str) -> None:
    with pytest.raises(checkpoints.CollectorError, match=r"mine\.json"):
        checkpoints.parse(text, "mine.json")
