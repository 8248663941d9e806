"""Webhooks as operations: whom to tell of withdrawals and requests. The administrator's, on the ledger."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import msgspec
from msgspec.structs import asdict, replace

from dongui_collector.core.errors import CollectorError, NotAllowed, Unknown
from dongui_collector.core.operations import AttributedRequest, Field, Request, SiteName, operation
from dongui_collector.exports.export import OWN_USE, consumer_of
from dongui_collector.exports.recipients import terms
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.values import Json, Site
from dongui_collector.webhooks import model
from dongui_collector.webhooks.delivery import networks
from dongui_collector.webhooks.http import NotDelivered, judged, target_of
from dongui_collector.webhooks.model import KINDS, MOST, Progress, Webhook, WebhookSummary, new_secret, sealed


class NewWebhook(WebhookSummary, frozen=True, kw_only=True):
    """A webhook that was just made, with the secret that signs what is sent, shown this once."""

    secret: str


class AddWebhook(AttributedRequest[NewWebhook], frozen=True):
    """Tell URL (https) from now on. The secret that signs what is sent is shown this once."""

    url: Annotated[str, Field(argument=True)]
    kinds: Annotated[Sequence[str], Field("What to tell of [default: all].", option="--kind", choices=KINDS)] = KINDS
    token: Annotated[
        str | None, Field("Whose copies are meant: a token's, under its names for visitors.", metavar="ID")
    ] = None
    recipient: Annotated[str | None, Field("Or a processor's or recipient's, under theirs.", metavar="NAME")] = None
    site: SiteName = None


class ListWebhooks(Request[list[WebhookSummary]], frozen=True):
    """List them and how they fare; never their secrets nor their whole addresses."""


class ResumeWebhook(AttributedRequest[WebhookSummary], frozen=True):
    """Try one that was paused again, from where it stood."""

    id: Annotated[str, Field(argument=True)]


class WebhookRemoved(msgspec.Struct, frozen=True):
    """The id of a webhook that is gone."""

    removed: str


class RemoveWebhook(AttributedRequest[WebhookRemoved], frozen=True):
    """Tell it no more, from this moment on."""

    id: Annotated[str, Field(argument=True)]


@operation("webhooks.add", right="access", audit="webhook")
def add(core: Installation, request: AddWebhook) -> NewWebhook:
    """``token`` (its id) or ``recipient`` say whose copies are meant: visitors are named as that consumer knows them.
    With neither it is the controller's own. Only the controller is told of requests. Raises
    :class:`~dongui_collector.webhooks.http.AddressRefused` for an address that nothing is sent to.
    """
    site, admin = find_site(core, request.site), core.storage.admin
    consumer = _consumer(core, site, request.token, request.recipient)
    kinds, host = _wanted(request.kinds, consumer), _host(core, request.url)
    id, secret = f"w_{secrets.token_hex(6)}", new_secret()
    with core.storage.ledger.writing():
        hooks = model.stored(admin)
        if len(hooks) >= MOST:
            raise NotAllowed(f"there are {MOST} webhooks already; remove one first")
        hook = Webhook(
            id=id,
            site=site.id,
            site_ref=site.ref,
            host=host,
            kinds=kinds,
            consumer=consumer,
            created_at=core.clock.now(),
            **sealed(core.keyring, id, secret=secret, url=request.url),
        )
        model.keep(admin, hooks | {id: hook})
        begin = Progress(_newest(core, consumer), max((r.id for r in admin.requests()), default=0))
        model.keep_progress(admin, model.progress_of(admin) | {id: begin})
        facts = {"added": id, "host": host, "kinds": list(kinds), "consumer": consumer, "by": request.by}
        _audit(core, facts, site)
    return NewWebhook(**asdict(model.summary(hook, begin)), secret=secret)


def _audit(core: Installation, facts: Json, site: Site | None = None) -> None:
    entry: Json = {"action": "webhook", **facts}
    core.storage.ledger.append("audit", core.clock.now(), entry, site_ref=site.ref if site else None)


def _wanted(kinds: Sequence[str], consumer: str) -> tuple[str, ...]:
    """What the consumer is told of, of what was asked for."""
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise CollectorError(f"{unknown[0][:20]!r} is no kind of event; there are {', '.join(KINDS)}")
    if not (wanted := tuple(k for k in KINDS if k in kinds and (k != "request" or consumer == OWN_USE))):
        raise NotAllowed("only the controller is told of requests: leave --token and --recipient out, or ask for more")
    return wanted


def _host(core: Installation, url: str) -> str:
    """The host of an address that may be told, as far as that can be known today."""
    allowed = networks(core)
    target = target_of(url, plain=bool(allowed))
    with suppress(NotDelivered):  # a name may have no address yet; it is judged again before every delivery
        judged(target, allowed)
    return target.host


def _consumer(core: Installation, site: Site, token: str | None, recipient: str | None) -> str:
    if token is not None and recipient is not None:
        raise CollectorError("a webhook is a token's or a recipient's, not both")
    if token is not None:
        tokens, now = core.storage.admin.tokens(), core.clock.now()
        if not any(one.id == token and one.site == site.id and one.is_live(now) for one in tokens):
            raise Unknown("there is no live token of that id for the site; see `dongui tokens list`")
        return token
    if recipient is None:
        return OWN_USE
    if terms(core.registry.in_force(site.ref, core.clock.now()).policy, recipient) is None:
        raise NotAllowed("the notice in force names no such processor or recipient")
    return consumer_of(recipient)


def _newest(core: Installation, consumer: str) -> int:
    """The end of the feed as it is now: what came before is not told again."""
    after = 0
    while page := core.storage.admin.feed(consumer, after):
        after = page[-1][0]
    return after


@operation("webhooks.remove", right="access", audit="webhook")
def remove(core: Installation, request: RemoveWebhook) -> WebhookRemoved:
    """No restored backup tells it again. Raises :class:`Unknown`."""
    with core.storage.ledger.writing():
        _forget(core, _found(core, request.id), request.by)
        core.storage.ledger.before_commit(lambda: core.journal.append({"kind": "webhook", "removed": request.id}))
    return WebhookRemoved(request.id)


def removed_since(core: Installation, entry: Json) -> bool:
    """Remove again what a restored backup brought back; whether it did. ``entry`` is the journal's."""
    with core.storage.ledger.writing():
        hook = model.stored(core.storage.admin).get(entry["removed"])
        if hook is not None:
            _forget(core, hook, "restore")
    return hook is not None


