"""What ``doctor`` says of the pages of the sites: whether they were ever visited, and what is amiss there."""

from __future__ import annotations

from collections.abc import Iterator

from dongui.i18n import Message

from dongui_collector.core.diagnosis import Diagnosis
from dongui_collector.retention.installation import Installation
from dongui_collector.site_check.check import check_site, is_recorded, state_of


def first_visits(core: Installation) -> Iterator[Diagnosis]:
    """Sites that wait for their first visit. No page is asked: who looks at the console's health page must not wait."""
    for site in core.registry.published():
        if site.origins and not is_recorded(core, site):
            what = Message("no visit of {name} is recorded yet", name=site.name)
            yield Diagnosis("warning", what, _command(site.origins[0]))


def examine_pages(core: Installation) -> Iterator[Diagnosis]:
    """What ``check-site`` finds on the first page of each listed origin, over plain HTTP and where a page answers."""
    for site in core.registry.published():
        for origin in site.origins:
            done = check_site(core, state_of(core, site), f"{origin}/", browser=None)
            if not done.seen:
                what = Message("the page of {origin} could not be looked at", origin=origin)
                yield Diagnosis("warning", what, _command(origin))
            else:
                wrong = [one for one in done.checks if one.status == "failed"]
                yield from (Diagnosis("error", one.what, one.remedy) for one in wrong)


def _command(origin: str) -> Message:
    return Message("dongui check-site {origin}/ says which step is missing", origin=origin)
