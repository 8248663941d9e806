"""The house's rules: arrows run one way, only storage speaks SQL, only the edges know a framework."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.imports import Arrow, Module, arrows, modules

# Lowest first; a part may import parts of lower tiers. Parts of one tier do not know each other. The collector's are
# those of its design; intake, which ends data, stands above retention.
SDK = (
    ("errors", "i18n", "locale", "result", "version", "worker"),
    ("policy",),
    ("rules",),
    ("http", "web"),
    ("blocking_client",),
    ("client",),  # below the middlewares, which hand it to the application: docs/decisions/040
    ("middleware", "asgi", "reader", "testing"),
    ("integrations",),
)
COLLECTOR = (
    ("core",),
    ("storage.contract",),
    ("storage",),
    ("access", "keys"),
    ("ledger",),
    ("retention", "analytics", "exports"),
    ("intake",),
    ("evidence", "rights", "webhooks", "backup", "site_check"),
    ("desk",),
    ("runtime",),
    ("demo",),
    ("cli",),
    ("__main__",),
)
FRAMEWORKS = {
    "flask",
    "flask_login",
    "flask_wtf",
    "werkzeug",
    "jinja2",
    "wtforms",
    "django",
    "starlette",
    "fastapi",
    "granian",
}
SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX)|PRAGMA\s)",
    re.S,
)
SCHEMA = re.compile(r"\b(CREATE\s+(UNIQUE\s+)?(TABLE|INDEX|VIEW|TRIGGER)|ALTER\s+TABLE)\b")

ALL = modules()
KNOWN = frozenset(m.name for m in ALL)
ARROWS = [a for m in ALL for a in arrows(m, KNOWN)]


def part(name: str, package: str, tiers: Sequence[Sequence[str]]) -> str:
    """The part of the house that a module belongs to; empty for the package itself or a stranger."""
    inner = name.removeprefix(package + ".").split(".") if name.startswith(package + ".") else [""]
    known = {entry for tier in tiers for entry in tier}
    return next((whole for end in range(len(inner), 0, -1) if (whole := ".".join(inner[:end])) in known), inner[0])


def upward(found: Sequence[Arrow], package: str, tiers: Sequence[Sequence[str]]) -> list[str]:
    """Arrows of a package that do not point downward."""
    rank = {name: i for i, tier in enumerate(tiers) for name in tier}
    bad = []
    for arrow in found:
        high, low = part(arrow.source, package, tiers), part(arrow.target, package, tiers)
        if high != low and high in rank and rank.get(low, -1) >= rank[high]:
            bad.append(str(arrow))
    return bad


def outside(found: Sequence[Arrow], targets: set[str], allowed: Sequence[str]) -> list[str]:
    """Arrows to one of the top-level ``targets`` from modules that are not (in) one of ``allowed``."""
    return [
        str(a)
        for a in found
        if a.target.split(".")[0] in targets
        and not any(a.source == name or a.source.startswith(name + ".") for name in allowed)
    ]


@pytest.mark.parametrize(
    ("package", "tiers"), [("dongui", SDK), ("dongui_collector", COLLECTOR)], ids=["sdk", "collector"]
)
def test_arrows_run_one_way(package: str, tiers: Sequence[Sequence[str]]) -> None:
    assert upward(ARROWS, package, tiers) == []


@pytest.mark.parametrize(
    ("package", "tiers"), [("dongui", SDK), ("dongui_collector", COLLECTOR)], ids=["sdk", "collector"]
)
def test_every_part_of_the_house_has_its_tier(package: str, tiers: Sequence[Sequence[str]]) -> None:
    folders = {m.name.removeprefix(package + ".") for m in ALL if m.path.name == "__init__.py"}
    parts = {part(m.name, package, tiers) for m in ALL if m.name.startswith(package)} - {""} - folders
    assert parts - {name for tier in tiers for name in tier} == set()


def test_no_module_imports_itself_round_a_corner() -> None:
    graph: dict[str, set[str]] = {m.name: set() for m in ALL}
    for arrow in ARROWS:
        target = arrow.target
        while target and target not in KNOWN:
            target = target.rpartition(".")[0]
        # A package and its own modules are one thing to Python's import; __init__ re-exports.
        if (
            target
            and target != arrow.source
            and not arrow.source.startswith(target + ".")
            and not target.startswith(arrow.source + ".")
        ):
            graph[arrow.source].add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_the_sdk_never_imports_the_collector() -> None:
    assert [
        str(a) for a in ARROWS if a.source.split(".")[0] == "dongui" and a.target.split(".")[0] == "dongui_collector"
    ] == []


def test_the_sdk_stands_on_the_standard_library_alone() -> None:
    sdk = [a for a in ARROWS if a.source.split(".")[0] == "dongui" and not a.source.startswith("dongui.integrations.")]
    assert [
        str(a)
        for a in sdk
        if a.target.split(".")[0] not in sys.stdlib_module_names | {"dongui", "__future__", "_typeshed"}
    ] == []


def test_only_integrations_import_web_frameworks_in_the_sdk() -> None:
    sdk = [a for a in ARROWS if a.source.split(".")[0] == "dongui"]
    assert outside(sdk, FRAMEWORKS, ["dongui.integrations"]) == []


def test_only_desk_runtime_and_demo_import_flask() -> None:
    collector = [a for a in ARROWS if a.source.split(".")[0] == "dongui_collector"]
    flask = {"flask", "flask_login", "flask_wtf", "werkzeug", "wtforms"}
    assert outside(collector, flask, [f"dongui_collector.{p}" for p in ("desk", "runtime", "demo")]) == []


def test_only_storage_imports_a_database() -> None:
    collector = [a for a in ARROWS if a.source.split(".")[0] in ("dongui", "dongui_collector")]
    assert (
        outside(
            collector,
            {"sqlite3", "sqlite_utils", "duckdb", "psycopg", "clickhouse_connect"},
            ["dongui_collector.storage"],
        )
        == []
    )


def test_only_storage_speaks_sql() -> None:
    elsewhere = [m for m in ALL if not m.name.startswith("dongui_collector.storage")]
    assert [place for m in elsewhere for place in sql_in(m)] == []


def test_only_migrations_make_tables() -> None:
    # An exported file, or a copy, is no part of an installation: its tables are made from what is exported.
    kinds = ("", "_copy", "_duckdb", "_postgres")
    makers = (
        "dongui_collector.storage.sqlite.migrations",
        *(f"dongui_collector.storage.portable{kind}" for kind in kinds),
    )
    storage = [m for m in ALL if m.name.startswith("dongui_collector.storage")]
    found = {place for m in storage for place in sql_in(m, SCHEMA)}
    assert {place.split(":")[0] for place in found} == set(makers)


def test_only_the_composition_root_knows_which_storage_it_is() -> None:
    # A portable table is a form of export, no storage.
    everybodys = ("dongui_collector.storage.contract", "dongui_collector.storage.portable")
    inside = [a for a in ARROWS if re.match(r"dongui_collector\.storage\.\w", a.target)]
    engines = [a for a in inside if not a.target.startswith(everybodys)]
    strangers = {a.source for a in engines if not a.source.startswith("dongui_collector.storage.")}
    assert strangers == {"dongui_collector.runtime.composition"}


def sql_in(module: Module, pattern: re.Pattern[str] = SQL) -> list[str]:
    """String literals of a module that are SQL, docstrings excepted."""
    docs = {
        id(node.body[0].value)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        f"{module.name}:{node.lineno} speaks SQL"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docs
        and pattern.search(node.value)
    ]


# --- the checks can fail ---------------------------------------------------------------------------------------------


@pytest.fixture
def planted(tmp_path: Path) -> list[Module]:
    """A small package that breaks several rules."""
    sources = {
        "__init__.py": "",
        "storage.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from dongui_collector.cli import x\n",
        "ledger.py": "import flask\ndef late():\n    from . import cli\n",
        "cli.py": "from dongui_collector.ledger import late\nQUERY = 'SELECT n FROM events'\n",
    }
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
    return modules({"dongui_collector": tmp_path})


def test_planted_wrong_arrows_are_found_also_where_only_a_type_is_needed(planted: list[Module]) -> None:
    known = frozenset(m.name for m in planted)
    found = [a for m in planted for a in arrows(m, known)]
    assert upward(found, "dongui_collector", COLLECTOR) == [
        "dongui_collector.ledger:3 imports dongui_collector.cli",
        "dongui_collector.storage:3 imports dongui_collector.cli",
    ]
    assert outside(found, {"flask"}, ["dongui_collector.desk"]) == ["dongui_collector.ledger:1 imports flask"]


def test_planted_sql_is_found(planted: list[Module]) -> None:
    assert [place for m in planted for place in sql_in(m)] == ["dongui_collector.cli:2 speaks SQL"]
