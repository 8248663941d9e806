"""Sites, their origins and their notice versions."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import msgspec
from dongui.policy import Policy, check, diff, parse
from dongui.rules.cookies import NECESSARY, classify

from dongui_collector.access.secrets import address_key, new_secret_key, token_hash
from dongui_collector.core.clock import day_of
from dongui_collector.core.errors import CollectorError, NotAllowed, Unknown
from dongui_collector.core.operations import Field, Request, SiteName, operation
from dongui_collector.ledger.installation import LedgerInstallation
from dongui_collector.ledger.notices import earliest_effective
from dongui_collector.ledger.origins import checked_origin
from dongui_collector.storage.contract.values import Site


class SiteOrigins(msgspec.Struct, frozen=True, omit_defaults=True):
    """A site with its origins; the secret key of a new one, shown this once."""

    site: str
    name: str
    origins: Sequence[str]
    secret_key: str | None = None


class AddSite(Request[SiteOrigins], frozen=True):
    """Add a site, or add origins to the site of that name.

    Without --policy a new site starts with the policy of the first site that has published one, else as a draft.
    """

    name: Annotated[str, Field(argument=True)]
    origins: Annotated[
        Sequence[str], Field("An origin, like https://shop.example.com.", option="--origin", metavar="URL")
    ]
    text: Annotated[str | None, Field("The site's own policy file.", option="--policy", reads="file")] = None


class DropOrigin(Request[SiteOrigins], frozen=True):
    """Take an origin from a site: from now on its pages can neither record nor withdraw here."""

    site: str
    origin: str


class SiteSummary(msgspec.Struct, frozen=True):
    """A site with its origins and the notice version in force."""

    site: str
    name: str
    origins: Sequence[str]
    notice: str | None


class ListSites(Request[list[SiteSummary]], frozen=True):
    """List the sites, each with its origins and the notice version in force."""


class SeenCookie(msgspec.Struct, frozen=True):
    """A cookie that a site was seen to set; without a purpose where no entry of the policy declares it, or where it is
    ``necessary``.
    """

    name: str
    declared: bool
    purpose: str | None
    first_seen: date
    last_seen: date
    necessary: bool = False


class ListCookies(Request[list[SeenCookie]], frozen=True):
    """List the cookies that a site was seen to set, by name: their purposes, and when first and last seen.

    What no entry of the policy declares has no purpose. Values are never sent here.
    """

    site: SiteName = None


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """A notice version of a site; ``published`` is false where just this text was published before."""

    site: str
    version: str
    published: bool
    effective: date
    needs_consent: bool = False


def find_site(core: LedgerInstallation, site: str | None) -> Site:
    """A site by id or name; without one, the only site. Raises :class:`Unknown` with what there is."""
    sites = core.registry.sites()
    if site is None and len(sites) == 1:
        return sites[0]
    for one in sites:
        if site in (one.id, one.name):
            return one
    names = ", ".join(s.name for s in sites) or "none"
    raise Unknown(
        f"there is no site {site!r}; there are: {names}" if site else f"say which site with --site; there are: {names}"
    )


@operation("sites.add", right="access", audit="site")
def add_site(core: LedgerInstallation, request: AddSite) -> SiteOrigins:
    """Add a site, or add origins to one that exists. Raises :class:`CollectorError`, and what publishing raises."""
    name, origins = request.name, [checked_origin(o) for o in request.origins]
    if not re.fullmatch(r"[^\x00-\x1f]{1,100}", name):
        raise CollectorError("a site's name has 1 to 100 printable characters")
    existing = next((s for s in core.registry.sites() if s.name == name), None)
    if existing and request.text:
        raise CollectorError(
            f"site {name} is there already; give it a policy with `dongui policy publish FILE --site {name}`"
        )
    with core.storage.ledger.writing():
        if existing:
            answer = SiteOrigins(existing.id, name, list(dict.fromkeys([*existing.origins, *origins])))
            set_origins(core, existing, answer.origins)
        else:
            answer = _new_site(core, name, origins, request.text or _first_policy(core))  # None: a draft
    core.registry.reload()
    return answer


@operation("sites.list", right="read", changes=False)
def list_sites(core: LedgerInstallation, request: ListSites) -> list[SiteSummary]:
    """In the order in which they were added."""
    found, now = [], core.clock.now()
    for site in core.registry.sites():
        notice = core.registry.current(site.ref, now)
        found.append(SiteSummary(site.id, site.name, site.origins, notice.version if notice else None))
    return found


@operation("sites.cookies", right="read", changes=False)
def list_cookies(core: LedgerInstallation, request: ListCookies) -> list[SeenCookie]:
    """By the notice in force."""
    site = find_site(core, request.site)
    notice = core.registry.in_force(site.ref, core.clock.now())
    found = []
    for seen in core.storage.admin.cookie_inventory(site.ref):
        purpose = classify(seen["name"], notice.compiled)
        exempt = purpose == NECESSARY
        first, last = (day_of(seen[when], notice.zone) for when in ("first_seen", "last_seen"))
        found.append(
            SeenCookie(seen["name"], purpose is not None, None if exempt else purpose, first, last, necessary=exempt)
        )
    return found


def _new_site(core: LedgerInstallation, name: str, origins: Sequence[str], text: str | None) -> SiteOrigins:
    secret, id_ = new_secret_key(), "s_" + secrets.token_hex(6)
    site = core.storage.ledger.add_site(id_, name, origins, token_hash(secret), address_key(secret))
    body = {"id": id_, "name": name, "origins": list(origins), "keys": key_print(site.secret_hash, site.address_key)}
    core.storage.ledger.append("site", core.clock.now(), body, site_ref=site.ref)
    if text is not None:
        publish(core, site, text)
    return SiteOrigins(id_, name, origins, secret)


def key_print(secret_hash: bytes, address_key: bytes) -> str:
    """What the chain keeps of a site's secret key, so that another one in the table is found."""
    return hashlib.sha256(b"site keys" + secret_hash + address_key).hexdigest()


