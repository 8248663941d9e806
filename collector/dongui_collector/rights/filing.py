"""Privacy requests (열람등요구) come in: by letter or mail through the officer, or from a visitor at the public door.

The clock runs from the day on which a request was received, whatever happens to it. Sources: S9, K10, K11.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

import msgspec

from dongui_collector.core.clock import day_of
from dongui_collector.core.errors import CollectorError
from dongui_collector.core.operations import Field, SignedRequest, SiteName, operation
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import duplicates, files
from dongui_collector.rights.grounds import CHANNELS, KINDS, due_day, kind_of
from dongui_collector.rights.request_fields import text_of, written_day
from dongui_collector.rights.subjects import named
from dongui_collector.storage.contract.requests import IdentityCheck, StoredRequest
from dongui_collector.storage.contract.values import Visitor


class FiledRequest(msgspec.Struct, frozen=True):
    """A request that was filed: its number, kind, and the last day for its answer."""

    id: int
    kind: str
    due: str


class FileRequest(SignedRequest[FiledRequest], frozen=True):
    """File a request that came by e-mail, letter or telephone. Its clock runs from the day it was received."""

    kind: Annotated[str, Field(choices=tuple(KINDS))]
    channel: Annotated[str, Field("How it came.", choices=CHANNELS, default="email")] = "email"
    name: Annotated[str, Field("Who asks. Kept sealed, like everything that names a person.")] = ""
    contact: Annotated[str, Field("Where the answer goes.")] = ""
    text: Annotated[str, Field("What they wrote; - reads it from standard input.", reads="text")] = ""
    member: Annotated[str | None, Field("Whom it is about: the site's own reference of a member.")] = None
    visitor: Annotated[str | None, Field("Whom it is about: a visitor id; - asks for it.", reads="secret")] = None
    agent: Annotated[bool, Field("Somebody asks for the person, under a power of attorney.")] = False
    received: Annotated[str | None, Field("The day on which it came in [default: today].", metavar="DAY")] = None
    site: SiteName = None


@operation("requests.add", right="requests", audit="request")
def add(core: Installation, form: FileRequest) -> FiledRequest:
    """File a request that came by e-mail, letter, telephone or in person; its clock runs from the day it ``received``.

    ``member`` is the site's reference, ``visitor`` a visitor id; either may be left to the check of the identity.
    ``agent`` says that somebody asks for the person (K11). Returns ``{id, kind, due}``.
    """
    found = find_site(core, form.site)
    known = _kind(form.kind)
    if form.channel not in CHANNELS:
        raise CollectorError(f"a request comes by one of {', '.join(CHANNELS)}")
    now = core.clock.now()
    day = _received(form.received, day_of(now, core.registry.in_force(found.ref, now).zone))
    entry = _entry(found.ref, known, form.kind, form.channel, now, day)
    entry.visitor, entry.member = named(core, found, visitor=form.visitor, member=form.member)
    entry.agent = form.agent
    secret = {
        "name": text_of("name", form.name),
        "contact": text_of("contact", form.contact),
        "text": text_of("text", form.text),
    }
    return _filed(core, entry, {**secret, **({"reference": form.member} if form.member else {})}, form.by)


def received_online(core: Installation, visitor: Visitor, asked: str, text: str | None) -> FiledRequest:
    """File a request of a visitor's own: the id that it came with is the proof of who asks (S9.6).

    Asked again while the first is open, it joins that one and keeps its clock. One of a visitor of whom nothing is held
    is answered like any other; lists show it after the others until its day comes near.
    """
    now = core.clock.now()
    day = day_of(now, core.registry.in_force(visitor.site_ref, now).zone)
    entry = _entry(visitor.site_ref, _kind(asked), asked, "online", now, day)
    entry.visitor = visitor.key.hex()
    entry.identity = IdentityCheck("confirmed", "visitor_id", now, "visitor")
    entry.nothing_held = visitor.member is None and not core.storage.events.may_hold(visitor.key)
    words = text_of("text", text or "")
    with core.storage.ledger.writing():
        if first := duplicates.join(core, visitor, entry.kind, asked, words):
            return FiledRequest(first.id, first.kind, first.due or "")
        return _filed(core, entry, {"text": words}, "visitor")


def _entry(site_ref: int, kind: str, asked: str, channel: str, now: int, day: date) -> StoredRequest:
    due = due_day(kind, day).isoformat()
    return StoredRequest(site_ref, kind, asked=asked, channel=channel, at=now, received=day.isoformat(), due=due)


def _filed(core: Installation, entry: StoredRequest, secret: Mapping[str, str], by: str) -> FiledRequest:
    with core.storage.ledger.writing():
        filed = files.add(core, entry, {key: value for key, value in secret.items() if value})
        files.noted(core, filed, "received", by, channel=filed.channel)
    return FiledRequest(filed.id, filed.kind, filed.due or "")


def _kind(word: str) -> str:
    kind = kind_of(word)
    if kind is None:
        raise CollectorError(f"a request is one of {', '.join(KINDS)}")
    return kind


def _received(text: str | None, today: date) -> date:
    if text is None:
        return today
    day = written_day(text, "the day on which it was received")
    if day > today:
        raise CollectorError("a request cannot have been received in the future")
    return day