def _forget(core: Installation, hook: Webhook, by: str) -> None:
    admin = core.storage.admin
    model.keep(admin, {id: one for id, one in model.stored(admin).items() if id != hook.id})
    model.keep_progress(admin, {id: one for id, one in model.progress_of(admin).items() if id != hook.id})
    _audit(core, {"removed": hook.id, "host": hook.host, "by": by})


@operation("webhooks.resume", right="access", audit="webhook")
def resume(core: Installation, request: ResumeWebhook) -> WebhookSummary:
    """Try one that is paused or waits to be tried again, now. Raises :class:`Unknown`."""
    admin = core.storage.admin
    with core.storage.ledger.writing():
        hook, known = _found(core, request.id), model.progress_of(admin)
        begin = replace(known[hook.id], tries=0, not_before=0)
        model.keep_progress(admin, known | {hook.id: begin})
        _audit(core, {"resumed": hook.id, "host": hook.host, "by": request.by})
    return model.summary(hook, begin)


@operation("webhooks.list", right="access", changes=False)
def list_webhooks(core: Installation, request: ListWebhooks) -> list[WebhookSummary]:
    """In the order in which they were added."""
    admin = core.storage.admin
    progress = model.progress_of(admin)
    return [
        model.summary(hook, progress.get(id, Progress()), ended=model.has_ended(core, hook))
        for id, hook in model.stored(admin).items()
    ]


def _found(core: Installation, id: str) -> Webhook:
    if (hook := model.stored(core.storage.admin).get(id)) is None:
        raise Unknown(f"there is no webhook {id[:40]!r}; see `dongui webhooks list`")
    return hook
