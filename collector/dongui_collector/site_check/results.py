"""What the checks of a site's page are, and what the installation knows of the site when it judges them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from dongui.i18n import Message
from dongui.policy import Policy

from dongui_collector.core.loopback import is_loopback
from dongui_collector.site_check.destinations import origin_of, parts_of
from dongui_collector.storage.contract.values import Site

Name = Literal["tag", "site_id", "origin", "key", "https", "cookies", "csp", "consent", "first_event"]
CHECKS: tuple[Name, ...] = get_args(Name)  # in the order in which one sets a site up
Status = Literal["ok", "failed", "waiting", "unchecked"]
KeyUse = Literal["accepted", "refused", "unused", "unknown"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check: ``ok``, or what is the matter, where, and the remedy.

    ``waiting``: nothing is wrong, but it is not done yet. ``unchecked``: it could not be looked at.
    """

    name: Name
    status: Status
    what: str
    where: str = ""
    remedy: str = ""

    def json(self) -> dict[str, Any]:
        return asdict(self)


def passed(name: Name, what: str, where: str = "") -> CheckResult:
    return CheckResult(name, "ok", what, where)


def failed(name: Name, what: str, where: str, remedy: str) -> CheckResult:
    return CheckResult(name, "failed", what, where, remedy)


def unchecked(name: Name, what: str, remedy: str = "") -> CheckResult:
    return CheckResult(name, "unchecked", what, "", remedy)


@dataclass(frozen=True, slots=True)
class SiteState:
    """What the installation knows of a site. ``policy`` and ``compiled`` are None while the policy is a draft;
    ``others`` are the ids of its other sites; ``key`` says how the site's secret key was used of late; ``dev``: any
    page of this machine may write for the site.
    """

    site: Site
    others: Sequence[str]
    policy: Policy | None
    compiled: Mapping[str, Any] | None
    recorded: bool
    key: KeyUse
    desk_port: int
    dev: bool = False

    def lists(self, url: str) -> bool:
        """Whether the page at an address may write for the site."""
        return origin_of(url) in self.site.origins or (self.dev and is_loopback(parts_of(url).hostname or ""))


def unlisted(state: SiteState, origin: str) -> CheckResult:
    """The page's origin is not on the site's list."""
    facts = {"origin": origin, "name": state.site.name}
    what = Message("pages of {origin} may not write for {name}: the origin is not listed", **facts)
    return failed("origin", what, origin, Message("dongui sites add {name} --origin {origin}", **facts))


def first_event(state: SiteState, url: str) -> CheckResult:
    """Whether anything was recorded: the end of every set-up."""
    if state.recorded:
        return passed("first_event", "a visit is recorded")
    remedy = "open the page in your own browser and agree; nobody else can"
    return CheckResult("first_event", "waiting", "nothing is recorded yet", url, remedy)
