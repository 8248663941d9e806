"""The body of ``dongui serve``.

The public door in this process, the desk in its own, upkeep behind, a clean end on SIGTERM.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from dongui_collector.analytics.snapshot_process import Freezer
from dongui_collector.core import logs
from dongui_collector.core.clock import clock_from_environment
from dongui_collector.core.errors import SettingsError, StorageFull
from dongui_collector.core.settings import Settings
from dongui_collector.intake.app import PublicApp
from dongui_collector.intake.enrich import agent_of
from dongui_collector.retention.installation import Installation
from dongui_collector.runtime import development
from dongui_collector.runtime.composition import folder_of, open_core
from dongui_collector.runtime.control_server import ControlServer
from dongui_collector.runtime.door_connections import HEADERS_WITHIN_MS, DoorConnections, DoorLimits, capacity
from dongui_collector.runtime.greeting import greeting
from dongui_collector.runtime.hardening import no_core_dumps
from dongui_collector.runtime.public import public_app
from dongui_collector.runtime.scheduler import Scheduler

log = logging.getLogger("dongui.serve")

# Of the five seconds that an end may take: for what is in flight, and until the process ends whatever is still open.
_DRAIN_S = 2.5
_LAST_S = 4.5
_BACKLOG = 16_384


def serve(settings: Settings, config: Path, *, dev: bool = False) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code.

    ``dev``: as :mod:`dongui_collector.runtime.development` says. Raises what :func:`open_core` raises,
    :class:`SettingsError` when a port is taken or ``dev`` would be reachable, :class:`NotAllowed` when ``dev`` would
    serve a site that may have visitors.
    """
    no_core_dumps()
    logs.set_up(settings.log_level, clock_from_environment(testing=settings.testing))
    if dev:
        development.refuse_reachable(settings)
    for host, port in ((settings.host, settings.port), (settings.desk_host, settings.desk_port)):
        _check_free(host, port)
    core = _open(settings)
    try:
        if dev:
            development.refuse_visitors(core)
            print(development.WARNING)
            log.warning("development: every loopback origin may write")
        print(greeting(core, config, dev=dev), flush=True)
        uvloop.run(_serve(core, config, dev=dev))
    finally:
        core.close()
    return 0


def _open(settings: Settings) -> Installation:
    """Open the folder; on a full disk with the space put by, since destruction must go on."""
    try:
        return open_core(settings, writable=True)
    except StorageFull:
        if not folder_of(settings).reserve.spend():
            raise
        return open_core(settings, writable=True)


def _check_free(host: str, port: int) -> None:
    """Two collectors could share a port unnoticed (SO_REUSEPORT), so ask first."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                f"cannot listen on {host}:{port} ({error.strerror}); choose another with --port or --desk-port"
            ) from None


class _Listening(Server):
    """Granian's embedded server, which says when it listens."""

    def startup(self, spawn_target: object, target_loader: object) -> None:
        super().startup(spawn_target, target_loader)  # type: ignore[no-untyped-call]  # granian is not typed
        log.info("listening", extra={"url": f"http://{self.bind_addr}:{self.bind_port}", "pid": os.getpid()})


