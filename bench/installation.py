"""A temporary installation, made and run as an operator would: ``dongui init``, ``dongui serve``, HTTP."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from dongui_collector.runtime.install import Facts, starting_policy

from bench import payloads
from bench.load import drive
from bench.processes import ROOT, free_port, running, script

PURPOSES = ("statistics", "marketing", "personalisation")


@dataclass(frozen=True, slots=True)
class Installation:
    """A folder made by ``dongui init``, its site open to :data:`bench.payloads.ORIGIN`."""

    folder: Path
    site: str
    secret_key: str

    @property
    def config(self) -> Path:
        return self.folder / "dongui.toml"

    @classmethod
    def make(cls, folder: Path, *, testing: bool = False) -> Installation:
        """``testing`` lets ``serve`` start with a shifted clock."""
        own = folder.with_suffix(".policy.toml")
        facts = Facts("Bench", "Bench", "privacy@bench.example", "privacy@bench.example")
        own.write_text(starting_policy(facts, presets=("ga4", "meta")), encoding="utf-8")
        made = json.loads(dongui("init", str(folder), "--origin", payloads.ORIGIN, "--policy", str(own), "--json"))
        found = cls(folder, made["site"], made["secret_key"])
        if testing:
            found.config.write_text(f"testing = true\n{found.config.read_text()}")
        return found

    @contextmanager
    def serving(self, clock: str | None = None, desk_port: int | None = None) -> Iterator[int]:
        """``dongui serve`` behind one imagined proxy, as it is deployed; yields the public port. Ends by SIGKILL."""
        port, desk = free_port(), desk_port or free_port()
        command = [
            script("dongui"),
            "serve",
            "--port",
            str(port),
            "--desk-port",
            str(desk),
            "--config",
            str(self.config),
        ]
        env = {"DONGUI_TRUSTED_PROXIES": "1"} | ({"DONGUI_CLOCK": clock} if clock else {})
        with running(command, port, env=env, log=self.folder / "serve.log"):
            yield port

    def crowd(self, port: int, size: int, agents: Sequence[str]) -> payloads.Crowd:
        """Visitors who consent now; each consent is a request of its own and is on the ledger when this returns."""
        with urlopen(f"http://127.0.0.1:{port}/v1/notice?site={self.site}&lang=ko") as answer:
            notice = json.load(answer)["version"]
        request = payloads.consent_request(self.site, self.secret_key, notice, PURPOSES)
        outcome = drive(port, [request] * size, seconds=600)
        if outcome.count(201) != size:
            raise RuntimeError(
                f"only {outcome.count(201)} of {size} consents were accepted: {list(outcome.answers)[:1]}"
            )
        visitors = [json.loads(body)["visitor"] for (_, body), n in outcome.answers.items() for _ in range(n)]
        return payloads.Crowd(self.site, visitors, agents)

    def rows(self) -> int:
        """Events on disk, counted through the storage contract by a process of our own."""
        from dongui_collector.core.settings import load_settings
        from dongui_collector.runtime.composition import open_core

        core = open_core(load_settings(self.config), writable=False)
        try:
            return sum(core.storage.events.count(day) for day in core.storage.events.days())
        finally:
            core.close()


def dongui(*args: str) -> str:
    """What a ``dongui`` command prints; its errors are raised with what it said."""
    done = subprocess.run([script("dongui"), *args], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"dongui {args[0]} ended with {done.returncode}: {done.stderr or done.stdout}")
    return done.stdout
