"""Our own records age too (K3): every kind of ledger record has a class, and ends with it; the chain still verifies."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dongui_collector
import pytest
from dongui.policy import default_policy_text, parse
from dongui_collector.core.operations import perform
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.retention import ledger_retention
from dongui_collector.rights.disclosures import listed

from tests.retention.house import House, at, policy

# Those that stay as long as the ledger, and why: no visitor and no member is named in any of them.
STAYS = {
    "site": "what `dongui verify` rebuilds the list of sites from",
    "notice": "the published texts that consents refer to (K2), and K8's earlier versions",
    "selection": "proof of destruction, by which what is gone is known to be gone rightly",
    "approval": "proof of destruction",
    "standing": "proof of destruction",
    "destruction": "proof of destruction",
    "certificate": "proof of destruction",
    "lapsed": "proof of destruction",
    "erasure": "proof of destruction",
    "hold": "why a destruction was late, and what the list of holds is rebuilt from",
    "token": "what the list of tokens is rebuilt from",
    "sealed": "roots of sealed days",
    "restored": "that a backup took the ledger's place",
    "frozen": "the digest of a day's numbers, which name nobody and outlive its rows",
}

META = "Meta Platforms, Inc."
SOURCE = Path(dongui_collector.__file__).parent


# --- every kind has a class ------------------------------------------------------------------------------------------


def strings(node: ast.AST) -> set[str]:
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def named(tree: ast.Module, name: str) -> set[str]:
    """The texts that a name may stand for in a module: what is assigned to it, tuples included."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id == name:
                    value = node.value
                    found |= (
                        strings(value.body) | strings(value.orelse) if isinstance(value, ast.IfExp) else strings(value)
                    )
                elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = zip(target.elts, node.value.elts, strict=True)
                    found |= {t for e, v in pairs if isinstance(e, ast.Name) and e.id == name for t in strings(v)}
    return found


