"""No test depends on the hour or the zone in which it runs: the tests' sources read the host's clock in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
FOLDERS = (TESTS, TESTS.parent / "examples")
CLOCK = TESTS / "clock.py"

READS = frozenset(
    {
        *(f"time.{name}" for name in ("time", "time_ns", "localtime", "ctime", "asctime", "mktime", "clock_gettime")),
        *(f"time.{name}" for name in ("clock_gettime_ns", "timezone", "altzone", "daylight", "tzname")),
        *(f"datetime.datetime.{name}" for name in ("now", "today", "utcnow", "utcfromtimestamp")),
        *(f"datetime.date.{name}" for name in ("today", "fromtimestamp")),
        *("email.utils.localtime", "email.utils.formatdate", "uuid.uuid1"),
    }
)
"""What reads the host's clock or zone whatever it is given. Measuring how long something takes does not
(``time.monotonic``, ``time.perf_counter``)."""

READS_BELOW = {"time.strftime": 2, "time.gmtime": 1, "datetime.datetime.fromtimestamp": 2}
"""What reads them when it is called with fewer arguments than this."""

NAIVE = frozenset({"datetime.datetime", "datetime.datetime.fromisoformat", "datetime.datetime.strptime"})
"""What makes times that may lack a zone; the host's is taken where ``timestamp()`` is asked of one."""

ALLOWED = {
    CLOCK: "the tests' one clock; its days are those of a named zone",
    TESTS / "hours" / "sitecustomize.py": "shifts the clock from the host's",
}


def host_reads(source: str) -> list[tuple[int, str]]:
    """Every place, as line and name, at which Python source reads the host's clock or zone."""
    tree = ast.parse(source)
    names = dict(_imported(tree))
    return sorted({(node.lineno, found) for node in ast.walk(tree) for found in _read(node, names)})


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What a name of the module stands for, wherever it is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                yield (one.asname, one.name) if one.asname else (one.name.split(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((one.asname or one.name, f"{node.module}.{one.name}") for one in node.names)


def _read(node: ast.AST, names: dict[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Attribute | ast.Name) and (name := _dotted(node, names)) in READS:
        yield name
    if not isinstance(node, ast.Call):
        return
    name, given = _dotted(node.func, names), len(node.args) + len(node.keywords)
    if given < READS_BELOW.get(name, 0):
        yield name
    if isinstance(node.func, ast.Attribute):
        if node.func.attr == "astimezone" and not given:
            yield "astimezone"
        made = node.func.value
        if node.func.attr == "timestamp" and isinstance(made, ast.Call) and _is_naive(made, names):
            yield "timestamp"


def _is_naive(made: ast.Call, names: dict[str, str]) -> bool:
    return _dotted(made.func, names) in NAIVE and all(keyword.arg != "tzinfo" for keyword in made.keywords)


def _dotted(node: ast.AST, names: dict[str, str]) -> str:
    """The full name of what an expression names: ``dt.now`` after ``from datetime import datetime as dt``."""
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, names)}.{node.attr}"
    return names.get(node.id, "") if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize(
    "file", [file for folder in FOLDERS for file in sorted(folder.rglob("*.py"))], ids=lambda file: file.stem
)
def test_no_test_reads_the_hosts_clock_or_zone(file: Path) -> None:
    if file not in ALLOWED:
        found = [f"{file.name}:{line}: {name}" for line, name in host_reads(file.read_text(encoding="utf-8"))]
        assert found == [], "take the present from tests/clock.py, or move the clock of the test's own installation"


def test_what_is_allowed_needs_it() -> None:
    assert all(host_reads(file.read_text(encoding="utf-8")) for file in ALLOWED)


@pytest.mark.parametrize(
    "line",
    [
        "import time; time.time()",
        "import time as t; key = t.time_ns",
        "from time import time as clock; clock()",
        "import datetime; datetime.date.today()",
        "from datetime import date; days = map(date.today, ())",
        "from datetime import UTC, datetime; datetime.now(UTC)",
        "from datetime import datetime as dt; dt.utcnow()",
        "from datetime import datetime; datetime.fromtimestamp(1)",
        "from datetime import datetime; datetime(2026, 1, 1).timestamp()",
        "from datetime import datetime; datetime.fromisoformat('2026-01-01').timestamp()",
        "def f(at): return at.astimezone()",
        "import time; time.strftime('%Y')",
    ],
)
def test_every_way_to_read_it_is_seen(line: str) -> None:
    assert len(host_reads(line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "import time; time.monotonic(); time.perf_counter(); time.sleep(0)",
        "from datetime import UTC, datetime; datetime.fromtimestamp(1, UTC)",
        "from datetime import UTC, datetime; datetime(2026, 1, 1, tzinfo=UTC).timestamp()",
        "from datetime import UTC, datetime; datetime.fromisoformat('2026-01-01').replace(tzinfo=UTC).timestamp()",
        "from datetime import date; date(2026, 1, 1)",
        "from tests.clock import today; today()",
        "def f(at, zone): return at.astimezone(zone)",
    ],
)
def test_what_reads_nothing_of_the_host_is_let_be(line: str) -> None:
    assert host_reads(line) == []
