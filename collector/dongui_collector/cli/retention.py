"""``dongui retention``: what ends when, and destroying what is due."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dongui_collector.cli.common import CommandGroup, config_option, emit, json_option, reading
from dongui_collector.cli.derive import command
from dongui_collector.core.operations import plain
from dongui_collector.retention.operations import RunRetention


@click.group(cls=CommandGroup)
def retention() -> None:
    """Plan or run the ageing-out."""


@retention.command()
@config_option
@json_option
def plan(config: Path, as_json: bool) -> None:
    """Show what is due, what waits, and when every stored day will be destroyed."""
    with reading(config) as core:
        status = plain(core.retention.overview.status())
    emit(status, as_json, _plan_text)


def _plan_text(status: dict[str, Any]) -> str:
    standing = status["standing_approval"]
    lines = [
        f"today: {status['today']}",
        f"standing approval: {'by ' + standing['by'] if standing else 'none; destructions wait for approval'}",
        *(unsigned_text(one) for one in status["unsigned"]),
        f"due now: {len(status['due'])}, waiting or going on: {len(status['open'])}",
    ]
    lines += [f"  {what_text(p['what'])}: may not be held since {p['due']}" for p in status["due"]]
    lines += [
        f"  #{d['id']} {d['state']}: {what_text(d['what'])}"
        + (f", to be approved by {d['deadline']} ({d['pressing']})" if d["pressing"] else "")
        for d in status["open"]
    ]
    lines.append(f"stored days: {len(status['days'])}")
    for day in status["days"]:
        held = f", kept by hold {', '.join(map(str, day['holds']))}" if day["holds"] else ""
        lines.append(f"  {day['day']}: destroyed on {day['destroyed_on']}{held}")
    return "\n".join(lines)


def _run_text(outcome: dict[str, Any]) -> str:
    text = f"destroyed: {outcome['destroyed']}, failed: {outcome['failed']}, waiting for approval: {outcome['waiting']}"
    return "\n".join([text, *(f"  {what_text(c['what'])} (certificate {c['seq']})" for c in outcome["certificates"])])


retention.add_command(command("run", RunRetention, _run_text, failed=lambda outcome: bool(outcome["failed"])))


def unsigned_text(one: dict[str, Any]) -> str:
    """A published version whose periods no standing approval covers, and what to do."""
    periods = ", ".join(f"{class_id} {keep}" for class_id, keep, _ in one["schedule"])
    return (
        f"not signed: {one['site']}, version {one['version']} (from {one['effective']}): {periods}; what these end"
        f" waits, sign with dongui destruction grant --version {one['version']}"
    )


def what_text(what: dict[str, Any]) -> str:
    """What a destruction is of, in words."""
    match what["kind"]:
        case "day":
            return f"day {what['day']}, whole"
        case "bases":
            return f"day {what['day']}, the purposes whose period has ended"
        case "records":
            return f"{what['store']}: {what['class']} kept until {what['last_day']}"
        case "achieved":
            return f"{what['class']}: {len(what['ids'])} records whose purpose is achieved"
        case kind:
            own = {"consents": "consent records", "audit": "audit entries", "disclosures": "disclosures"}
            own["books"] = "our own records of requests, disclosures, accounts and keys"
            return own.get(kind, "privacy requests")
