"""``dongui profiles``: whether a member's profile may be seen by corporate members (S4.2b)."""

from __future__ import annotations

from pathlib import Path

import click

from dongui_collector.cli.common import CommandGroup, config_option, control, emit, json_option, site_option
from dongui_collector.cli.destruction import by_option
from dongui_collector.cli.handover import named


@click.group(cls=CommandGroup)
def profiles() -> None:
    """Allow or deny that a member's profile is seen. Denied is how it begins."""


@profiles.command()
@click.argument("reference")
@by_option
@site_option
@config_option
@json_option
def allow(reference: str, by: str, site: str | None, config: Path, as_json: bool) -> None:
    """A member allows it, from now on; - reads the reference."""
    _switch("profiles.allow", reference, by, site, config, as_json)


@profiles.command()
@click.argument("reference")
@by_option
@site_option
@config_option
@json_option
def deny(reference: str, by: str, site: str | None, config: Path, as_json: bool) -> None:
    """A member denies it, from now on; - reads the reference."""
    _switch("profiles.deny", reference, by, site, config, as_json)


def _switch(operation: str, reference: str, by: str, site: str | None, config: Path, as_json: bool) -> None:
    member = next(iter(named([reference])), "")
    emit(control(config).ask(operation, member=member, by=by, site=site), as_json)
