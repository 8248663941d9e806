"""Webhooks as operations: whom to tell of withdrawals and requests. The administrator's, on the ledger."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from dongui_collector.core.errors import CollectorError, NotAllowed, Unknown
from dongui_collector.core.operations import operation
from dongui_collector.exports.export import OWN_USE, consumer_of
from dongui_collector.exports.recipients import terms
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.values import Json, Site
from dongui_collector.webhooks.delivery import networks
from dongui_collector.webhooks.http import NotDelivered, judged, target_of
from dongui_collector.webhooks.model import KINDS, MOST, PROGRESS, SETTING, Progress, new_secret, sealed, shown


@operation("webhooks.add")
def add(
    core: Installation,
    url: str,
    kinds: Sequence[str] = KINDS,
    site: str | None = None,
    token: str | None = None,
    recipient: str | None = None,
    by: str = "command line",
) -> dict[str, Any]:
    """Tell ``url`` of what happens from now on. Its signing secret is in the answer, this once.

    ``token`` (its id) or ``recipient`` say whose copies are meant: visitors are named as that consumer knows them. With
    neither it is the controller's own. Only the controller is told of requests. Raises
    :class:`~dongui_collector.webhooks.http.AddressRefused` for an address that nothing is sent to.
    """
    found = find_site(core, site)
    consumer = _consumer(core, found, token, recipient)
    wanted, host = _wanted(kinds, consumer), _host(core, url)
    office = core.storage.office
    id, secret = f"w_{secrets.token_hex(6)}", new_secret()
    with core.storage.ledger.writing():
        hooks: Json = office.setting(SETTING) or {}
        if len(hooks) >= MOST:
            raise NotAllowed(f"there are {MOST} webhooks already; remove one first")
        hook: Json = {
            "id": id,
            "site": found.id,
            "host": host,
            "kinds": wanted,
            "consumer": consumer,
            "site_ref": found.ref,
            "created_at": core.clock.now(),
        } | sealed(core.keyring, id, secret=secret, url=url)
        office.put_setting(SETTING, hooks | {id: hook})
        begin = Progress(_newest(core, consumer), max((r["id"] for r in office.requests()), default=0))
        office.put_setting(PROGRESS, (office.setting(PROGRESS) or {}) | {id: asdict(begin)})
        said = {"action": "webhook", "added": id, "host": host, "kinds": wanted, "consumer": consumer, "by": by}
        core.storage.ledger.append("audit", core.clock.now(), said, site_ref=found.ref)
    return {**shown(hook, asdict(begin)), "secret": secret}


def _wanted(kinds: Sequence[str], consumer: str) -> list[str]:
    """What the consumer is told of, of what was asked for."""
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise CollectorError(f"{unknown[0][:20]!r} is no kind of event; there are {', '.join(KINDS)}")
    if not (wanted := [k for k in KINDS if k in kinds and (k != "request" or consumer == OWN_USE)]):
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
        if not any(
            t["id"] == token and t["site"] == site.id and not t.get("revoked_at") for t in core.storage.office.tokens()
        ):
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
    while page := core.storage.office.feed(consumer, after):
        after = page[-1][0]
    return after


@operation("webhooks.remove")
def remove(core: Installation, id: str, by: str = "command line") -> dict[str, Any]:
    """Tell it no more, from this moment on. Raises :class:`Unknown`."""
    with core.storage.ledger.writing():
        _forget(core, _found(core, id), by)
        core.ledger.journal.append({"kind": "webhook", "removed": id})  # so that no restored backup tells it again
    return {"removed": id}


def removed_since(core: Installation, entry: Json) -> bool:
    """Remove again what a restored backup brought back; whether it did. ``entry`` is the journal's."""
    with core.storage.ledger.writing():
        hook: Json | None = (core.storage.office.setting(SETTING) or {}).get(entry["removed"])
        if hook is not None:
            _forget(core, hook, "restore")
    return hook is not None


def _forget(core: Installation, hook: Json, by: str) -> None:
    office = core.storage.office
    for name in (SETTING, PROGRESS):
        office.put_setting(name, {k: v for k, v in (office.setting(name) or {}).items() if k != hook["id"]})
    said = {"action": "webhook", "removed": hook["id"], "host": hook["host"], "by": by}
    core.storage.ledger.append("audit", core.clock.now(), said)


@operation("webhooks.resume")
def resume(core: Installation, id: str, by: str = "command line") -> dict[str, Any]:
    """Try one that is paused or waits to be tried again, now, from where it stood. Raises :class:`Unknown`."""
    office = core.storage.office
    with core.storage.ledger.writing():
        hook = _found(core, id)
        all_: Json = office.setting(PROGRESS) or {}
        begin = all_[id] | {"tries": 0, "not_before": 0}
        office.put_setting(PROGRESS, all_ | {id: begin})
        said = {"action": "webhook", "resumed": id, "host": hook["host"], "by": by}
        core.storage.ledger.append("audit", core.clock.now(), said)
    return shown(hook, begin)


def listed(core: Installation) -> list[dict[str, Any]]:
    """All of them, for people: neither secrets nor whole addresses."""
    office = core.storage.office
    progress: Json = office.setting(PROGRESS) or {}
    return [shown(hook, progress.get(id, {})) for id, hook in (office.setting(SETTING) or {}).items()]


def _found(core: Installation, id: str) -> Json:
    hook: Json | None = (core.storage.office.setting(SETTING) or {}).get(id)
    if hook is None:
        raise Unknown(f"there is no webhook {id[:40]!r}; see `dongui webhooks list`")
    return hook
