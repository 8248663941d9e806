"""One word, one meaning: no private names for modules and classes, and no class name twice (docs/glossary.md)."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.imports import ROOT, Module, modules

# What a module or class must not be called; the right column is what took its place.
PRIVATE = {
    "asked": "query",
    "told": "summary",
    "found": "result",
    "which": "selection",
    "standing": "consent_status, standing_approval",
    "covered": "entitled_events",
    "masks": "pending_erasures",
    "keeper": "retention_service",
    "shown": "serializers",
    "passage": "request",
    "knowledge": "policy_cache",
    "tally": "counters",
    "parcels": "batches",
    "held": "buffered_response",
    "guard": "set_cookie",
    "mount": "proxy_rules",
    "terms": "compiled_policy",
    "said": "i18n",
    "line": "http",
    "wire": "schema",
    "asking": "blocking_client",
    "door": "app",
    "book": "notices",
    "who": "credentials",
    "office": "tokens",
    "people": "accounts",
    "custody": "keys",
}
# One name with one meaning in several places: a middleware for each kind of server; a script that others run alone.
SAME_MEANING = {"ConsentMiddleware", "MerkleTree"}


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip("_")).lower()


def classes(found: Iterable[Module]) -> dict[str, list[str]]:
    """Class names, private ones too, with the modules that define them at their top."""
    where = defaultdict(list)
    for module in found:
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef):
                where[node.name].append(module.name)
    return where


def private_names(found: Iterable[Module]) -> list[str]:
    found = list(found)
    names = [(module.name, module.name.rpartition(".")[2]) for module in found]
    names += [(f"{where[0]}.{name}", snake(name)) for name, where in classes(found).items()]
    return [f"{full}: say {PRIVATE[name]}" for full, name in names if name in PRIVATE]


def doubled(found: Iterable[Module]) -> dict[str, list[str]]:
    return {n: where for n, where in classes(found).items() if len(where) > 1 and n[0] != "_" and n not in SAME_MEANING}


def test_no_module_and_no_class_has_a_private_name() -> None:
    assert private_names(modules()) == []


def test_no_public_class_name_is_defined_twice() -> None:
    assert doubled(modules()) == {}


def test_every_word_of_the_glossary_has_its_korean_term_and_one_meaning() -> None:
    rows = [line.strip("| ").split(" | ") for line in (ROOT / "docs/glossary.md").read_text("utf-8").splitlines()]
    words = [row for row in rows if len(row) == 3 and row[0] not in ("word", "---")]
    assert len(words) > 50
    assert [row[0] for row in words if not re.search("[가-힣]", row[1]) or len(row[2]) < 10] == []
    names = [row[0] for row in words]
    assert sorted(names) == sorted(set(names))


@pytest.fixture
def planted(tmp_path: Path) -> list[Module]:
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "asked.py").write_text("class Keeper: ...\nclass Query: ...\n")
    (tmp_path / "query.py").write_text("class _Told: ...\nclass Query: ...\n")
    return modules({"dongui": tmp_path})


def test_planted_names_are_found(planted: list[Module]) -> None:
    assert [line.partition(":")[0] for line in private_names(planted)] == [
        "dongui.asked",
        "dongui.asked.Keeper",
        "dongui.query._Told",
    ]
    assert doubled(planted) == {"Query": ["dongui.asked", "dongui.query"]}


def same_named(folder: Path) -> list[str]:
    names = Counter(path.name for path in folder.rglob("test_*.py"))
    return [name for name, files in names.items() if files > 1]


def test_no_two_test_files_have_one_name() -> None:
    """pytest imports them by it, so that the second ends a run of the whole before it begins; alone, each is green."""
    assert same_named(ROOT / "tests") == []


def test_a_second_file_of_a_name_is_found(tmp_path: Path) -> None:
    for folder in ("ledger", "analytics"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "test_live.py").touch()
    assert same_named(tmp_path) == ["test_live.py"]
