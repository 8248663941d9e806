"""Honest visitors beside an attacker: 200 requests a second, none refused, and how much longer they wait."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.request import urlopen

from bench.attackers import SILENT
from bench.history import fill, opened, row_maker
from bench.installation import Installation
from bench.load import Outcome, drive
from bench.payloads import Crowd, agents, requests
from bench.processes import ROOT, python
from bench.report import Figure

_RATE = 200.0
_CONNECTIONS = 32
_BEFORE_S = 2.0  # an attack goes on for so long before honest visitors are looked at
ATTACKS = {
    "exports": "eight connections that read one visitor's own data without end",
    "loops": "eight connections that grant and withdraw without end",
    "silent": f"{SILENT:,} silent connections",
    "requests": "eight connections that file privacy requests without end",
}


def measure(quick: bool) -> tuple[list[Figure], str]:
    """Alone, then beside each attack, in one run of the collector."""
    seconds, rows = (1.0, 200) if quick else (8.0, 20_000)
    with tempfile.TemporaryDirectory(prefix="dongui-bench-") as folder:
        place = Installation.make(Path(folder) / "i")
        with place.serving() as port:
            crowd = place.crowd(port, 500, agents(500))
            with urlopen(f"http://127.0.0.1:{port}/v1/notice?site={place.site}&lang=ko") as answer:
                notice = json.load(answer)["version"]
        with opened(place.config) as core:  # what the attacker's own export has to read
            yesterday = core.clock.today(core.settings.zone) - timedelta(days=1)
            fill(core, yesterday, rows, row_maker(core, crowd.visitors[:1]), lambda _i: 0)
        honest = Crowd(crowd.site, crowd.visitors[1:], crowd.agents)
        with place.serving() as port:
            _paced(port, honest, 1.0, seed=1)
            alone = _paced(port, honest, seconds, seed=2)
            beside = {}
            for seed, name in enumerate(ATTACKS, 3):
                with _attacked(name, port, place.site, notice, crowd.visitors[0]):
                    beside[name] = _paced(port, honest, seconds, seed)
    own = alone.percentile(99)
    figures = [Figure("honest visitors alone, 200 requests/s", f"p99 {own * 1000:.1f} ms")]
    figures += [_figure(ATTACKS[name], outcome, own) for name, outcome in beside.items()]
    return figures, f"Each for {seconds:.0f} s, over {_CONNECTIONS} connections; the attacker has {rows:,} events."


def _paced(port: int, crowd: Crowd, seconds: float, seed: int) -> Outcome:
    supply = requests(crowd, int(_RATE * seconds), seed=seed)
    return drive(port, supply, seconds=seconds, connections=_CONNECTIONS, rate=_RATE)


def _figure(what: str, outcome: Outcome, own: float) -> Figure:
    refused = outcome.requests - outcome.count(202)
    share = outcome.percentile(99) / own
    measured = f"p99 {outcome.percentile(99) * 1000:.1f} ms = {share:.1f} ×, {refused} of {outcome.requests} refused"
    return Figure(f"beside {what}", measured, "", "≤ 3 ×, none refused", share <= 3 and not refused)


@contextmanager
def _attacked(name: str, *arguments: object) -> Iterator[None]:
    """An attack in a process of its own, under way when the block begins."""
    command = python("-m", "bench.attackers", name, *map(str, arguments))
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            if child.stdout.readline() != b"ready\n":
                raise RuntimeError(f"the attack {name} did not begin")
            time.sleep(_BEFORE_S)
            yield
        finally:
            child.kill()
