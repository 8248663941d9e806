"""``dongui serve``: the collector."""

from __future__ import annotations

from pathlib import Path

import click

from dongui_collector.cli.common import config_option, settings_of


@click.command()
@click.option("--host", help="Address of the public door [default: 127.0.0.1].")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the public door [default: 8787].")
@click.option("--desk-port", type=click.IntRange(0, 65535), help="Port of the desk, on loopback [default: 8788].")
@click.option("--workers", type=click.IntRange(1, 64), help="Eight threads of the desk each; the door is one process.")
@click.option("--dev", is_flag=True, help="For development: loopback alone, every loopback origin may write.")
@config_option
def serve(
    host: str | None, port: int | None, desk_port: int | None, workers: int | None, dev: bool, config: Path
) -> None:
    """Run the collector until it is told to stop (SIGTERM, Ctrl-C).

    With --dev it listens on loopback alone, every page of this machine may write (localhost, 127.0.0.1, [::1], any
    port), and the policy.toml beside the settings is published whenever it is saved. Never for visitors.
    """
    from dongui_collector.core.settings import override
    from dongui_collector.runtime.serve import serve as run

    settings = override(settings_of(config), host=host, port=port, desk_port=desk_port, workers=workers)
    raise SystemExit(run(settings, config, dev=dev))
