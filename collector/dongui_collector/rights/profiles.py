"""Members' profiles and who may see them (S4.2b): a corporate member does, only while the profile's owner allows it.

A profile is the newest record of a class that the policy in force marks ``profile = true``. Who looks is a registered
recipient (S4.1), named for a purpose of that class; what it sees is cut to the items that it is named for. Whether the
owner allows it is read in the very transaction that writes the look down.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from dongui.policy import Policy

from dongui_collector.core.errors import NotAllowed
from dongui_collector.core.operations import Field, Request, SignedRequest, SiteName, operation
from dongui_collector.core.pseudonyms import Pseudonyms
from dongui_collector.exports.recipients import registered
from dongui_collector.ledger.disclosure_subjects import Disclosed
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import disclosures
from dongui_collector.rights.members import is_minor
from dongui_collector.storage.contract.values import Json, Record, Site

KIND = "profile"  # of the records on the chain: that somebody allowed or denied it, never who


class ProfileSwitched(msgspec.Struct, frozen=True):
    """Whether a member's profile may be seen, and whether that is new."""

    allowed: bool
    changed: bool


class AllowProfile(SignedRequest[ProfileSwitched], frozen=True):
    """A member allows it, from now on; - reads the reference."""

    member: Annotated[str, Field(argument=True, metavar="REFERENCE", reads="person")]
    site: SiteName = None


@operation("profiles.allow", right="requests", audit="profile")
def allow(core: Installation, request: AllowProfile) -> ProfileSwitched:
    """A member (the site's reference) allows corporate members to see their profile, from this moment on."""
    return _switch(core, request.member, request.site, request.by, allowed=True)


class DenyProfile(SignedRequest[ProfileSwitched], frozen=True):
    """A member denies it, from now on; - reads the reference."""

    member: Annotated[str, Field(argument=True, metavar="REFERENCE", reads="person")]
    site: SiteName = None


@operation("profiles.deny", right="requests", audit="profile")
def deny(core: Installation, request: DenyProfile) -> ProfileSwitched:
    """No longer, from this moment on."""
    return _switch(core, request.member, request.site, request.by, allowed=False)


def _switch(core: Installation, member: str, site: str | None, by: str, *, allowed: bool) -> ProfileSwitched:
    found = find_site(core, site)
    key = core.ledger.member_key(found.ref, disclosures.words(member, "the member"))
    return ProfileSwitched(allowed, switch(core, found, key, by, allowed=allowed))


def switch(core: Installation, site: Site, member: bytes, by: str, *, allowed: bool) -> bool:
    """Turn a member's profile on or off for others; whether that changed anything. Durable when this returns.

    Raises :class:`NotAllowed` for turning on that of a member who is under age (S8).
    """
    with core.storage.ledger.writing():
        if allowed and is_minor(core, member):
            raise NotAllowed("the site has said that this member is under age")
        now, store = core.clock.now(), core.storage.disclosures
        changed = store.allow_profile(site.ref, member, now) if allowed else store.deny_profile(member)
        if changed:
            core.storage.ledger.append(KIND, now, {"allowed": allowed, "by": by}, site_ref=site.ref)
    if not allowed:
        core.storage.ledger.scrub()
    return changed


class Profiles(msgspec.Struct, frozen=True):
    """Profiles under the names of one consumer."""

    profiles: list[Json]


class ReadProfiles(Request[Profiles], frozen=True):
    """The profiles that a recipient may see now, under the names of its ``consumer`` (a token's id)."""

    site: str
    recipient: str
    consumer: str
    address: str = ""


@operation("profiles.read", audit="disclosure")
def read(core: Installation, request: ReadProfiles) -> Profiles:
    """The profiles that a recipient may see now, under the names of its ``consumer`` (a token's id).

    In the disclosure ledger with whose they were before this returns. Raises :class:`NotAllowed` where the notice in
    force marks no class as profiles or does not name the recipient for one.
    """
    found = find_site(core, request.site)
    policy = core.registry.in_force(found.ref, core.clock.now()).policy
    purposes = _purposes(policy, request.recipient)
    by = f"token {request.consumer}"
    entry = disclosures.to_party(core, found.ref, request.recipient, purposes, way="profile", by=by)
    entry.format = "json"
    names, items = Pseudonyms(core.keyring, request.consumer), set(entry.items)
    with core.storage.ledger.writing():
        seen = _allowed(core, found.ref, policy)
        shown = [
            {
                "profile": names.visitor(record.subject),
                "at": record.at,
                "data": {name: value for name, value in _data(core, record).items() if name in items},
            }
            for record in seen
        ]
        digest = hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()
        entry.rows, entry.people, entry.digest, entry.state = len(shown), len(shown), digest, "done"
        entry.address = request.address or None
        id = disclosures.begin(core, entry)
        hashes = Disclosed(core.keyring).hashes(id, (record.subject for record in seen))
        core.storage.disclosures.add_people(id, hashes)
    return Profiles(profiles=shown)


def _purposes(policy: Policy, recipient: str) -> Sequence[str]:
    """The purposes of profile classes that the recipient is named for."""
    classes = [record for record in policy.records.values() if record.profile]
    if not classes:
        raise NotAllowed("the notice in force marks no class of records as profiles (profile = true)")
    of_profiles = {p for record in classes for p in record.purposes}
    of_profiles |= {p.id for p in policy.purposes.values() if p.record in {record.id for record in classes}}
    named = [p for p in policy.purposes if p in of_profiles and p in registered(policy, recipient, ()).items]
    if not named:
        raise NotAllowed(f"the notice in force does not name {recipient} for any purpose that profiles are kept for")
    return named


def _allowed(core: Installation, site_ref: int, policy: Policy) -> list[Record]:
    """The newest profile record of each member who allows it and is neither suspended nor about to be erased."""
    classes = {record.id for record in policy.records.values() if record.profile}
    ended = {intent.visitor for intent in core.storage.ledger.intents()} | core.storage.ledger.suspended()
    today = core.retention.today()
    found = []
    for member in core.storage.disclosures.profiles(site_ref):
        mine = [
            record
            for record in core.storage.records.of_subject(site_ref, member)
            if record.class_id in classes and record.last_day >= today
        ]
        if mine and member not in ended:
            found.append(max(mine, key=lambda record: record.at))
    return found


def _data(core: Installation, record: Record) -> Mapping[str, Any]:
    data: Json | None = core.retention.records.opened(record).get("data")
    return data if isinstance(data, dict) else {}
