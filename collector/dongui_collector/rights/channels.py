"""Consent to receive advertising (광고성 정보 수신동의): per channel, night-time apart, a member's own (K16).

It is never one with the consent to tailored advertising: other ids, other records on the ledger, another call. A site
asks for it in its own forms and its server says what was chosen. Every ``reconfirm`` period (two years at most) the
member is told of it; silence keeps it. The collector keeps keyed hashes of members alone, so whoever asks who is due
gives the site's own references and gets those back that are.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal

import msgspec
from dongui.policy.model import Channel
from dongui.rules.periods import last_day

from dongui_collector.core.clock import day_of
from dongui_collector.core.errors import CollectorError, NotAllowed
from dongui_collector.core.operations import Field, SignedRequest, SiteName, operation
from dongui_collector.ledger.notices import LoadedNotice
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.installation import Installation
from dongui_collector.rights.members import is_minor
from dongui_collector.storage.contract.values import Json, LedgerRecord, Site

KIND = "channel"  # the ledger record's kind; how long it stands: retention/ledger_retention.py
State = Literal["unasked", "given", "refused", "withdrawn", "invalidated"]
_SOON_DAYS = 30


@dataclass(frozen=True, slots=True)
class ChannelChoice:
    """A member's last word on a channel. ``told`` is when the member was last told of it (epoch ms)."""

    state: State
    at: int
    notice: str
    told: int | None = None


def words(records: Iterable[LedgerRecord]) -> dict[str, ChannelChoice]:
    """The last word on every channel, from a member's ledger records, oldest first. Pure."""
    found: dict[str, ChannelChoice] = {}
    for record in records:
        body = record.body
        if record.kind != KIND or body is None:
            continue
        for id in body.get("on", ()):
            found[id] = ChannelChoice("given", record.at, body["notice"])
        for id in body.get("off", ()):
            before = found.get(id)
            ended = before is not None and before.state in ("given", "withdrawn")
            found[id] = ChannelChoice("withdrawn" if ended else "refused", record.at, body["notice"])
        for id in body.get("told", ()):
            if id in found and found[id].state == "given":
                found[id] = ChannelChoice("given", found[id].at, found[id].notice, record.at)
    return found


def confirm_by(word: ChannelChoice, channel: Channel, notice: LoadedNotice) -> date:
    """The last day by which the member is told again (K16), counted like every period (K17)."""
    return last_day(day_of(word.told or word.at, notice.zone), channel.reconfirm)


def states(core: Installation, site: Site, member: bytes) -> dict[str, Json]:
    """Every channel of the notice in force → ``{state, at, notice, night, medium, confirm_by}``.

    A channel that now takes other items, another medium or the night was not agreed to: ``invalidated``, ask again.
    """
    current = core.registry.in_force(site.ref, core.clock.now())
    said = words(core.storage.ledger.records_of(member))
    older = {n.version: n.policy.channels for n in core.registry.notices(site.ref)}
    found = {}
    for id, channel in current.policy.channels.items():
        word = said.get(id)
        state: State = word.state if word else "unasked"
        if word and state == "given" and not _covers(older.get(word.notice, {}).get(id), channel):
            state = "invalidated"
        found[id] = {
            "state": state,
            "at": word.at if word else None,
            "notice": word.notice if word else None,
            "medium": channel.medium,
            "night": channel.night,
            "confirm_by": confirm_by(word, channel, current).isoformat() if word and state == "given" else None,
        }
    return found


def _covers(agreed: Channel | None, now: Channel) -> bool:
    """Whether what was agreed to covers what the channel is now."""
    if agreed is None:
        return False
    return agreed.medium == now.medium and set(now.items) <= set(agreed.items) and agreed.night >= now.night