async def _serve(core: Installation, config: Path, *, dev: bool) -> None:
    settings = core.settings
    door = public_app(core, dev=dev)
    freezer = Freezer(core, config.resolve(), door.metrics.days_without_numbers.inc)
    core.retention.before_ending = freezer
    room = capacity()
    server = _Listening(
        door,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGINL,
        log_enabled=False,
        # No preface to wait for without a deadline, no streams to reset; a proxy speaks HTTP/2 for it.
        http=HTTPModes.http1,
        backlog=_BACKLOG,
        backpressure=room,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_WITHIN_MS),
    )
    connections = DoorConnections(
        door.served, settings.port, DoorLimits.of(room, behind_proxies=settings.trusted_proxies > 0)
    )
    _tune()
    upkeep = Scheduler(door, freezer.ahead)
    control = ControlServer(core)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    door.endings.resume()  # what a crash interrupted is finished before anything new is let in
    await control.start()
    upkeep.start()
    connections.start()
    running = loop.create_task(server.serve())
    desk = _Desk(core, config)
    watching = [loop.create_task(desk.watch())]
    if dev:
        watching.append(loop.create_task(development.PolicyFile(core, config.with_name("policy.toml")).watch()))
    waiting = loop.create_task(stopping.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    log.info("stopping")
    if stopping.is_set():
        _end_at_the_latest()
    server.stop()  # type: ignore[no-untyped-call]
    control.stop()
    for task in watching:
        task.cancel()
    desk.stop()
    upkeep.stop()
    await _drain(door)
    if not stopping.is_set():
        await running  # it ended by itself: show why
    _end(core, upkeep, desk)


def _end_at_the_latest() -> None:
    """End the process when its time is over, however slow the disk is: what was acknowledged is on it."""
    last = threading.Timer(_LAST_S, os._exit, (0,))
    last.daemon = True
    last.start()


def _end(core: Installation, upkeep: Scheduler, desk: _Desk) -> NoReturn:
    """Close everything and end here. Idle keep-alive connections and stalled downloads would hold an orderly end up.

    The threads that still work for them, or on upkeep, wait for the writers' lock from now on and never get it: nobody
    meets a closed connection, nothing is begun any more, and what they had begun the next start finishes.
    """
    core.storage.folder.halt()
    with suppress(Exception):
        upkeep.write_totals(upkeep.take_totals())
    core.close()
    desk.kill()
    log.info("stopped")
    sys.stderr.flush()
    os._exit(0)


def _tune() -> None:
    """The interpreter, for one loop that answers and a few threads that work behind it.

    What was loaded so far stays to the end: looking through it for garbage again and again was up to a fifth of
    ingest's time, and its worst pauses. What requests leave behind is nearly all freed without.
    """
    agent_of("Mozilla/5.0")  # its engine loads at the first use, for a third of a second: not while somebody waits
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    # A commit gives the interpreter's lock away a dozen times. Beside a thread that computes (planning, proving) it
    # waits for it each time, by default for 5 ms.
    sys.setswitchinterval(0.001)


async def _drain(door: PublicApp) -> None:
    """Wait for the requests in flight, as long as there is time; a drip-fed body or a stalled download has none."""
    deadline = time.monotonic() + _DRAIN_S
    while door.served.busy and time.monotonic() < deadline:
        await asyncio.sleep(0.02)


class _Desk:
    """The desk in its own process. It ends when its standard input does, so it never outlives a killed collector."""

    def __init__(self, core: Installation, config: Path) -> None:
        self._core = core
        self._config = config
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        environment = dict(os.environ)
        if "DONGUI_CLOCK" in environment:
            environment["DONGUI_CLOCK"] = self._core.clock.start_text()
        for name in ("desk_host", "desk_port", "workers", "port", "host"):
            environment[f"DONGUI_{name.upper()}"] = str(getattr(self._core.settings, name))
        command = [sys.executable, "-m", "dongui_collector.runtime.desk_serve", "--config", str(self._config.resolve())]
        return subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)  # noqa: S603 (our own module)

    async def watch(self) -> None:
        """Start it again when it ends, at longer and longer intervals while it keeps ending."""
        pause = 1.0
        while True:
            await asyncio.sleep(pause)
            if self._process.poll() is None:
                pause = 1.0
                continue
            log.error("the desk ended and is started again", extra={"kind": str(self._process.returncode)})
            pause = min(60.0, pause * 2)
            self._process = self._start()

    def stop(self) -> None:
        """Ask it to end; it only reads, so nobody waits for it."""
        self._process.terminate()

    def kill(self) -> None:
        """End it, if it has not ended by itself."""
        self._process.kill()
        self._process.wait()