@operation("sites.drop_origin", right="access", audit="site")
def drop_origin(core: LedgerInstallation, request: DropOrigin) -> SiteOrigins:
    """Take an origin from a site; it stands on the chain.

    Raises :class:`Unknown` for an origin that the site does not list, :class:`NotAllowed` for its last one.
    """
    found, origin = find_site(core, request.site), request.origin
    if origin not in found.origins:
        raise Unknown(f"site {found.name} lists no origin {origin[:200]}; it lists: {', '.join(found.origins)}")
    left = [one for one in found.origins if one != origin]
    if not left:
        raise NotAllowed(f"{origin} is the last origin of {found.name}: add another first, or nobody could withdraw")
    with core.storage.ledger.writing():
        set_origins(core, found, left)
    core.registry.reload()
    return SiteOrigins(found.id, found.name, left)


def set_origins(core: LedgerInstallation, site: Site, origins: Sequence[str]) -> None:
    """In the table, and on the chain as a whole: the last record of a site counts."""
    core.storage.ledger.set_origins(site.ref, origins)
    body = {"id": site.id, "name": site.name, "origins": list(origins)}
    core.storage.ledger.append("site", core.clock.now(), body, site_ref=site.ref)


def _first_policy(core: LedgerInstallation) -> str | None:
    """What a new site starts with: the policy of the first site that has published one. None without: a draft."""
    published = core.registry.published()
    return core.registry.in_force(published[0].ref, core.clock.now()).policy.text if published else None


def publish(core: LedgerInstallation, site: Site, text: str) -> Published:
    """Publish a policy as a new notice version of a site, inside the writing transaction. Versions are immutable.

    The date in it decides from when it counts. Raises :class:`NotAllowed` for a policy with errors, one of another time
    zone, a version that is there with another text, and a date under which it would never count.
    """
    policy = parse(text)
    errors = [f for f in check(policy) if f.level == "error"]
    if errors:
        raise NotAllowed(f"the policy cannot be published: {errors[0].key}: {errors[0].message} {errors[0].remedy}")
    _refuse_another_zone(policy, core.settings.timezone)
    version = policy.notice.version
    before = core.storage.ledger.notices(site.ref)
    for notice in before:
        if notice.version == version:
            if notice.text == text:
                return Published(site=site.id, version=version, published=False, effective=notice.effective)
            raise NotAllowed(
                f"version {version!r} is already published with another text; give the changed policy a new version"
            )
    now = core.clock.now()
    if before:
        _refuse_one_that_never_counts(policy, core.registry.in_force(site.ref, now).policy, now)
    core.storage.ledger.assign_bits(site.ref, policy.purposes)
    core.storage.ledger.add_notice(site.ref, version, policy.notice.effective, now, text)
    body = {"version": version, "effective": policy.notice.effective.isoformat(), "digest": policy.digest}
    core.storage.ledger.append("notice", now, body, site_ref=site.ref)
    previous = _predecessor(before, policy.notice.effective)
    needs = previous is not None and diff(parse(previous), policy).needs_consent
    effective = policy.notice.effective
    return Published(site=site.id, version=version, published=True, effective=effective, needs_consent=needs)


def _refuse_another_zone(policy: Policy, zone: str) -> None:
    """One zone an installation, so that file, key, period and report mean the same day (DESIGN 6)."""
    if policy.notice.timezone != zone:
        raise NotAllowed(
            f"the policy cannot be published: notice.timezone: its days end in {policy.notice.timezone}, but in {zone}"
            " here. All sites of an installation share one zone: set it in the policy, or make an installation of its"
            " own with `dongui init`."
        )


def _refuse_one_that_never_counts(policy: Policy, in_force: Policy, now: int) -> None:
    if (earliest := earliest_effective(policy, in_force, now)) is not None:
        raise NotAllowed(
            f"the policy cannot be published: notice.effective: {policy.notice.effective} is before "
            f"{in_force.notice.effective}, the date of version {in_force.notice.version!r}, which is in force; this "
            f"version would never come into force. Set `effective` to {earliest} or later."
        )


def _predecessor(notices: Sequence[Any], effective: Any) -> str | None:
    earlier = [n for n in notices if n.effective <= effective]
    return max(earlier, key=lambda n: (n.effective, n.ref)).text if earlier else None
