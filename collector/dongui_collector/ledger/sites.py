"""Sites and their notice versions: adding and publishing, as operations."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from dongui.policy import Policy, check, diff, parse

from dongui_collector.access.secrets import address_key, new_secret_key, token_hash
from dongui_collector.core.errors import CollectorError, NotAllowed, Unknown
from dongui_collector.core.installation import Installation
from dongui_collector.core.operations import operation
from dongui_collector.evidence.replayed_state import key_print
from dongui_collector.ledger.notices import earliest_effective
from dongui_collector.storage.contract.values import Site


def find_site(core: Installation, site: str | None) -> Site:
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


@operation("sites.add")
def add_site(core: Installation, name: str, origins: Sequence[str], text: str | None = None) -> dict[str, Any]:
    """Add a site (its secret key is shown this once), or add origins to one that exists.

    ``text`` is its first policy; without one the newest policy of the first site is published for it too.
    """
    origins = [checked_origin(o) for o in origins]
    if not re.fullmatch(r"[^\x00-\x1f]{1,100}", name):
        raise CollectorError("a site's name has 1 to 100 printable characters")
    existing = next((s for s in core.registry.sites() if s.name == name), None)
    if existing and text:
        raise CollectorError(
            f"site {name} is there already; give it a policy with `dongui policy publish FILE --site {name}`"
        )
    with core.storage.ledger.writing():
        if existing:
            merged = list(dict.fromkeys([*existing.origins, *origins]))
            _set_origins(core, existing, merged)
            site, secret = existing, None
        else:
            text = text or _first_policy(core)
            secret = new_secret_key()
            id_ = "s_" + secrets.token_hex(6)
            site = core.storage.ledger.add_site(id_, name, origins, token_hash(secret), address_key(secret))
            body = {"id": id_, "name": name, "origins": list(origins)}
            body["keys"] = key_print(site.secret_hash, site.address_key)
            core.storage.ledger.append("site", core.clock.now(), body, site_ref=site.ref)
            _publish(core, site, text)
            merged = list(origins)
    core.registry.reload()
    return {"site": site.id, "name": name, "origins": merged} | ({"secret_key": secret} if secret else {})


@operation("sites.drop_origin")
def drop_origin(core: Installation, site: str, origin: str) -> dict[str, Any]:
    """Take an origin from a site: from now on its pages can neither record nor withdraw here. It stands on the chain.

    Raises :class:`Unknown` for an origin that the site does not list, :class:`NotAllowed` for its last one.
    """
    found = find_site(core, site)
    if origin not in found.origins:
        raise Unknown(f"site {found.name} lists no origin {origin[:200]}; it lists: {', '.join(found.origins)}")
    left = [one for one in found.origins if one != origin]
    if not left:
        raise NotAllowed(f"{origin} is the last origin of {found.name}: add another first, or nobody could withdraw")
    with core.storage.ledger.writing():
        _set_origins(core, found, left)
    core.registry.reload()
    return {"site": found.id, "name": found.name, "origins": left}


def _set_origins(core: Installation, site: Site, origins: list[str]) -> None:
    """In the table, and on the chain as a whole: the last record of a site counts."""
    core.storage.ledger.set_origins(site.ref, origins)
    body = {"id": site.id, "name": site.name, "origins": origins}
    core.storage.ledger.append("site", core.clock.now(), body, site_ref=site.ref)


def _first_policy(core: Installation) -> str:
    sites = core.registry.sites()
    if not sites:
        raise CollectorError("the first site needs a policy")
    return core.registry.in_force(sites[0].ref, core.clock.now()).policy.text


@operation("policy.publish")
def publish(core: Installation, text: str, site: str | None = None, sign: bool = False, by: str = "") -> dict[str, Any]:
    """Publish a policy as a new notice version of a site. Versions are immutable.

    The date in it decides from when it counts. ``unsigned`` in the answer names the versions whose periods no standing
    approval covers; with ``sign`` the one that publishes signs this version too (S5.3). Raises :class:`NotAllowed` for
    a policy with errors, a version that is there with another text, and a date under which it would never count.
    """
    found = find_site(core, site)
    with core.storage.ledger.writing():
        result = _publish(core, found, text)
    core.registry.reload()
    if sign:
        core.retention.grant_standing(by, site_ref=found.ref, version=result["version"])
    return result | {"unsigned": core.retention.standing.unsigned()}


def _publish(core: Installation, site: Site, text: str) -> dict[str, Any]:
    policy = parse(text)
    errors = [f for f in check(policy) if f.level == "error"]
    if errors:
        raise NotAllowed(f"the policy cannot be published: {errors[0].key}: {errors[0].message} {errors[0].remedy}")
    version = policy.notice.version
    before = core.storage.ledger.notices(site.ref)
    for notice in before:
        if notice.version == version:
            if notice.text == text:
                return {"site": site.id, "version": version, "published": False, "needs_consent": False}
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
    return {
        "site": site.id,
        "version": version,
        "published": True,
        "effective": policy.notice.effective.isoformat(),
        "needs_consent": needs,
    }


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


def checked_origin(text: str) -> str:
    """An origin exactly as browsers send it. Raises :class:`CollectorError` with the remedy."""
    parts = urlsplit(text.strip())
    try:
        port = parts.port
    except ValueError:
        port = None
        parts = parts._replace(scheme="")
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
        or parts.username
    ):
        raise CollectorError(f"{text!r} is not an origin; write it like https://shop.example.com")
    host = parts.hostname.encode("idna").decode() if not parts.hostname.isascii() else parts.hostname
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != default else "")
