"""``dongui audit``: the access log and its monthly review (K12)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
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
)

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group(cls=CommandGroup)
def audit() -> None:
    """Read the access log: who looked at personal data, when, from where, whose and why; review it monthly."""


@audit.command("list")
@click.option("--from", "first", type=_DAY, help="The first day [default: 30 days ago].")
@click.option("--to", "last", type=_DAY, help="The last day [default: today].")
@click.option("--by", help="Only what this account, token or user did.")
@click.option("--action", help="Only this action, such as archive.read.")
@config_option
@json_option
def list_(
    first: datetime | None, last: datetime | None, by: str | None, action: str | None, config: Path, as_json: bool
) -> None:
    """List entries, oldest first. A person has a name within this log only, so that one can count persons."""
    from dongui_collector.access.audit_log import entries

    with reading(config) as core:
        today = core.clock.today(core.settings.zone)
        begin = first.date() if first else today - timedelta(days=30)
        end = (last.date() if last else today) + timedelta(days=1)
        found = [e for e in entries(core, begin, end) if by in (None, e.by) and action in (None, e.action)]
        rows = [e.json() if as_json else _line(e.json(), core.settings.zone) for e in found]
    emit(rows, as_json, ["seq", "at", "by", "action", "whose", "reason", "address", "what"])


def _line(entry: dict[str, Any], zone: Any) -> dict[str, Any]:
    at = datetime.fromtimestamp(entry["at"] / 1000, zone).strftime("%Y-%m-%d %H:%M")
    return {**entry, "at": at, "whose": entry["whose"] and entry["whose"][:10]}


@audit.command()
@click.option("--month", metavar="YYYY-MM", help="The month [default: the last one that is over].")
@click.option("--sign", is_flag=True, help="Write down that you have reviewed it.")
@click.option("--note", default="", help="What you found, with --sign.")
@config_option
@json_option
def review(month: str | None, sign: bool, note: str, config: Path, as_json: bool) -> None:
    """A month in numbers: by person and action, unusual hours, refused attempts, downloads without a reason.

    With --sign it is on the ledger that you reviewed it. Exit code 1 while nobody has.
    """
    from dongui_collector.access import audit_log as log

    with reading(config) as core:
        month = month or _last_month(core.clock.today(core.settings.zone))
        log.month(core, month)  # a wrong month is said before anything is signed
    if sign:
        control(config)(log.SignReview(month, note, by=acting_user()))
    with reading(config) as core:
        signed = log.reviews(core).get(month)
        report = log.month(core, month).json() | {"reviewed_by": signed and signed.by}
        zone = core.settings.zone
    emit(report, as_json, lambda data: _text(data, zone))
    raise SystemExit(0 if signed else 1)


def _last_month(today: date) -> str:
    return (today.replace(day=1) - timedelta(days=1)).isoformat()[:7]


def _text(report: dict[str, Any], zone: Any) -> str:
    lines = [f"{report['month']}: {report['entries']} entries; reviewed by {report['reviewed_by'] or 'nobody yet'}", ""]
    for person in report["persons"]:
        actions = ", ".join(f"{name} {number}" for name, number in person["actions"].items())
        lines.append(f"  {person['by']}: {person['entries']} entries about {person['people']} persons ({actions})")
        if person["unusual"] or person["refused"]:
            lines.append(f"    {person['unusual']} at unusual hours, {person['refused']} refused")
    for title, name in (("unusual hours", "unusual"), ("downloads without a reason", "without_reason")):
        if report[name]:
            lines += ["", f"{title}:"]
            lines += [
                f"  {e['seq']}  {e['at']}  {e['by']}  {e['action']}" for e in (_line(e, zone) for e in report[name])
            ]
    return "\n".join(lines)
