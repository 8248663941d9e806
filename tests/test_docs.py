"""Documentation is tested: everything that can be set, run, asked or scraped has its heading, and examples are real."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import click
import pytest
import yaml
from dongui_collector.cli.root import cli
from dongui_collector.core.settings import Settings
from dongui_collector.desk import health
from dongui_collector.desk.openapi import description
from dongui_collector.intake import problems as problems_module
from dongui_collector.intake.metrics import DoorMetrics
from dongui_collector.intake.routes import pages

from bench.__main__ import PARTS

ROOT = Path(__file__).resolve().parent.parent
TREES = ("bench", "collector", "deploy", "docs", "examples", "python_sdk", "sdk_js", "tests")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
HOT_PATHS = {"POST /v1/events", "POST /v1/consents"}  # answered natively, before any routing (intake/app.py)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced code block of a page."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def headings() -> set[str]:
    """Every heading of the documentation, without its marks and its code quotes."""
    lines = [line for page in PAGES for line in page.read_text(encoding="utf-8").splitlines()]
    return {line.lstrip("#").replace("`", "").strip() for line in lines if line.startswith("#")}


def blocks() -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", text, re.M | re.S):
            line = text.count("\n", 0, match.start()) + 1
            body = re.sub(f"^{match[1]}", "", match[3], flags=re.M)
            found.append(Block(str(page.relative_to(ROOT)), line, match[2], body))
    return found


def commands(command: click.Command, name: str, ctx: click.Context) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, under its whole name."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    for child in command.list_commands(ctx):
        found = command.get_command(ctx, child)
        assert found
        yield from commands(found, f"{name} {child}", ctx)


def all_commands() -> dict[str, click.Command]:
    return dict(commands(cli, "dongui", click.Context(cli)))


def endpoints() -> set[str]:
    """``METHOD /path`` of everything that the two doors answer."""
    routes: list[Any] = pages(cast(Any, None)).routes
    public = {f"{method} {_plain(route.path)}" for route in routes for method in route.methods - {"HEAD"}}
    desk = {f"{method.upper()} {path}" for path, calls in description()["paths"].items() for method in calls}
    return HOT_PATHS | public | desk


def _plain(path: str) -> str:
    """``/v1/{name:str}.js`` → ``/v1/{name}.js``"""
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", path)


def metrics() -> set[str]:
    families = DoorMetrics().registry.collect()
    desk = re.findall(r'"(dongui_desk_\w+)"', Path(health.__file__).read_text(encoding="utf-8"))
    assert desk
    return {f.name + ("_total" if f.type == "counter" else "") for f in families} | set(desk)


def missing(wanted: set[str]) -> set[str]:
    """What no heading begins with; what follows a name in a heading is its arguments."""
    found = headings()
    return {w for w in wanted if not any(h == w or h.startswith((w + " ", w + ":", w + "?")) for h in found)}


def test_every_setting_is_documented() -> None:
    assert missing({f.name for f in fields(Settings) if f.name != "folder"}) == set()


def test_every_command_is_documented_and_no_other() -> None:
    assert missing(set(all_commands())) == set()
    documented = {h for h in headings() if h.startswith("dongui ")}
    assert {h for h in documented if not any(h == c or h.startswith(c + " ") for c in all_commands())} == set()


def test_every_endpoint_is_documented_and_no_other() -> None:
    assert missing(endpoints()) == set()
    documented = {h for h in headings() if re.match(r"(GET|POST|PUT|PATCH|DELETE) /", h)}
    assert documented - endpoints() == set()


def test_every_error_is_documented_with_its_status() -> None:
    page = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", page, re.M))
    titles = vars(problems_module)["_TITLES"]
    assert rows == {slug: str(status) for slug, (status, _) in titles.items()}


def test_every_metric_is_documented_and_no_other() -> None:
    assert missing(metrics()) == set()
    assert {h for h in headings() if h.startswith("dongui_")} - metrics() - {"dongui_id"} == set()


def test_every_alert_asks_for_a_metric_that_is_there() -> None:
    (rules,) = [b for b in blocks() if b.language == "yaml" and "alert:" in b.text]
    expressions = [rule["expr"] for group in yaml.safe_load(rules.text)["groups"] for rule in group["rules"]]
    asked = {name for expression in expressions for name in re.findall(r"\bdongui_\w+", expression)}
    assert len(expressions) > 3
    assert asked - metrics() == set()


def test_the_performance_page_has_a_place_for_every_part_of_the_bench() -> None:
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert re.findall(r"<!-- bench:(\w+) -->", text) == list(PARTS)
    assert re.findall(r"<!-- /bench:(\w+) -->", text) == list(PARTS)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    assert [
        t for t in targets if "://" not in t and not t.startswith("mailto:") and not (page.parent / t).exists()
    ] == []


_FILE = re.compile(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|ts|mjs|css|html|cfg))`")
DECISIONS = ROOT / "docs" / "decisions"  # each says what was so on its day


def lost_files(text: str, known: Collection[str]) -> set[str]:
    """The source files that a page names and the repository does not have, whole or from some folder on."""
    return {name for name in _FILE.findall(text) if not any(f"/{path}".endswith(f"/{name}") for path in known)}


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p.parent != DECISIONS], ids=lambda page: str(page.relative_to(ROOT))
)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    assert lost_files(page.read_text(encoding="utf-8"), source_files()) == set()


@cache
def source_files() -> frozenset[str]:
    listed = (path for top in TREES for path in (ROOT / top).rglob("*.*") if "node_modules" not in path.parts)
    return frozenset(str(path.relative_to(ROOT)) for path in (*listed, *ROOT.glob("*.*")))


@pytest.mark.parametrize("block", blocks(), ids=str)
def test_every_code_block_is_real(block: Block) -> None:
    checks.get(block.language, lambda _text: None)(block.text)


def check_python(text: str) -> None:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("dongui", "dongui_collector"):
            module = __import__(node.module or "", fromlist=["*"])
            assert [a.name for a in node.names if not hasattr(module, a.name)] == []


def check_html(text: str) -> None:
    parser = HTMLParser()
    parser.feed(text)
    parser.close()


def check_shell(text: str) -> None:
    lines = [line.removeprefix("$ ") for line in text.splitlines()]
    source = "\n".join(lines)
    done = subprocess.run(
        ["bash", "-n"], input=re.sub(r"[…<>]", "x", source), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    known, targets = all_commands(), make_targets()
    for line in source.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["make"]:
            assert {w for w in words[1:] if "=" not in w} <= targets
        elif words[:1] == ["dongui"]:
            check_command(words, known)


def check_command(words: list[str], known: dict[str, click.Command]) -> None:
    """A line of a page names a command that is there, with options that it takes."""
    name = next((n for size in (3, 2) if (n := " ".join(words[:size])) in known), None)
    assert name, f"there is no command {' '.join(words[:3])}"
    takes = {option for p in known[name].params for option in (*p.opts, *p.secondary_opts)} | {"--help"}
    given = {w.split("=")[0] for w in words if w.startswith("-") and len(w) > 1}
    assert given <= takes, f"{name} does not take {given - takes}"


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


checks = {
    "python": check_python,
    "toml": tomllib.loads,
    "json": json.loads,
    "yaml": yaml.safe_load,
    "html": check_html,
    "sh": check_shell,
    "bash": check_shell,
    "console": check_shell,
}


def test_the_checks_can_fail() -> None:
    with pytest.raises(AssertionError, match="no command"):
        check_shell("dongui polish check policy.toml\n")
    with pytest.raises(AssertionError, match="does not take"):
        check_shell("dongui serve --prot 8787\n")
    with pytest.raises(AssertionError):
        check_shell("make nothing\n")
    with pytest.raises(AssertionError):
        check_python("from dongui import NoSuchThing\n")
    assert lost_files("`a/gone.py`, `here.py`, `b/c.py`", {"a/here.py", "x/b/c.py", "b/gone.py"}) == {"a/gone.py"}
    assert missing({"dongui_no_such_metric"}) == {"dongui_no_such_metric"}


def test_every_test_that_the_threat_model_names_exists_and_no_attack_is_left_out() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text))
    assert {file for file, _ in named if not (ROOT / file).is_file()} == set()
    lost = [(file, test) for file, test in named if test and f"def {test}(" not in (ROOT / file).read_text("utf-8")]
    assert lost == []
    attacks = {str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "attacks").glob("test_*.py")}
    assert attacks - {file for file, _ in named} == set()
