"""What travels to the collector, and how waiting jobs are packed into requests. Pure."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from dongui.rules.body import MOST_BODY, MOST_EVENTS, encode

ENVELOPE = 512  # bytes of a request that are not its events

EVENTS = "/v1/events"
RECORDS = "/v1/records"
COUNTS = "/v1/counts"
CONSENTS = "/v1/consents"


@dataclass(slots=True, repr=False)
class Job:
    """One thing to deliver: an event of a visitor (``key`` is the visitor then), or a request of its own.

    Jobs of one key are delivered in their order. ``data`` is JSON, or becomes it just before it is sent. A ``bearer``
    is a visitor's id, which then speaks for itself instead of the site's secret key. ``attempts`` counts those that
    made the collector fail; an event that is ``alone`` was in a refused batch and does not share a request again.
    ``decided_at`` (seconds, monotonic) is when the visitor made the decision that it repeats.
    """

    key: Hashable
    path: str
    data: bytes | dict[str, Any]
    method: str = "POST"
    bearer: str | None = None
    attempts: int = 0
    alone: bool = False
    decided_at: float | None = None

    @property
    def is_event(self) -> bool:
        """Whether it shares a request with other events of the same visitor, and goes when the visitor withdraws."""
        return self.path == EVENTS

    def encoded(self) -> bytes:
        """The JSON of ``data``."""
        if not isinstance(self.data, bytes):
            self.data = encode(self.data)
        return self.data


@dataclass(slots=True, repr=False)
class Batch:
    """The jobs of one request."""

    key: Hashable
    path: str
    jobs: list[Job] = field(default_factory=list)
    purged: bool = False

    @property
    def is_events(self) -> bool:
        """Whether the request is ``POST /v1/events``."""
        return self.path == EVENTS

    def body(self, site: str, now: float = 0.0) -> bytes:
        """The request's body, as it is sent at ``now`` (seconds, monotonic).

        A repeated decision tells its age, which no clock that is wrong or is set can change: what was granted since
        stays (docs/decisions/140).
        """
        job = self.jobs[0]
        if job.decided_at is not None:
            return encode({**json.loads(job.encoded()), "decided_ago": max(0, int((now - job.decided_at) * 1000))})
        if not self.is_events:
            return job.encoded()
        head = json.dumps({"site": site, "visitor": self.key})[:-1].encode()
        return b'%b,"events":[%b]}' % (head, b",".join([job.encoded() for job in self.jobs]))


def fits(data: bytes) -> bool:
    """Whether an event can be sent at all."""
    return len(data) <= MOST_BODY - ENVELOPE


def pack(key: Hashable, jobs: deque[Job]) -> Batch:
    """Takes from the front of ``jobs`` what one request may hold: a run of events, or one request of its own."""
    parcel = Batch(key, jobs[0].path)
    room = MOST_BODY - ENVELOPE
    while jobs and jobs[0].path == parcel.path and len(parcel.jobs) < MOST_EVENTS:
        room -= len(jobs[0].encoded()) + 1
        if parcel.jobs and room < 0:
            break
        parcel.jobs.append(jobs.popleft())
        if parcel.jobs[-1].alone or not parcel.is_events:
            break
    return parcel
