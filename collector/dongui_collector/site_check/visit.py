"""One look at a page, in a process of its own, which can be ended and holds nothing of the installation.

The process reads a :class:`VisitRequest` and writes a :class:`PageVisit`, as JSON. It has no key, no setting and no
open file of the installation; where that one runs as root it gives root up first, since Chromium's sandbox, without
which no page is run, is not for root.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress

import msgspec

from dongui_collector.core.errors import CollectorError
from dongui_collector.site_check import plain
from dongui_collector.site_check.browse import browse
from dongui_collector.site_check.destinations import Destinations
from dongui_collector.site_check.devtools import BrowserGone
from dongui_collector.site_check.model import PageVisit, VisitRequest

WITHIN_S = 120
LARGEST = 4 << 20
_NOBODY = 65534
_LARGEST_FILE = 256 << 20


class VisitFailed(CollectorError):
    """The process ended without an answer."""


def visit(request: VisitRequest, started: Callable[[subprocess.Popen[bytes]], None] = lambda _: None) -> PageVisit:
    """Look at a page. ``started`` gets the process, for who may want to end it (:func:`end`).

    Raises :class:`VisitFailed` where it took too long, was ended, or failed.
    """
    command = [sys.executable, "-m", "dongui_collector.site_check.visit"]
    with tempfile.TemporaryDirectory(prefix="dongui-check-", ignore_cleanup_errors=True) as folder:
        if os.geteuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)
        process = subprocess.Popen(  # noqa: S603 (our own module)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(folder),
            start_new_session=True,
        )
        started(process)
        try:
            answer, _ = process.communicate(msgspec.json.encode(request), timeout=WITHIN_S)
        except subprocess.TimeoutExpired:
            raise VisitFailed("the page took too long to look at") from None
        finally:
            end(process)
    try:
        return msgspec.json.decode(answer[:LARGEST], type=PageVisit)
    except msgspec.DecodeError:
        raise VisitFailed("the look at the page ended before it was done") from None


def end(process: subprocess.Popen[bytes]) -> None:
    """End a look at a page, and the browser with it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment(folder: str) -> dict[str, str]:
    """Of the environment nothing that a setting, a key or a proxy could be read from."""
    kept = ("PATH", "LANG", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"TMPDIR": folder}


# --- the process -----------------------------------------------------------------------------------------------------


def looked(request: VisitRequest) -> PageVisit:
    """In Chromium where there is one that starts; what plain HTTP alone tells is told either way."""
    places = Destinations(request)
    without = plain.look(places, request.url)
    if request.browser is None or without.outcome not in ("ok", "status"):
        return without
    try:
        with_browser = browse(request, places)
    except BrowserGone:
        without.browser = "no_start"
        return without
    with_browser.snippet = without.snippet
    if with_browser.tags and (with_browser.snippet is None or with_browser.tags[0] not in without.tags):
        with_browser.snippet = plain.snippet_answer(places, with_browser.tags[0].src)
    return with_browser


def _confine() -> None:
    """Bounds of this process and the browser that it starts, and no root."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))
    signal.alarm(WITHIN_S)  # also where whoever asked is gone
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)


def main() -> None:
    """Answer the request on standard input."""
    request = msgspec.json.decode(sys.stdin.buffer.read(1 << 20), type=VisitRequest)
    _confine()
    sys.stdout.buffer.write(msgspec.json.encode(looked(request)))


if __name__ == "__main__":
    main()
