"""``dongui demo``: everything on this machine, to be tried in a browser or checked by one."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from dongui_collector.cli.common import emit, json_option

_TEXT = """\

  The shop        {shop}/
  What is held    {shop}/live     (open it beside the shop)
  The console     {desk}   account {account}, password {password}

  Settings        {config}

Ctrl-C ends it{removes}.
"""


@click.command()
@click.option(
    "--port-base", type=click.IntRange(1, 65533), help="First of three ports: collector, console, shop [default: 8787]."
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the installation here [default: a temporary folder].",
)
@click.option("--check", is_flag=True, help="Drive the whole journey in headless Chromium and print what was seen.")
@json_option
def demo(port_base: int | None, folder: Path | None, check: bool, as_json: bool) -> None:
    """Run collector, example shop and console on loopback until Ctrl-C."""
    if check:
        _check(port_base, folder, as_json)
        return
    from dongui_collector.demo.stage import Stage
    from dongui_collector.runtime.install import ACCOUNT

    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with Stage(folder, port_base, seeded=True) as stage:
        data = {
            "shop": stage.shop,
            "live": f"{stage.shop}/live",
            "collector": stage.collector,
            "desk": stage.desk,
            "account": ACCOUNT,
            "password": stage.installed.console_password,
            "config": str(stage.config),
        }
        removes = "" if folder else " and removes everything"
        emit(data, as_json, lambda shown: _TEXT.format(**shown, removes=removes))
        # In slices: on some platforms a wait without a limit cannot be interrupted.
        while not stopping.wait(1.0):
            pass


def _check(port_base: int | None, folder: Path | None, as_json: bool) -> None:
    from dongui_collector.demo.browser import chromium
    from dongui_collector.demo.journey import Observation, journey
    from dongui_collector.demo.stage import Stage

    seen: list[Observation] = []
    # The browser first: without one there is no need to start anything.
    with chromium() as browser, Stage(folder, port_base, testing=True) as stage:
        for found in journey(stage, browser):
            seen.append(found)
            if not as_json:
                click.echo(f"{click.style('✓', fg='green') if found.ok else click.style('✗', fg='red')} {found.line()}")
    if as_json:
        emit([found.json() for found in seen], as_json=True)
    failed = sum(not found.ok for found in seen)
    if not as_json:
        click.echo(f"\n{len(seen)} observations, {failed} of them not as they must be.")
    raise SystemExit(1 if failed else 0)
