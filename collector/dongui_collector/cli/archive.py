"""``dongui archive``: what other law makes the site keep, apart (S5.2), and reading it for that obligation alone."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click
from dongui.policy.model import Obligation

from dongui_collector.cli.common import CommandGroup, config_option, control, emit, json_option, reading, site_option
from dongui_collector.cli.derive import by_option
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.serializers import archive_json


@click.group(cls=CommandGroup)
def archive() -> None:
    """List what is kept apart under other law, and read it for its obligation."""


@archive.command("list")
@site_option
@config_option
@json_option
def list_(site: str | None, config: Path, as_json: bool) -> None:
    """List what lies in the archive: how many records of which class, until when. Names nobody."""
    with reading(config) as core:
        rows = archive_json(core, find_site(core, site) if site else None)
    emit(rows, as_json, ["site", "class", "records", "kept_until", "read_for"])


@archive.command()
@click.argument("record_class", metavar="CLASS")
@click.option(
    "--for",
    "reading_for",
    required=True,
    type=click.Choice(get_args(Obligation)),
    help="For what; the policy's class says for which of these it may be read.",
)
@click.option("--reason", required=True, help="What is asked for today; it stands in the access log.")
@click.option("--subject", metavar="ID", help="Only of this visitor (by id) or member (by reference).")
@by_option
@site_option
@config_option
@json_option
def read(
    record_class: str,
    reading_for: str,
    reason: str,
    subject: str | None,
    by: str,
    site: str | None,
    config: Path,
    as_json: bool,
) -> None:
    """Read archived records of one class. Written in the access log before anything is shown."""
    found = control(config).ask(
        "archive.read",
        record_class=record_class,
        reading_for=reading_for,
        reason=reason,
        site=site,
        subject=subject,
        by=by,
    )
    emit(found, as_json, ["id", "at", "source", "reason", "kept_until", "data"])
