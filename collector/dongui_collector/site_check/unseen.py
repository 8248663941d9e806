"""Why a page was not seen, as the one check that it fails. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from dongui.i18n import Message

from dongui_collector.site_check.model import Outcome, PageVisit
from dongui_collector.site_check.results import CheckResult, Name, SiteState, failed

_UNSEEN: Mapping[Outcome, tuple[Name, str, str]] = {
    "no_address": ("tag", "the name of the host has no address", "correct the address, or the name's DNS record"),
    "private": (
        "tag",
        "the host leads into a private network, where check-site asks nothing",
        "give the address that visitors use; a page of this machine needs a site that lists its origin, and no https",
    ),
    "unreachable": ("tag", "no web server answers there", "start the web server, or correct the address"),
    "timeout": ("tag", "the page does not answer in time", "look into the web server's log"),
    "certificate": (
        "https",
        "the certificate does not hold for this name",
        "renew it, with its whole chain: browsers warn visitors instead of showing the page",
    ),
    "not_listed": ("origin", "the place is not listed", "dongui sites list shows the origins"),
}


def unseen(state: SiteState, visit: PageVisit, url: str) -> CheckResult | None:
    """The check that fails where the page did not come; None where it did."""
    where = visit.where or visit.url or url
    if visit.outcome == "ok":
        return None
    if visit.outcome == "redirect_out":
        facts = {"name": state.site.name, "origin": where}
        remedy = Message("look at that page, or list it: dongui sites add {name} --origin {origin}", **facts)
        return failed("origin", Message("the page leads on to {origin}, which is not listed", **facts), where, remedy)
    if visit.outcome == "status":
        what = Message("the page answers {status}", status=visit.status)
        return failed("tag", what, where, "give the address of a page that visitors see")
    name, known, remedy_ = _UNSEEN[visit.outcome]
    return failed(name, known, where, remedy_)
