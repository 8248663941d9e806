"""Delivering webhooks from ``serve``: in threads of their own, each in order, and again until it is taken."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from dongui_collector.core.errors import CollectorError
from dongui_collector.storage.contract.values import Json
from dongui_collector.webhooks import http, model
from dongui_collector.webhooks.http import Network, Resolve, allowed_networks, resolved, target_of
from dongui_collector.webhooks.model import PROGRESS, SETTING, Progress

if TYPE_CHECKING:
    from dongui_collector.retention.installation import Installation

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
        hooks: Json = self._core.storage.office.setting(SETTING) or {}
        if not hooks:
            return 0
        with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="webhook") as pool:
            return sum(pool.map(self._one, hooks.values()))

    def _one(self, hook: Json) -> int:
        taken = 0
        try:
            while self._deliver(hook):
                taken += 1
        except Exception as error:  # one that is broken keeps no other from being told
            log.error("a webhook could not be tried", extra={"webhook": hook["id"], "kind": type(error).__name__})
        return taken

    def _deliver(self, hook: Json) -> bool:
        """Send the next batch; whether there may be more."""
        progress = self._progress(hook["id"])
        now = self._core.clock.now()
        if progress is None or progress.paused or now < progress.not_before:
            return False
        events, after = model.waiting(self._core, hook, progress)
        if not events:
            if (after.feed, after.request) != (progress.feed, progress.request):
                self._note(hook["id"], replace(progress, feed=after.feed, request=after.request))
            return False
        try:
            self._send(hook, events, now)
        except CollectorError as error:
            tries = progress.tries + 1
            wait = now + model.pause_ms(tries)
            failed = replace(progress, tries=tries, not_before=wait, error=str(error))
            self._note(hook["id"], failed)
            self._count("paused" if failed.paused else "failed")
            log.warning("a webhook was not taken", extra={"webhook": hook["id"], "kind": type(error).__name__})
            return False
        self._note(hook["id"], replace(after, last_at=now))
        self._count("delivered")
        return True

    def _send(self, hook: Json, events: list[Json], now: int) -> None:
        allowed = networks(self._core)
        body = model.body_of(hook, events)
        secret = model.opened(self._core.keyring, hook, "secret")
        headers = model.headers_of(secret, body, now, model.delivery_id(secret, body))
        target = target_of(model.opened(self._core.keyring, hook, "url"), plain=bool(allowed))
        http.post(target, body, headers, allowed=allowed, resolve=self._resolve)

    def _progress(self, id: str) -> Progress | None:
        found: Json | None = (self._core.storage.office.setting(PROGRESS) or {}).get(id)
        return None if found is None else Progress(**found)

    def _note(self, id: str, progress: Progress) -> None:
        office = self._core.storage.office
        with self._core.storage.ledger.writing():
            all_: Json = office.setting(PROGRESS) or {}
            if id in all_:  # else it was removed meanwhile
                office.put_setting(PROGRESS, all_ | {id: asdict(progress)})
