"""``dongui reports``: what visitors did, counted from what the named purposes cover."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any, cast

import click

from dongui_collector.analytics.executor import LIMIT, Query, days_of, report
from dongui_collector.analytics.filters import parse_filter
from dongui_collector.analytics.intervals import INTERVALS, Interval
from dongui_collector.analytics.report_table import columns_of, rows_of
from dongui_collector.analytics.reports import REPORTS
from dongui_collector.analytics.snapshot_reader import UNKNOWN_STATES
from dongui_collector.cli.common import config_option, emit, json_option, progress, reading, site_option
from dongui_collector.exports.export import entitle
from dongui_collector.exports.formats import table_csv
from dongui_collector.ledger.sites import find_site

_DAY = click.DateTime(["%Y-%m-%d"])


class _WithMail(click.Command):
    """Reports by name; ``mail`` is none of them, and a command of its own."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args[:1] == ["mail"]:
            return mail.make_context("mail", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command()
@site_option
@config_option
def mail(site: str | None, config: Path) -> None:
    """Send the weekly mail now: the figures of the week before, to those whom the settings name."""
    from dongui_collector.desk.app import create_desk
    from dongui_collector.desk.mailing import send_week

    with reading(config) as core:
        number = send_week(create_desk(core), core, find_site(core, site) if site else None)
    click.echo(f"sent to {number}", err=True)


@click.command(cls=_WithMail)
@click.argument("name", type=click.Choice(REPORTS), metavar="NAME")
@click.option("--purpose", "purposes", multiple=True, required=True, help="A purpose to read for; repeatable.")
@click.option("--from", "first", type=_DAY, help="The first day; needed but for `now`.")
@click.option("--to", "last", type=_DAY, help="The last day, included; needed but for `now`.")
@click.option("--interval", type=click.Choice(INTERVALS), default="day", show_default=True, help="Of a timeseries.")
@click.option("--filter", "filters", multiple=True, metavar="DIMENSION:VALUE", help="Only such visits; repeatable.")
@click.option("--step", "steps", multiple=True, metavar="DIMENSION:VALUE", help="Of a funnel, in order; repeatable.")
@click.option("--event", default="", metavar="NAME", help="Of properties and their values: of which event.")
@click.option("--property", default="", metavar="NAME", help="Of property_values: of which property.")
@click.option("--beside", default="", metavar="PAGE", help="Of previous_pages and next_pages: beside which page.")
@click.option("--goal", metavar="DIMENSION:VALUE", help="What the rows brought of a goal, like a step.")
@click.option("--value", default="", metavar="NAME", help="The property with what the goal was worth.")
@click.option("--currency", default="currency", metavar="NAME", help="The property with the currency of that.")
@click.option("--compare", is_flag=True, help="With the period before, beside each row.")
@click.option("--sort", metavar="COLUMN", default="", help="The column to sort by [default: the first figure].")
@click.option("--order", type=click.Choice(["asc", "desc"]), help="Upwards or downwards.")
@click.option("--limit", type=int, help=f"How many rows [default: {LIMIT}; with --csv every row].")
@click.option("--offset", type=int, default=0, help="How many to leave out before.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, with a byte order mark for Excel.")
@site_option
@json_option
@config_option
def reports(
    name: str,
    purposes: tuple[str, ...],
    first: datetime | None,
    last: datetime | None,
    interval: str,
    filters: tuple[str, ...],
    steps: tuple[str, ...],
    event: str,
    property: str,
    beside: str,
    goal: str | None,
    value: str,
    currency: str,
    compare: bool,
    sort: str,
    order: str | None,
    limit: int | None,
    offset: int,
    as_csv: bool,
    site: str | None,
    as_json: bool,
    config: Path,
) -> None:
    """Count visits, pages, sources and the like over days of the site.

    NAME is one of overview, timeseries, pages, entry_pages, exit_pages, events, searches, sources, channels, referrers,
    campaigns, mediums, terms, contents, click_ids, countries, locations, devices, browsers, os, languages, screens,
    now, funnel, retention, vitals, weekdays, previous_pages, next_pages, properties, property_values, property_numbers,
    consent. Only what the named purposes cover is counted.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv or --json, not both")
    if name != "now" and not (first and last):
        raise click.UsageError("--from and --to say which days")
    question = Query(
        name,
        first.date() if first else date(2000, 1, 1),
        last.date() if last else date(2999, 12, 31),
        steps=tuple(map(parse_filter, steps)),
        filters=tuple(map(parse_filter, filters)),
        interval=cast(Interval, interval),
        compare=compare,
        event_name=event,
        property_name=property,
        beside=beside,
        goal=parse_filter(goal) if goal else None,
        value_name=value,
        currency_name=currency,
        sort=sort,
        ascending=None if order is None else order == "asc",
        limit=LIMIT if limit is None else limit,
        offset=offset,
        every=as_csv and limit is None,
    )
    with reading(config) as core:
        found = find_site(core, site)
        allowed = entitle(core, found, purposes).purposes
        with progress("days", days_of(core, found, question)) as advance:
            answer = report(core, found, allowed, question, advance)
    if as_csv:
        click.echo(table_csv(columns_of(answer), rows_of(answer)), nl=False)
    else:
        emit(answer if as_json else rows_of(answer), as_json, columns_of(answer))
    if answer["shortened"] and not as_json:
        what = "what fewer than 20 visitors of a day had in common is not in the list"
        click.echo(f"{answer['shortened']} of these days have aged out: {what}", err=True)
    missing = sum(answer.get("days", {}).get(state, 0) for state in UNKNOWN_STATES)
    if missing and not as_json:
        click.echo(f"{missing} of these days have aged out and are in none of these figures", err=True)
