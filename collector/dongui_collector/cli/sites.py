"""``dongui sites``: the web sites of an installation."""

from __future__ import annotations

from pathlib import Path

import click

from dongui_collector.cli.common import (
    CommandGroup,
    config_option,
    control,
    emit,
    json_option,
    read_text,
    reading,
    site_option,
)


@click.group(cls=CommandGroup)
def sites() -> None:
    """Add and list web sites."""


@sites.command()
@click.argument("name")
@click.option(
    "--origin", "origins", multiple=True, required=True, metavar="URL", help="An origin, like https://shop.example.com."
)
@click.option(
    "--policy", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The site's own policy file."
)
@config_option
@json_option
def add(name: str, origins: tuple[str, ...], policy: Path | None, config: Path, as_json: bool) -> None:
    """Add a site, or add origins to the site of that name.

    Without --policy a new site starts with the policy of the first one.
    """
    text = read_text(policy) if policy else None
    result = control(config).ask("sites.add", name=name, origins=list(origins), text=text)
    emit(result, as_json)


@sites.command("list")
@config_option
@json_option
def list_(config: Path, as_json: bool) -> None:
    """List the sites, each with its origins and the notice version in force."""
    with reading(config) as core:
        now = core.clock.now()
        rows = []
        for site in core.registry.sites():
            versions = [notice.version for notice in core.registry.notices(site.ref)]
            current = core.registry.in_force(site.ref, now).version if versions else None
            rows.append({"site": site.id, "name": site.name, "origins": list(site.origins), "notice": current})
    emit(rows, as_json, ["site", "name", "origins", "notice"])


@sites.command()
@site_option
@config_option
@json_option
def cookies(site: str | None, config: Path, as_json: bool) -> None:
    """List the cookies that a site was seen to set, by name: their purposes, and when first and last seen.

    What no entry of the policy declares has no purpose. Values are never sent here.
    """
    from dongui.rules import classify

    from dongui_collector.core.clock import day_of
    from dongui_collector.ledger.sites import find_site

    with reading(config) as core:
        found = find_site(core, site)
        notice = core.registry.in_force(found.ref, core.clock.now())
        rows = []
        for seen in core.storage.office.cookie_inventory(found.ref):
            purpose = classify(seen["name"], notice.compiled)
            days = {when: day_of(seen[when], notice.zone).isoformat() for when in ("first_seen", "last_seen")}
            rows.append({"name": seen["name"], "declared": purpose is not None, "purpose": purpose, **days})
    emit(rows, as_json, ["name", "declared", "purpose", "first_seen", "last_seen"])
