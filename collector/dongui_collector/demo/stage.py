"""What a demo stands on: an installation of its own, a running collector, the shop. All of it goes when it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from dongui_collector.core.errors import CollectorError
from dongui_collector.core.settings import load_settings
from dongui_collector.demo.flask_shop import create_shop  # type: ignore[import-not-found]  # lives in examples/
from dongui_collector.demo.history import seed
from dongui_collector.demo.places import write_places
from dongui_collector.runtime.composition import open_core
from dongui_collector.runtime.install import Facts, Installed, install, starting_policy

HOST = "127.0.0.1"
PORT_BASE = 8787
_PATIENCE_S = 30.0
_SHOP = "느린 주전자 · Slow Kettle"

# What the shop itself sets, declared like everything else: the cart's cookie is needed to deliver what one orders.
_SHOP_COOKIE = """
[[cookies]]
name = "shop_session"
necessary.ko = "장바구니"
necessary.en = "the cart"
"""


class Stage:
    """The set of a demo. A context manager: on leaving it, every process ends and a folder made here is removed.

    ``folder`` None means a temporary one. Three ports from ``port_base`` on are used: collector, desk, shop; None means
    the usual ones if they are free, else any. ``seeded``: with some weeks of fictional visits.
    """

    def __init__(
        self, folder: Path | None = None, port_base: int | None = None, *, testing: bool = False, seeded: bool = False
    ) -> None:
        self.ports = _ports(port_base)
        self._keep = folder is not None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="dongui-demo-")) / "demo"
        self._testing = testing
        self._seeded = seeded
        self._cleaning = ExitStack()
        self._open = ExitStack()
        self._serve: subprocess.Popen[bytes] | None = None
        self.installed: Installed

    @property
    def collector(self) -> str:
        return f"http://{HOST}:{self.ports[0]}"

    @property
    def desk(self) -> str:
        return f"http://{HOST}:{self.ports[1]}/console/"

    @property
    def shop(self) -> str:
        return f"http://{HOST}:{self.ports[2]}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def config(self) -> Path:
        return self.folder / "dongui.toml"

    def __enter__(self) -> Stage:
        try:
            if not self._keep:
                self._cleaning.callback(shutil.rmtree, self.folder.parent, ignore_errors=True)
            self._install()
            self.start()
            self._open_shop()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything, the shop first: it delivers what it still holds. Also after half a start."""
        self._open.close()
        self.stop()
        self._cleaning.close()

    def _install(self) -> None:
        facts = Facts("Slow Kettle", "Slow Kettle", "privacy@kettle.example", "privacy@kettle.example")
        text = starting_policy(facts, presets=("ga4", "google_ads", "meta")) + _SHOP_COOKIE
        self.installed = install(self.folder, text, name=_SHOP, origins=[self.shop])
        collector, desk, _ = self.ports
        with self.config.open("a", encoding="utf-8") as settings:
            settings.write(f"\nport = {collector}\ndesk_port = {desk}\n")
            if self._testing:
                settings.write("testing = true\n")
            if self._seeded:
                settings.write('geoip_database = "places.mmdb"\n')
        if self._seeded:
            self._seed()

    def _seed(self) -> None:
        """Some weeks of visits to look at, before anything serves."""
        write_places(self.folder / "places.mmdb")
        core = open_core(load_settings(self.config), writable=True)
        try:
            seed(core)
        finally:
            core.close()

    # -- the collector

    def start(self, clock: str | None = None) -> None:
        """Start the collector and wait until it is ready; with ``clock`` (RFC 3339) at another time."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DONGUI_")}
        if clock:
            environment["DONGUI_CLOCK"] = clock
        log = (self.folder / "serve.log").open("ab")
        command = [sys.executable, "-m", "dongui_collector", "serve", "--config", str(self.config)]
        with log:
            self._serve = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603 (ourselves)
        self._await(f"{self.collector}/readyz")
        self._await(f"http://{HOST}:{self.ports[1]}/healthz")

    def stop(self) -> None:
        """End the collector as an operator would."""
        process, self._serve = self._serve, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def log(self) -> str:
        """What the collector has said."""
        path = self.folder / "serve.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _await(self, url: str) -> None:
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            if self._serve is not None and self._serve.poll() is not None:
                break
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 (our own loopback address)
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.05)
        raise CollectorError(f"the collector did not become ready; it said:\n{self.log()[-2000:]}")

    # -- the shop

    def _open_shop(self) -> None:
        shop = create_shop(site=self.installed.site, collector=self.collector, secret_key=self.installed.secret_key)
        server = _listen(shop, self.ports[2])
        thread = threading.Thread(target=server.serve_forever, name="shop", daemon=True)
        thread.start()

        def close() -> None:
            server.shutdown()
            server.server_close()
            thread.join(5)
            shop.wsgi_app.client.close()

        self._open.callback(close)


class _Quiet(WSGIRequestHandler):
    """No request log: addresses would stand in it."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


def _listen(shop: object, port: int) -> BaseWSGIServer:
    try:
        return make_server(HOST, port, shop, threaded=True, request_handler=_Quiet)  # type: ignore[arg-type]
    except (OSError, SystemExit):
        raise CollectorError(f"port {port} is taken; choose others with --port-base") from None


def _ports(base: int | None) -> tuple[int, int, int]:
    """The three ports. Those asked for must be free; without a wish any free ones will do."""
    wanted = PORT_BASE if base is None else base
    ports = (wanted, wanted + 1, wanted + 2)
    if all(_is_free(port) for port in ports):
        return ports
    if base is not None:
        raise CollectorError(f"one of the ports {ports[0]} to {ports[2]} is taken; choose others with --port-base")
    probes = [socket.socket() for _ in range(3)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        first, second, third = (probe.getsockname()[1] for probe in probes)
        return first, second, third
    finally:
        for probe in probes:
            probe.close()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
