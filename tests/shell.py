"""Commands typed in an empty folder, up to the first recorded event."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.collector import CHROME, ORIGIN, environment, event
from tests.ports import free_port

PATIENCE_S = 60.0


class Shell:
    """An empty folder in which commands are typed, with one interpreter's dongui. Ports are free; nobody is there."""

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        self.folder, self.python = folder, python
        self.port, self.desk_port = free_port(), free_port()
        ports = {"DONGUI_PORT": str(self.port), "DONGUI_DESK_PORT": str(self.desk_port)}
        kept = {k: v for k, v in environment().items() if not k.startswith("PYTHON")}
        self.environment = kept | ports | {"PYTHONUNBUFFERED": "1"}
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60, headers={"user-agent": CHROME})

    def argv(self, line: str) -> list[str]:
        words = shlex.split(line)
        assert words[0] == "dongui", line
        return [self.python, "-m", "dongui_collector", *words[1:]]

    def run(self, line: str) -> str:
        done = subprocess.run(
            self.argv(line),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def serving(self, line: str) -> Iterator[Path]:
        """Runs ``dongui serve`` until the end of the block, where it ends without an error in its log.

        Yields the file that it prints to.
        """
        printed, log = self.folder / "printed.txt", self.folder / "log.txt"
        with printed.open("wb") as out, log.open("wb") as logged:
            process = subprocess.Popen(
                self.argv(line), cwd=self.folder, env=self.environment, stdout=out, stderr=logged
            )
        try:
            self._await(process)
            yield printed
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
            said = log.read_text("utf-8")
            assert '"level": "error"' not in said, said
            assert "Traceback" not in said, said
        finally:
            process.kill()
            process.wait(PATIENCE_S)

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert process.poll() is None, "serve ended"
            try:
                if self.http.get("/healthz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("serve did not start")


def first_event(shell: Shell, site: str) -> None:
    """A visitor of the listed origin agrees, and one of their events is recorded."""
    notice = shell.http.get("/v1/notice", params={"site": site}).json()
    choice = {"site": site, "notice": notice["version"], "granted": ["statistics"], "refused": [], "method": "banner"}
    given = shell.http.post("/v1/consents", json={**choice, "lang": "en"}, headers={"origin": ORIGIN})
    assert given.status_code == 201, given.text
    body = {"site": site, "visitor": given.json()["visitor"], "events": [event()]}
    sent = shell.http.post("/v1/events", json=body, headers={"origin": ORIGIN})
    assert (sent.status_code, sent.json()["recorded"]) == (202, 1)
