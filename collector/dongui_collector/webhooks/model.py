"""Webhooks: the erasure feed and the coming of privacy requests, told as they happen to whoever must act on them.

What is told names nobody: a visitor under the consumer's own pseudonym, a request by its number. Nothing is kept for a
webhook but how far it has come; what it has still to be told lies in the feed and among the requests.
"""

from __future__ import annotations

import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dongui_collector.core.sealing import seal, unseal
from dongui_collector.keys.keyring import KeyRing
from dongui_collector.storage.contract.values import Json

if TYPE_CHECKING:
    from dongui_collector.retention.installation import Installation

SETTING = "webhooks"  # {id: hook}
PROGRESS = "webhooks.progress"  # {id: how far it has come}
KINDS = ("withdrawal", "erasure", "aged_out", "request")
MOST = 20  # webhooks of an installation
BATCH = 100  # events in one delivery
MOST_TRIES = 24  # in vain, one after the other, over some three days; then it is paused
_FIRST_PAUSE_MS, _LONGEST_PAUSE_MS = 10_000, 4 * 3_600_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a webhook has come: in the feed, among the requests; ``tries`` in vain since, the next not before."""

    feed: int = 0
    request: int = 0
    tries: int = 0
    not_before: int = 0
    last_at: int | None = None  # the last delivery that was taken
    error: str | None = None  # why the last try was in vain

    @property
    def paused(self) -> bool:
        return self.tries >= MOST_TRIES


def pause_ms(tries: int) -> int:
    """How long to wait after so many tries in vain: twice as long each time, up to four hours."""
    return int(min(_LONGEST_PAUSE_MS, _FIRST_PAUSE_MS * 2 ** min(tries - 1, 32)))


def waiting(core: Installation, hook: Json, progress: Progress) -> tuple[list[Json], Progress]:
    """What a webhook has still to be told, at most a batch, and how far it has come once it was."""
    events, feed, request = [], progress.feed, progress.request
    for n, at, entry in core.storage.office.feed(hook["consumer"], feed, BATCH):
        feed = n
        if entry["kind"] in hook["kinds"]:
            events.append(
                {"type": entry["kind"], "at": at, "cursor": n} | {k: v for k, v in entry.items() if k != "kind"}
            )
    if "request" in hook["kinds"]:
        for one in core.storage.office.requests():
            if progress.request < one["id"]:
                request = max(request, one["id"])
                if one["site_ref"] == hook["site_ref"]:
                    events.append(_request(one))
    return events, Progress(feed, request)


def _request(request: Json) -> Json:
    """A privacy request as its controller is told of it: what kind, until when, never whose."""
    return {
        "type": "request",
        "at": request["at"],
        "request": request["id"],
        "kind": request["kind"],
        "due": request["due"],
    }


def body_of(hook: Json, events: Sequence[Json]) -> bytes:
    """The JSON that is sent."""
    return json.dumps({"webhook": hook["id"], "events": list(events)}, sort_keys=True).encode()


# --- signed ----------------------------------------------------------------------------------------------------------


def new_secret() -> str:
    """A signing secret, shown once."""
    return "dgw_" + secrets.token_urlsafe(32)


def sealed(keyring: KeyRing, id: str, **values: str) -> dict[str, str]:
    """Secret and address as they are kept: sealed, since both are needed whole and an address may be a secret too."""
    key = keyring.derive(b"webhook-secrets")
    return {
        name: urlsafe_b64encode(seal(key, v.encode(), f"{id}.{name}".encode())).decode() for name, v in values.items()
    }


def opened(keyring: KeyRing, hook: Json, name: str) -> str:
    """``secret`` or ``url`` of a webhook. Raises :class:`~dongui_collector.keys.keyring.SealBroken`."""
    key = keyring.derive(b"webhook-secrets")
    return unseal(key, urlsafe_b64decode(hook[name]), f"{hook['id']}.{name}".encode()).decode()


def headers_of(secret: str, body: bytes, at: int, delivery: str) -> dict[str, str]:
    """The headers of a delivery. ``Dongui-Signature`` is ``t=<seconds>,v1=<hex>``: HMAC-SHA256 over ``t.body``.

    ``delivery`` is the same each time that the same events are tried again.
    """
    return {
        "Content-Type": "application/json",
        "User-Agent": "dongui-webhook",
        "Dongui-Delivery": delivery,
        "Dongui-Signature": f"t={at // 1000},v1={signature(secret, body, at // 1000)}",
    }


def signature(secret: str, body: bytes, seconds: int) -> str:
    """HMAC-SHA256 in hexadecimal over the time, a full stop and the body."""
    return hmac.new(secret.encode(), b"%d." % seconds + body, "sha256").hexdigest()


def delivery_id(secret: str, body: bytes) -> str:
    """A name for what is delivered."""
    return hmac.new(secret.encode(), b"delivery." + body, "sha256").hexdigest()[:32]


def shown(hook: Json, progress: Json) -> dict[str, Any]:
    """A webhook for people: without its secret, and without the rest of its address, which may be one."""
    hidden = {"secret", "url", "site_ref"}
    return {k: v for k, v in hook.items() if k not in hidden} | {
        "state": "paused"
        if progress.get("tries", 0) >= MOST_TRIES
        else "failing"
        if progress.get("tries")
        else "working",
        **{name: progress.get(name) for name in ("tries", "last_at", "error")},
    }