def imported(trees: dict[Path, ast.Module], tree: ast.Module, name: str) -> set[str]:
    """The same of a name that comes from another module."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
            source = (node.module or "").rpartition(".")[2]
            found |= {text for path, other in trees.items() if path.stem == source for text in named(other, name)}
    return found


def appended() -> Iterator[tuple[str, str]]:
    """(kind, module) of every record that the source puts on the ledger: ``append(kind, at, body, …)``."""
    trees = {path: ast.parse(path.read_text()) for path in SOURCE.rglob("*.py") if path.parent.name != "storage"}
    for path, tree in trees.items():
        for node in ast.walk(tree):
            is_append = (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append"
            )
            if not is_append or len(node.args) < 3:  # type: ignore[attr-defined]
                continue
            kind = node.args[0]  # type: ignore[attr-defined]
            if isinstance(kind, ast.Constant):
                found = {str(kind.value)}
            elif isinstance(kind, ast.Attribute) and isinstance(kind.value, ast.Name):
                modules = [t for p, t in trees.items() if p.stem == kind.value.id]
                found = {text for module in modules for text in named(module, kind.attr)}
            else:
                assert isinstance(kind, ast.Name), f"{path.name}:{node.lineno}: what kind of record is this?"
                found = named(tree, kind.id) or imported(trees, tree, kind.id)
            assert found, f"{path.name}:{node.lineno}: which kind of record is put on the ledger here?"
            yield from ((one, path.name) for one in found)


def test_every_kind_of_record_ends_with_a_class_or_says_why_it_stays() -> None:
    kinds = dict(appended())
    assert {"consent", "audit", "suspension", "resumption", "disclosure", "certificate", "sealed"} <= kinds.keys()
    assert kinds.keys() - ledger_retention.CLASS_OF.keys() - STAYS.keys() == set()
    assert ledger_retention.CLASS_OF.keys() & STAYS.keys() == set()
    assert set(ledger_retention.BOOKS) | ledger_retention.CONSENT_KINDS | {"audit"} == set(ledger_retention.CLASS_OF)


@pytest.mark.parametrize(
    "text",
    [default_policy_text(version="v", effective="2025-01-01", presets=("ga4", "meta")), None],
    ids=["default", "somoon"],
)
def test_every_class_is_in_the_policy_and_so_on_its_page(text: str | None) -> None:
    found = parse(text or (Path(__file__).parents[2] / "examples/somoon/policy.toml").read_text())
    assert set(ledger_retention.CLASS_OF.values()) <= found.records.keys()


# --- and ends --------------------------------------------------------------------------------------------------------


@pytest.fixture
def busy(house: House) -> House:
    """A request answered, a hand-over, an account changed twice and one removed, a profile allowed."""
    visitor = house.arrive("marketing")
    house.visit(visitor)
    made = perform(house.core, "requests.add", {"kind": "access", "visitor": visitor, "name": "Gildong"})
    perform(house.core, "requests.identity", {"id": made["id"], "how": "document"})
    perform(house.core, "requests.answer", {"id": made["id"], "outcome": "granted"})
    said = {"recipient": META, "purposes": ["marketing"], "what": "a list", "visitors": [visitor], "by": "clerk-seven"}
    perform(house.core, "disclosures.note", said)
    perform(house.core, "profiles.allow", {"member": "m-1", "by": "clerk-seven"})
    return house


def bodies(house: House, *kinds: str) -> list[str]:
    found = house.core.storage.ledger.records(limit=100_000)
    return [r.kind for r in found if r.kind in kinds and r.body is not None]


def findings(house: House) -> list[str]:
    return [str(f) for f in verify(house.core).findings]


def test_each_ends_with_its_class_and_the_chain_verifies(busy: House) -> None:
    kinds = ("request", "disclosure", "profile")
    assert sorted(bodies(busy, *kinds)) == ["disclosure", "profile", "request", "request", "request"]
    assert busy.core.storage.disclosures.people(1) == 1
    busy.run("2028-03-10T12:00")
    assert len(bodies(busy, *kinds)) == 5
    assert len(listed(busy.core)) == 1
    busy.run("2028-03-11T00:00")
    assert listed(busy.core) == []
    assert busy.core.storage.disclosures.people(1) == 0
    busy.run()  # what told of a file ends once the file has
    assert bodies(busy, *kinds) == []
    assert findings(busy) == []
    assert b"clerk-seven" not in busy.bytes()
    done = [d for d in busy.core.storage.admin.destructions(("done",)) if d.what["kind"] in ("disclosures", "books")]
    assert {d.what["kind"] for d in done} == {"disclosures", "books"}


def test_an_open_file_keeps_what_is_told_of_it(house: House) -> None:
    plan = {"recipient": "Example Successor", "address": "1 Example Street", "contact": "+82 2 000 0000"}
    plan |= {"fact": "sale", "opt_out": "write to us", "until": "2026-03-10"}
    perform(house.core, "transfers.plan", plan)
    perform(house.core, "requests.add", {"kind": "access", "name": "Gildong"})
    house.run("2028-03-11T00:00")
    house.run()
    assert sorted(bodies(house, "request", "disclosure")) == ["disclosure", "request"]
    house.run("2029-03-11T00:00")
    house.run()
    assert bodies(house, "request", "disclosure") == ["request"], "never answered, and overdue"


def test_the_last_word_on_an_account_stays_as_long_as_the_account(house: House) -> None:
    for name in ("one", "two"):
        perform(house.core, "accounts.put", {"name": name, "password": "long enough for all", "role": "auditor"})
    perform(house.core, "accounts.put", {"name": "one", "password": "another one, longer", "role": "auditor"})
    before = len(bodies(house, "account"))
    assert findings(house) == []
    house.run("2027-03-11T00:00")
    assert len(bodies(house, "account")) == 2 < before
    assert findings(house) == []


def test_who_was_told_last_stays_until_they_are_told_again(house: House) -> None:
    """K16: the next term counts from the last telling, so that one is needed however old it is."""
    ledger, site = house.core.storage.ledger, house.site.ref

    def tell(purpose: str) -> None:
        day = str(house.core.retention.today())
        with ledger.writing():
            body = {"purpose": purpose, "on": day, "until": day, "by": "kim"}
            ledger.append("reconfirmed", house.now, body, site_ref=site)

    for purpose in ("marketing", "marketing", "analysis"):
        tell(purpose)
    house.run("2028-03-11T00:00")
    assert [r.body["purpose"] for r in ledger.of_kind("reconfirmed") if r.body] == ["marketing", "analysis"]
    assert findings(house) == []


def test_a_hold_on_disclosures_keeps_them(busy: House) -> None:
    hold = {"reason": "inspection", "record_class": "disclosure", "ground": "investigation"}
    id = perform(busy.core, "holds.add", hold)["id"]
    busy.run("2028-03-11T00:00")
    assert len(listed(busy.core)) == 1
    perform(busy.core, "holds.release", {"id": id})
    assert listed(busy.core) == []


def test_a_notice_without_the_class_keeps_disclosures_as_requests(new_house: object) -> None:
    house: House = new_house()  # type: ignore[operator]
    head, _, rest = policy().partition("[records.disclosure]")
    shorter = head + "[records.staff_audit]" + rest.partition("[records.staff_audit]")[2]
    house.add_site(
        shorter.replace('label.en = "Privacy requests"\nkeep = "P3Y"', 'label.en = "Privacy requests"\nkeep = "P1Y"')
    )
    house.approve_routine()
    said = {"recipient": META, "purposes": ["marketing"], "what": "a list", "everyone": True}
    perform(house.core, "disclosures.note", said)
    house.run("2026-03-10T12:00")
    assert len(listed(house.core)) == 1
    house.run("2026-03-11T00:00")
    assert listed(house.core) == []
    assert date(2026, 3, 11) == house.core.retention.today()
    assert house.now == at("2026-03-11T00:00")
