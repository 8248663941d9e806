"""The desk's own process: ``serve`` starts it beside the public door, and it ends when ``serve`` does."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from dongui_collector.analytics.columns.warming import warm
from dongui_collector.core import logs
from dongui_collector.core.clock import clock_from_environment
from dongui_collector.core.settings import load_settings
from dongui_collector.desk.app import create_desk
from dongui_collector.desk.mailing import watch
from dongui_collector.retention.installation import Installation
from dongui_collector.runtime.composition import open_core
from dongui_collector.runtime.connections import ConnectionGuard
from dongui_collector.runtime.hardening import no_core_dumps
from dongui_collector.runtime.wsgi_bridge import Lane, WsgiBridge

_CONNECTIONS = 1024


def lanes(workers: int) -> tuple[Lane, ...]:
    """Threads by what is asked. Guessed passwords, exports and reports keep nobody from the console's other pages."""
    return (
        Lane("login", ("/console/login",), 2 * workers),
        Lane("probe", ("/healthz", "/metrics", "/static/"), 2),
        Lane("reports", ("/v1/", "/share/", "/console/visits"), 4 * workers),
        Lane("console", ("/",), 4 * workers),
    )


def main() -> None:
    """Serve the desk of ``--config FILE`` until standard input ends (the collector is gone) or SIGTERM comes."""
    parser = argparse.ArgumentParser(prog="dongui_collector.runtime.desk_serve")
    parser.add_argument("--config", type=Path, required=True)
    no_core_dumps()
    settings = load_settings(parser.parse_args().config)
    logs.set_up(settings.log_level, clock_from_environment(testing=settings.testing))
    core = open_core(settings, writable=False)
    desk = create_desk(core)
    threading.Thread(target=_warm_up, args=(core,), name="warm-up", daemon=True).start()
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    threading.Thread(target=watch, args=(desk, core, threading.Event()), name="mail", daemon=True).start()
    guard = ConnectionGuard(WsgiBridge(desk, lanes(settings.workers)), settings.desk_port)
    guard.start()
    with suppress(KeyboardInterrupt):
        uvloop.run(_serve(guard, settings.desk_host, settings.desk_port))


async def _serve(app: ConnectionGuard, host: str, port: int) -> None:
    # At once, also with stalled downloads open: the desk only reads, nothing needs an orderly end.
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, os._exit, 0)
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,  # no preface to wait for, no streams to reset; a proxy speaks HTTP/2 for it
        http1_settings=HTTP1Settings(header_read_timeout=15_000),
        backlog=_CONNECTIONS,
        backpressure=_CONNECTIONS,
        websockets=False,
        log_enabled=False,
    )
    await server.serve()


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
