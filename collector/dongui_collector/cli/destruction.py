"""``dongui destruction``: selected → approved → destroyed (S5.3), and the standing approval for the routine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dongui_collector.cli.common import (
    CommandGroup,
    acting_user,
    config_option,
    control,
    emit,
    json_option,
    reading,
    settings_of,
    site_option,
)
from dongui_collector.cli.derive import by_option
from dongui_collector.cli.retention import unsigned_text, what_text
from dongui_collector.core.errors import Unknown
from dongui_collector.retention.serializers import destruction_json

_STATES = ("selected", "approved", "running", "done", "lapsed")


@click.group(cls=CommandGroup)
def destruction() -> None:
    """List, approve and show destructions."""


@destruction.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES), help="Only these; may be repeated.")
@config_option
@json_option
def list_(states: tuple[Any, ...], config: Path, as_json: bool) -> None:
    """List destructions, the newest last."""
    with reading(config) as core:
        today = core.retention.today()
        found = [destruction_json(d, today) for d in core.storage.office.destructions(states)]
        unsigned = core.retention.standing.unsigned()
    rows = found if as_json else [{**d, "of": what_text(d["what"])} for d in found]
    emit(rows, as_json, ["id", "state", "of", "deadline", "pressing", "selected_by", "approved_by"])
    for one in [] if as_json else unsigned:
        click.echo(unsigned_text(one))


@destruction.command()
@click.option("--class", "record_class", required=True, metavar="CLASS", help="The record class.")
@click.option("--subject", metavar="ID", help="Only of this visitor (by id) or member (by reference).")
@click.option("--before", metavar="DAY", help="Only what is of this day or earlier.")
@click.option("--reason", required=True, help="Why the purpose is achieved; it stands in the certificate.")
@by_option
@site_option
@config_option
@json_option
def select(
    record_class: str,
    subject: str | None,
    before: str | None,
    reason: str,
    by: str,
    site: str | None,
    config: Path,
    as_json: bool,
) -> None:
    """Select records whose purpose is achieved. They wait for an approval; what other law names is then kept apart."""
    given = {"record_class": record_class, "subject": subject, "before": before, "reason": reason, "site": site}
    found = control(config).ask("destruction.select", **given, by=by)
    emit(found, as_json, _selected_text)


def _selected_text(found: dict[str, Any]) -> str:
    return f"selected: {', '.join('#' + str(d['id']) for d in found['selected'])} ({found['records']} records)"


@destruction.command()
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Approve everything that waits.")
@by_option
@config_option
@json_option
def approve(ids: tuple[int, ...], everything: bool, by: str, config: Path, as_json: bool) -> None:
    """Approve destructions that wait, and carry them out.

    In two-person mode nobody approves their own selection, and here the system says who one is: --by is refused.
    """
    if settings_of(config).two_person and by != acting_user():
        raise click.UsageError("in two-person mode an approval is given by whoever runs the command, not in a name")
    if bool(ids) == everything:
        raise click.UsageError("name the destructions to approve, or say --all")
    outcome = control(config).ask("destruction.approve", ids=None if everything else list(ids), by=by)
    emit(outcome, as_json, lambda done: "\n".join(f"#{d['id']} {d['state']}" for d in done["approved"]) or "(none)")
    if outcome["failed"]:
        raise SystemExit(1)


@destruction.command()
@click.argument("id", type=int)
@config_option
@json_option
def show(id: int, config: Path, as_json: bool) -> None:
    """Show one destruction with its certificate."""
    with reading(config) as core:
        found = core.storage.office.destruction(id)
        today = core.retention.today()
    if found is None:
        raise Unknown(f"there is no destruction {id}; see `dongui destruction list`")
    emit(destruction_json(found, today), as_json)


@destruction.command()
@click.option("--version", metavar="VERSION", help="Sign this policy version besides those signed; without it, all.")
@by_option
@site_option
@config_option
@json_option
def grant(version: str | None, by: str, site: str | None, config: Path, as_json: bool) -> None:
    """Sign policy versions for routine ageing-out: what is destroyed because a period that you signed has ended."""
    emit(control(config).ask("approval.grant", by=by, version=version, site=site), as_json)


@destruction.command()
@by_option
@config_option
@json_option
def revoke(by: str, config: Path, as_json: bool) -> None:
    """Revoke the standing approval: from now on every destruction waits for `destruction approve`."""
    emit(control(config).ask("approval.revoke", by=by), as_json)
