"""Webhooks: the erasure feed and the coming of privacy requests, told as they happen to whoever must act on them.

What is told names nobody: a visitor under the consumer's own pseudonym, a request by its number. Nothing is kept for a
webhook but how far it has come; what it has still to be told lies in the feed and among the requests.
"""

from __future__ import annotations

import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from dongui_collector.core.sealing import seal, unseal
from dongui_collector.keys.keyring import KeyRing
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.requests import StoredRequest
from dongui_collector.storage.contract.stores import AdminStore
from dongui_collector.storage.contract.values import Json

SETTING = "webhooks"  # {id: hook}
PROGRESS = "webhooks.progress"  # {id: how far it has come}
KINDS = ("withdrawal", "erasure", "aged_out", "request")
# Told to whoever is told of the kind on the right: a suspension stops the use of copies as a withdrawal does.
_COME_WITH = {"suspension": "withdrawal", "resumption": "withdrawal"}
MOST = 20  # webhooks of an installation
BATCH = 100  # events in one delivery
MOST_TRIES = 24  # in vain, one after the other, over some three days; then it is paused
_FIRST_PAUSE_MS, _LONGEST_PAUSE_MS = 10_000, 4 * 3_600_000


class Webhook(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Whom to tell, as it is stored. ``consumer`` says whose names visitors have; secret and address are sealed."""

    id: str
    site: str
    site_ref: int
    host: str
    kinds: tuple[str, ...]
    consumer: str
    created_at: int
    secret: str
    url: str
    v: int = 1


class Progress(msgspec.Struct, frozen=True):
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


def waiting(core: Installation, hook: Webhook, progress: Progress) -> tuple[list[Json], Progress]:
    """What a webhook has still to be told, at most a batch, and how far it has come once it was."""
    events, feed, request = [], progress.feed, progress.request
    for n, at, entry in core.storage.admin.feed(hook.consumer, feed, BATCH):
        feed = n
        if _COME_WITH.get(entry["kind"], entry["kind"]) in hook.kinds:
            events.append(
                {"type": entry["kind"], "at": at, "cursor": n} | {k: v for k, v in entry.items() if k != "kind"}
            )
    if "request" in hook.kinds:
        for one in core.storage.admin.requests_after(progress.request):
            request = one.id
            if one.site_ref == hook.site_ref:
                events.append(_request(one))
    return events, Progress(feed, request)


def _request(request: StoredRequest) -> Json:
    """A privacy request as its controller is told of it: what kind, until when, never whose."""
    return {
        "type": "request",
        "at": request.at,
        "request": request.id,
        "kind": request.kind,
        "due": request.due,
    }


def body_of(hook: Webhook, events: Sequence[Json]) -> bytes:
    """The JSON that is sent."""
    return json.dumps({"webhook": hook.id, "events": list(events)}, sort_keys=True).encode()


# --- signed ----------------------------------------------------------------------------------------------------------


def new_secret() -> str:
    """A signing secret, shown once."""
    return "dgw_" + secrets.token_urlsafe(32)


def sealed(keyring: KeyRing, id: str, **values: str) -> dict[str, Any]:
    """Secret and address as they are kept: sealed, since both are needed whole and an address may be a secret too."""
    key = keyring.derive(b"webhook-secrets")
    return {
        name: urlsafe_b64encode(seal(key, v.encode(), f"{id}.{name}".encode())).decode() for name, v in values.items()
    }


def opened(keyring: KeyRing, hook: Webhook, name: Literal["secret", "url"]) -> str:
    """``secret`` or ``url`` of a webhook. Raises :class:`~dongui_collector.keys.keyring.SealBroken`."""
    key = keyring.derive(b"webhook-secrets")
    return unseal(key, urlsafe_b64decode(getattr(hook, name)), f"{hook.id}.{name}".encode()).decode()


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


class WebhookSummary(msgspec.Struct, frozen=True):
    """A webhook for people: without its secret, and without the rest of its address, which may be one."""

    id: str
    site: str
    host: str
    kinds: tuple[str, ...]
    consumer: str
    created_at: int
    state: Literal["working", "failing", "paused", "ended"]
    tries: int = 0
    last_at: int | None = None
    error: str | None = None


def summary(hook: Webhook, progress: Progress, *, ended: bool = False) -> WebhookSummary:
    """``ended``: the token whose copies are meant is good no more, so that nothing is told."""
    state: Literal["working", "failing", "paused", "ended"] = (
        "ended" if ended else "paused" if progress.paused else "failing" if progress.tries else "working"
    )
    facts = (hook.id, hook.site, hook.host, hook.kinds, hook.consumer, hook.created_at)
    return WebhookSummary(*facts, state, progress.tries, progress.last_at, progress.error)


# --- stored ----------------------------------------------------------------------------------------------------------


def stored(admin: AdminStore) -> dict[str, Webhook]:
    """All webhooks, by id."""
    return msgspec.convert(admin.setting(SETTING) or {}, dict[str, Webhook])


def progress_of(admin: AdminStore) -> dict[str, Progress]:
    """How far each has come, by id."""
    return msgspec.convert(admin.setting(PROGRESS) or {}, dict[str, Progress])


def keep(admin: AdminStore, hooks: Mapping[str, Webhook]) -> None:
    """Replace all webhooks. Inside a writing transaction."""
    admin.put_setting(SETTING, msgspec.to_builtins(dict(hooks)))


def keep_progress(admin: AdminStore, progress: Mapping[str, Progress]) -> None:
    """Replace how far they have come. Inside a writing transaction."""
    admin.put_setting(PROGRESS, msgspec.to_builtins(dict(progress)))


def has_ended(core: Installation, hook: Webhook) -> bool:
    """Whether it is a token's, and the token was revoked or has expired: then it is told nothing more."""
    now = core.clock.now()
    return any(token.id == hook.consumer and not token.is_live(now) for token in core.storage.admin.tokens())
