"""Delivering webhooks from ``serve``: in threads of their own, each in order, and again until it is taken."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from dongui_collector.core.errors import CollectorError
from dongui_collector.core.networks import Network, Resolve, resolved
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.values import Json
from dongui_collector.webhooks import http, model
from dongui_collector.webhooks.http import allowed_networks, target_of
from dongui_collector.webhooks.model import Progress, Webhook

log = logging.getLogger("dongui.webhooks")

_SIDE_BY_SIDE = 4  # so that one that does not answer keeps few others waiting
LOOPBACK = "127.0.0.0/8, ::1/128"  # reachable where the settings say `testing`


def networks(core: Installation) -> tuple[Network, ...]:
    """The networks of one's own that may be reached."""
    settings = core.settings
    return allowed_networks(", ".join([settings.webhook_networks, *([LOOPBACK] if settings.testing else [])]))


class Deliverer:
    """One round after the other; ``count`` is told ``delivered``, ``failed`` or ``paused``."""

    def __init__(
        self,
        core: Installation,
        count: Callable[[str], object] = lambda _outcome: None,
        resolve: Resolve = resolved,
    ) -> None:
        self._core, self._count, self._resolve = core, count, resolve

    def round(self) -> int:
        """Tell every webhook what waits for it; how many deliveries were taken."""
        hooks = model.stored(self._core.storage.admin)
        if not hooks:
            return 0
        with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="webhook") as pool:
            return sum(pool.map(self._one, hooks.values()))

    def _one(self, hook: Webhook) -> int:
        taken = 0
        try:
            while self._deliver(hook):
                taken += 1
        except Exception as error:  # one that is broken keeps no other from being told
            log.error("a webhook could not be tried", extra={"webhook": hook.id, "kind": type(error).__name__})
        return taken

    def _deliver(self, hook: Webhook) -> bool:
        """Send the next batch; whether there may be more."""
        progress = self._progress(hook.id)
        now = self._core.clock.now()
        if progress is None or progress.paused or now < progress.not_before or model.has_ended(self._core, hook):
            return False
        events, after = model.waiting(self._core, hook, progress)
        if not events:
            if (after.feed, after.request) != (progress.feed, progress.request):
                self._note(hook.id, replace(progress, feed=after.feed, request=after.request))
            return False
        try:
            self._send(hook, events, now)
        except CollectorError as error:
            tries = progress.tries + 1
            wait = now + model.pause_ms(tries)
            failed = replace(progress, tries=tries, not_before=wait, error=str(error))
            self._note(hook.id, failed)
            self._count("paused" if failed.paused else "failed")
            log.warning("a webhook was not taken", extra={"webhook": hook.id, "kind": type(error).__name__})
            return False
        self._note(hook.id, replace(after, last_at=now))
        self._count("delivered")
        return True

    def _send(self, hook: Webhook, events: list[Json], now: int) -> None:
        allowed = networks(self._core)
        body = model.body_of(hook, events)
        secret = model.opened(self._core.keyring, hook, "secret")
        headers = model.headers_of(secret, body, now, model.delivery_id(secret, body))
        target = target_of(model.opened(self._core.keyring, hook, "url"), plain=bool(allowed))
        http.post(target, body, headers, allowed=allowed, resolve=self._resolve)

    def _progress(self, id: str) -> Progress | None:
        return model.progress_of(self._core.storage.admin).get(id)

    def _note(self, id: str, progress: Progress) -> None:
        admin = self._core.storage.admin
        with self._core.storage.ledger.writing():
            known = model.progress_of(admin)
            if id in known:  # else it was removed meanwhile
                model.keep_progress(admin, known | {id: progress})
