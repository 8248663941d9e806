"""``dongui check-site``: whether a page of a site asks, records and waits as it should."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dongui_collector.cli.common import config_option, emit, json_option, reading, site_option

if TYPE_CHECKING:
    from dongui_collector.ledger.installation import LedgerInstallation
    from dongui_collector.site_check.check import SiteCheck
    from dongui_collector.storage.contract.values import Site

_NAMES = {
    "tag": "tag",
    "site_id": "site id",
    "origin": "origin",
    "key": "key",
    "https": "https",
    "cookies": "cookies",
    "csp": "CSP",
    "consent": "consent before trackers",
    "first_event": "first event",
}
_MARKS = {"ok": ("✓", "green"), "failed": ("✗", "red"), "waiting": ("…", "yellow"), "unchecked": ("–", "yellow")}
_WITHOUT = {
    "none": "Looked at over plain HTTP, without a browser: what scripts do is not seen. Debian: apt install chromium",
    "no_start": "Chromium did not start in its sandbox, so only plain HTTP was used: what scripts do is not seen.",
}


@click.command()
@click.argument("url")
@click.option(
    "--browser", type=click.Path(exists=True, dir_okay=False), help="A Chromium to use [default: the PATH's]."
)
@click.option("--plain", is_flag=True, help="Ask over plain HTTP alone, without a browser.")
@click.option("--seconds", type=click.FloatRange(0, 20), default=2, show_default=True, help="Time for late scripts.")
@click.option("--dev", is_flag=True, help="Every page of this machine may be asked, as under serve --dev.")
@site_option
@config_option
@json_option
@click.pass_context
def check_site(
    ctx: click.Context,
    url: str,
    browser: str | None,
    plain: bool,
    seconds: float,
    dev: bool,
    site: str | None,
    config: Path,
    as_json: bool,
) -> None:
    """Look at URL as a visitor would, and say of each step of the set-up ✓ or the remedy.

    Tag, site id, origin, key, https, cookies, CSP, consent before trackers, first event. The look gives no consent and
    records nothing; only the site's listed origins and its collector are asked. Exit code 1 when a step is not ✓;
    what could not be looked at (–) does not count.
    """
    from dongui_collector.site_check import check as checking
    from dongui_collector.site_check.devtools import chromium_path

    url = checking.checked_url(url)
    used = None if plain else browser or chromium_path()
    with reading(config) as core:
        state = checking.state_of(core, _site_of(core, site, url), dev=dev)
        done = checking.check_site(core, state, url, browser=used, seconds=seconds)
    emit(done.json(), as_json, lambda _: _text(done))
    if done.found:
        ctx.exit(1)


def _site_of(core: LedgerInstallation, named: str | None, url: str) -> Site:
    """The site that is named, else the one that lists the page's origin, else the only one."""
    from dongui_collector.ledger.sites import find_site
    from dongui_collector.site_check.destinations import origin_of

    listing = [site for site in core.registry.sites() if origin_of(url) in site.origins]
    return listing[0] if named is None and len(listing) == 1 else find_site(core, named)


def _text(done: SiteCheck) -> str:
    lines = []
    for check in done.checks:
        mark, colour = _MARKS[check.status]
        lines.append(f"{click.style(mark, fg=colour)} {_NAMES[check.name]:<24}{check.what}")
        if check.status != "ok":
            lines += [f"    {told}" for told in (check.where, check.remedy) if told]
    if done.browser in _WITHOUT:
        lines += ["", _WITHOUT[done.browser]]
    return "\n".join(lines)