def choose(
    core: Installation,
    site: Site,
    member: str,
    granted: Sequence[str],
    refused: Sequence[str],
    method: str,
    lang: str,
) -> dict[str, Json]:
    """Record a member's choice of channels; the states after it. With nothing chosen, only tells them.

    Raises :class:`NotAllowed` for a channel that the notice in force does not know, for one in both lists, and for a
    member who is under age (S8).
    """
    key = core.ledger.member_key(site.ref, member)
    current = core.registry.in_force(site.ref, core.clock.now())
    known = current.policy.channels
    if not {*granted, *refused} <= known.keys():
        raise NotAllowed(f"the notice in force knows the channels {', '.join(known) or '(none)'}, and no other")
    if set(granted) & set(refused):
        raise NotAllowed("a channel is granted or refused, not both")
    with core.storage.ledger.writing():
        if granted and is_minor(core, key):
            raise NotAllowed("nothing is recorded of this member, who is under age")
        before = words(core.storage.ledger.records_of(key))
        off = [id for id in dict.fromkeys(refused) if id not in before or before[id].state == "given"]
        if granted or off:
            body: Json = {"record": str(uuid.uuid4()), "notice": current.version, "method": method, "lang": lang}
            body |= {"on": list(dict.fromkeys(granted)), "off": off}
            record = core.storage.ledger.append(KIND, core.clock.now(), body, site_ref=site.ref, visitor=key)
            if off:  # a restored backup must not bring back a consent that was withdrawn
                numbers = [r.seq for r in core.storage.ledger.records_of(key)]
                entry = {"seq": record.seq, "site": site.ref, "off": off, "records": numbers}
                core.storage.ledger.before_commit(lambda: core.ledger.journal.append({"kind": KIND, **entry}))
    return states(core, site, key)


def history(core: Installation, member: bytes) -> list[Json]:
    """Every choice of channels on record, for the access package."""
    records = core.storage.ledger.records_of(member)
    return [{"at": r.at, **r.body} for r in records if r.kind == KIND and r.body is not None]


# --- the two-year confirmation ---------------------------------------------------------------------------------------


def due(
    core: Installation, members: Iterable[str], *, site: str | None = None, until: date | None = None
) -> list[Json]:
    """Who of ``members`` (the site's references) must be told by ``until`` (default: within 30 days), soonest first.

    One entry a channel: ``{member, channel, given, confirm_by, overdue}``.
    """
    found_site = find_site(core, site)
    today = core.clock.today(core.settings.zone)
    limit = (until or today + timedelta(days=_SOON_DAYS)).isoformat()
    found = []
    for member in dict.fromkeys(members):
        stands = states(core, found_site, core.ledger.member_key(found_site.ref, member))
        for id, channel in stands.items():
            if channel["confirm_by"] is not None and channel["confirm_by"] <= limit:
                late = channel["confirm_by"] < today.isoformat()
                by = {"confirm_by": channel["confirm_by"], "overdue": late}
                found.append({"member": member, "channel": id, "given_at": channel["at"], **by})
    return sorted(found, key=lambda one: (one["confirm_by"], one["member"], one["channel"]))


class MembersInformed(msgspec.Struct, frozen=True):
    """How many members were told."""

    members: int


class NoteInformed(SignedRequest[MembersInformed], frozen=True):
    """Note that MEMBERS were told today of the consents that they gave. Silence keeps them."""

    members: Annotated[Sequence[str], Field(argument=True, reads="lines")]
    site: SiteName = None


@operation("channels.told", right="requests", audit="channel")
def note_informed(core: Installation, request: NoteInformed) -> MembersInformed:
    """Note that these members were told of the consents that they gave; the next term runs from today (K16)."""
    if isinstance(request.members, str):
        raise CollectorError("give a list of the site's member references")
    found, count = find_site(core, request.site), 0
    for member in dict.fromkeys(request.members):
        key = core.ledger.member_key(found.ref, member)
        given = [id for id, channel in states(core, found, key).items() if channel["state"] == "given"]
        if given:
            with core.storage.ledger.writing():
                body = {"told": given, "by": request.by}
                core.storage.ledger.append(KIND, core.clock.now(), body, site_ref=found.ref, visitor=key)
            count += 1
    return MembersInformed(members=count)
