"""``dongui breach``: whom a breach concerns, which items, and what must be told to whom by when (K9)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dongui_collector.cli.common import (
    CommandGroup,
    config_option,
    emit,
    json_option,
    progress,
    reading,
    site_option,
)
from dongui_collector.cli.derive import command
from dongui_collector.core.private_files import private
from dongui_collector.ledger.sites import find_site
from dongui_collector.rights.breach import FILES, ListAffectedMembers, learned, plan
from dongui_collector.rights.breach_page import draft, page

_DAY = click.DateTime(["%Y-%m-%d"])
_period = (
    click.option("--from", "first", type=_DAY, required=True, help="The first day of the data that got out."),
    click.option("--to", "last", type=_DAY, required=True, help="The last day."),
    click.option(
        "--files", multiple=True, type=click.Choice(FILES), default=FILES[:4], show_default=True, help="What got out."
    ),
)


def period_options(command: Any) -> Any:
    """``--from``, ``--to``, ``--files``."""
    for option in reversed(_period):
        command = option(command)
    return command


@click.group(cls=CommandGroup)
def breach() -> None:
    """Whom a breach concerns, and what follows. A helper, not legal advice."""


@breach.command("plan")
@period_options
@click.option("--at", "at", metavar="TIME", help="When you learned of it, such as 2026-11-23T10:00 [default: now].")
@click.option("--sensitive", is_flag=True, help="Sensitive data or unique identifiers are among it.")
@click.option("--outside", is_flag=True, help="It was unlawful access from outside.")
@click.option("--page", "to_page", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to read (HTML).")
@site_option
@config_option
@json_option
def plan_(
    first: Any,
    last: Any,
    files: tuple[str, ...],
    at: str | None,
    sensitive: bool,
    outside: bool,
    to_page: Path | None,
    site: str | None,
    config: Path,
    as_json: bool,
) -> None:
    """Say how many people and which items it concerns, the duties with their deadlines, and draft the notice."""
    with reading(config) as core, progress("days") as advance:
        chosen = find_site(core, site) if site else None
        told = plan(
            core,
            first.date(),
            last.date(),
            files=files,
            learned_at=learned(at, core.settings.zone),
            site=chosen,
            sensitive=sensitive,
            outside=outside,
            progress=lambda _done, _all: advance(1),
        )
        whose = chosen or (core.registry.published() or core.registry.sites())[0]
        policy = core.registry.in_force(whose.ref, core.clock.now()).policy
        told["notice"] = {lang: draft(told, policy, lang) for lang in ("ko", "en")}
        if to_page:
            with open(to_page, "w", encoding="utf-8", opener=private) as file:
                file.write(page(told, policy, core.settings.zone))
    emit(told, as_json)


breach.add_command(command("members", ListAffectedMembers))
