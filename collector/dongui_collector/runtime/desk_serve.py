"""The desk's own process: ``serve`` starts it beside the public door, and it ends when ``serve`` does."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from granian.constants import Interfaces
from granian.server.mt import MTServer

from dongui_collector.analytics.columns.warming import warm
from dongui_collector.core import logs
from dongui_collector.core.clock import clock_from_environment
from dongui_collector.core.installation import Installation
from dongui_collector.core.settings import load_settings
from dongui_collector.desk.app import create_desk
from dongui_collector.desk.mailing import watch
from dongui_collector.runtime.composition import open_core

_THREADS = 8  # for each of the setting's `workers`


class _Server(MTServer):
    """Granian with its one worker in a thread of this process.

    Its multi-process server would need a second process that must be found and ended too when the collector is killed.
    """

    def _check_gil(self) -> None:
        """Granian asks for a Python without the GIL here, since it expects threads to be there for speed."""

    def startup(self, spawn_target: Any, target_loader: Any) -> None:
        super().startup(spawn_target, target_loader)  # type: ignore[no-untyped-call]
        # At once, also with stalled downloads open: the desk only reads, nothing needs an orderly end.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: os._exit(0))


def main() -> None:
    """Serve the desk of ``--config FILE`` until standard input ends (the collector is gone) or SIGTERM comes."""
    parser = argparse.ArgumentParser(prog="dongui_collector.runtime.desk_serve")
    parser.add_argument("--config", type=Path, required=True)
    settings = load_settings(parser.parse_args().config)
    logs.set_up(settings.log_level, clock_from_environment(testing=settings.testing))
    core = open_core(settings, writable=False)
    desk = create_desk(core)
    threading.Thread(target=_warm_up, args=(core,), name="warm-up", daemon=True).start()
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    threading.Thread(target=watch, args=(desk, core, threading.Event()), name="mail", daemon=True).start()
    server = _Server(
        "dongui_collector.desk",
        address=settings.desk_host,
        port=settings.desk_port,
        interface=Interfaces.WSGI,
        blocking_threads=_THREADS * settings.workers,
        websockets=False,
        log_enabled=False,
    )
    server.serve(target_loader=lambda _target: desk)


def _warm_up(core: Installation) -> None:
    """Read a year for the reports when the processor has nothing better to do: a core of it is missed by ingest."""
    with suppress(OSError):  # a system that gives no priority to single threads
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
    warm(core)


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
