"""``dongui holds``: legal holds (보존 사유), which suspend destruction of what they cover, and nothing else (S3.2)."""

from __future__ import annotations

from pathlib import Path

import click

from dongui_collector.cli.common import CommandGroup, config_option, control, emit, json_option, reading, site_option
from dongui_collector.cli.destruction import by_option
from dongui_collector.core.errors import Unknown
from dongui_collector.retention.holds import GROUNDS
from dongui_collector.retention.serializers import hold_json


@click.group(cls=CommandGroup)
def holds() -> None:
    """Add, list, show and release legal holds."""


@holds.command()
@click.option(
    "--ground",
    type=click.Choice(GROUNDS),
    default="claim",
    show_default=True,
    help="On which of the three grounds: an investigation, an outstanding claim, an exceptional provision (S3.2a-c).",
)
@click.option("--reason", required=True, help="Why it is kept, in words: which investigation, which claim …")
@click.option("--statute", help="The provision that it rests on.")
@click.option("--class", "record_class", metavar="CLASS", help="Only this record class, such as access_log.")
@click.option("--subject", metavar="ID", help="Only this visitor (by id) or member (by reference).")
@click.option("--from", "first_day", metavar="DAY", help="Only what is of this day or later.")
@click.option("--to", "last_day", metavar="DAY", help="Only what is of this day or earlier.")
@click.option("--until", metavar="DAY", help="The last day of the hold; without it, until it is released.")
@by_option
@site_option
@config_option
@json_option
def add(
    ground: str,
    reason: str,
    statute: str | None,
    record_class: str | None,
    subject: str | None,
    first_day: str | None,
    last_day: str | None,
    until: str | None,
    by: str,
    site: str | None,
    config: Path,
    as_json: bool,
) -> None:
    """Suspend destruction of what the options name. Without any of them, of everything."""
    hold = control(config).call(
        "holds.add",
        reason=reason,
        ground=ground,
        site=site,
        statute=statute,
        record_class=record_class,
        subject=subject,
        first_day=first_day,
        last_day=last_day,
        until=until,
        by=by,
    )
    emit(hold, as_json)


@holds.command("list")
@click.option("--all", "everything", is_flag=True, help="Released ones too.")
@config_option
@json_option
def list_(everything: bool, config: Path, as_json: bool) -> None:
    """List the legal holds. They say that they name someone, never whom."""
    with reading(config) as core:
        rows = [hold_json(hold) for hold in core.storage.office.holds(active=not everything)]
    emit(
        rows,
        as_json,
        ["id", "ground", "reason", "statute", "class", "one_visitor", "from", "to", "until", "released_at"],
    )


@holds.command()
@click.argument("id", type=int)
@config_option
@json_option
def show(id: int, config: Path, as_json: bool) -> None:
    """Show a hold, and in numbers what it holds now, and how much of that would be destroyed without it."""
    with reading(config) as core:
        found = next((h for h in core.storage.office.holds(active=False) if h.id == id), None)
        if found is None:
            raise Unknown(f"there is no legal hold {id}; see `dongui holds list --all`")
        today = core.retention.today()
        now = core.retention.holding.holds_now(found, today) if found.stands(today) else None
    emit(hold_json(found) | {"holds_now": now}, as_json)


@holds.command()
@click.argument("id", type=int)
@by_option
@config_option
@json_option
def release(id: int, by: str, config: Path, as_json: bool) -> None:
    """Release a hold. What it kept and what fell due meanwhile is destroyed right away."""
    emit(control(config).call("holds.release", id=id, by=by), as_json)
