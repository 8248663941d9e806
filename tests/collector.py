"""A real installation and a real ``dongui serve`` for tests: init, start, ask, kill, start again."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import string
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from click.testing import CliRunner
from dongui_collector.cli import cli
from dongui_collector.runtime.install import Facts, starting_policy

from tests.clock import now_ms
from tests.ports import free_port

ORIGIN = "https://shop.example.com"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
CONSENT_PURPOSES = ("statistics", "personalisation", "marketing", "analysis")


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def dongui(*arguments: str, clock: str | None = None, code: int | None = 0, cwd: Path | None = None) -> Done:
    """Run the command line; ``code`` is the exit code it must have (None: any).

    A second to import everything is most of what a command takes, so it runs here. ``serve`` is a process, and so is
    what is run in another folder.
    """
    alone = cwd is not None or arguments[0] == "serve"
    done = _in_process(arguments, clock, cwd) if alone else _here(arguments, clock)
    assert code is None or done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def _in_process(arguments: Sequence[str], clock: str | None, cwd: Path | None) -> Done:
    command = [sys.executable, "-m", "dongui_collector", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(clock), timeout=120, cwd=cwd)
    return Done(done.returncode, done.stdout, done.stderr)


def _here(arguments: Sequence[str], clock: str | None) -> Done:
    own: dict[str, str | None] = {name: None for name in os.environ if name.startswith("DONGUI_")}
    runner = CliRunner(env=own | ({"DONGUI_CLOCK": clock} if clock else {}))
    result = runner.invoke(cli, arguments, catch_exceptions=False)
    return Done(result.exit_code, result.stdout, result.stderr)


def environment(clock: str | None = None) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DONGUI_")}
    return kept | ({"DONGUI_CLOCK": clock} if clock else {})


def starting_text(name: str = "shop") -> str:
    """A policy that may be published: what ``dongui init`` drafts, with its facts filled in, and tools."""
    facts = Facts(name, name, "privacy@shop.example", "privacy@shop.example")
    return starting_policy(facts, presets=("ga4", "meta"))


def written_policy(path: Path) -> Path:
    """That policy as a file."""
    path.write_text(starting_text(), encoding="utf-8")
    return path


class Installation:
    """One folder with settings, policy, data and keys; one site that lists ``origin``."""

    def __init__(
        self,
        folder: Path,
        *,
        testing: bool = False,
        policy: Path | None = None,
        origin: str = ORIGIN,
        **settings: object,
    ) -> None:
        own = policy or written_policy(folder.parent / f"{folder.name}.policy.toml")
        made = json.loads(dongui("init", str(folder), "--origin", origin, "--policy", str(own), "--json").stdout)
        self.folder = folder
        self.config = made["config"]
        self.site: str = made["site"]
        self.secret: str = made["secret_key"]
        self.console_password: str = made["console_password"]
        self.port, self._desk_port = free_port(), free_port()
        self._desk_listens = False
        self.base = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.base, timeout=60, headers={"user-agent": CHROME})
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "serve.log"
        config = Path(self.config)
        values = {"testing": True, **settings} if testing else settings
        config.write_text("".join(f"{k} = {json.dumps(v)}\n" for k, v in values.items()) + config.read_text())

    def start(self, *, clock: str | None = None) -> Installation:
        command = [sys.executable, "-m", "dongui_collector", "serve", "--config", self.config]
        command += ["--port", str(self.port), "--desk-port", str(self._desk_port)]
        self._desk_listens = False
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log, stdout=log, env=environment(clock))
        try:
            self._await_health()
        except BaseException:
            self.close()  # whoever made it has not got it yet: nobody else can close it
            raise
        return self

    @property
    def desk_port(self) -> int:
        """The desk's port; beside a running ``serve`` once it listens, which is some time after the door does."""
        deadline = time.monotonic() + 60
        while self.process is not None and not self._desk_listens:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, f"the desk did not start:\n{self.log.read_text()}"
            try:
                socket.create_connection(("127.0.0.1", self._desk_port), 60).close()
                self._desk_listens = True
            except ConnectionRefusedError:
                time.sleep(0.03)
        return self._desk_port

    def _await_health(self) -> None:
        deadline = time.monotonic() + 60  # on a busy machine two processes take their time to import
        while time.monotonic() < deadline:
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()
            try:
                if self.http.get("/healthz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.03)
        raise AssertionError(f"serve did not start:\n{self.log.read_text()}")

    def stop(self, how: int = signal.SIGTERM) -> int:
        """End ``serve`` and return its exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        code = self.process.wait(60)
        self.process = None
        return code

    def close(self) -> None:
        self.http.close()
        if self.process is not None:
            self.stop(signal.SIGKILL)

    # -- asking

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.secret}"}

    def notice(self) -> str:
        return str(self.http.get("/v1/notice", params={"site": self.site}).json()["version"])

    def consent(
        self, granted: list[str], refused: list[str] | None = None, visitor: str | None = None, **more: Any
    ) -> dict[str, Any]:
        body = {
            "site": self.site,
            "notice": self.notice(),
            "granted": granted,
            "refused": refused or [],
            "method": "banner",
            "lang": "ko",
            **({"visitor": visitor} if visitor else {}),
            **more,
        }
        answer = self.http.post("/v1/consents", json=body, headers={"origin": ORIGIN})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def send(
        self, visitor: str | None, *events: dict[str, Any], headers: dict[str, str] | None = None
    ) -> httpx.Response:
        body = {"site": self.site, "visitor": visitor, "events": list(events)}
        return self.http.post("/v1/events", json=body, headers={"origin": ORIGIN} if headers is None else headers)

    def me(self, visitor: str) -> dict[str, Any]:
        answer = self.http.get("/v1/me", headers={"authorization": f"Bearer {visitor}"})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def run(self, *arguments: str, **more: Any) -> Done:
        return dongui(*arguments, "--config", self.config, **more)

    def bytes(self) -> bytes:
        """Every byte of the data folder but the space put by for a full disk."""
        found = []
        for path in (self.folder / "data").rglob("*"):
            with suppress(FileNotFoundError):  # a log that was closed meanwhile is part of its database now
                if path.is_file() and path.name != "reserve":
                    found.append(path.read_bytes())
        return b"\n".join(found)


def event(at: int | None = None, **fields: Any) -> dict[str, Any]:
    """A page view, made now unless told otherwise."""
    now = now_ms() if at is None else at
    return {"id": uuid7(now), "name": "page_view", "at": now, "url": f"{ORIGIN}/products/1", **fields}


def marker() -> str:
    """A word that occurs nowhere else. Letters only: digits might look like a telephone number and be replaced."""
    return "marker" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(24))


def uuid7(at: int) -> str:
    raw = bytearray(max(0, min(at, (1 << 48) - 1)).to_bytes(6, "big") + os.urandom(10))
    raw[6] = raw[6] & 0x0F | 0x70
    raw[8] = raw[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(raw)))
