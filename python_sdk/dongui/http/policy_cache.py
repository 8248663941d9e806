"""Knowing the policy: from a file, or learned from the collector and kept fresh in the background."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dongui.errors import ConfigurationError
from dongui.http.checkup import SetupFinding, policy_trouble
from dongui.http.client import TROUBLE, HttpClient
from dongui.policy import Policy, compiled, load
from dongui.rules.compiled_policy import UNKNOWN, CompiledPolicy
from dongui.worker import Worker, jittered

log = logging.getLogger("dongui")

_LONGEST_POLICY = 1 << 22
_SOON = 5.0


class PolicyCache:
    """The terms in force, as last known: :attr:`terms` is read at each request and never waits.

    A policy given as a file, a ``Policy`` or a compiled mapping stays as it is; otherwise the collector is asked, again
    every ``refresh`` seconds, and at once when a visitor's choice names a version that is not known yet.
    """

    def __init__(
        self,
        site: str,
        collector: str,
        policy: Any = None,
        *,
        refresh: float = 60.0,
        on_policy: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        self._site = site
        self._http = HttpClient(collector, timeout=5.0)
        self._refresh = refresh
        self._on_policy = on_policy
        self._fixed = policy is not None
        self.terms = UNKNOWN if policy is None else _given(policy, site)
        #: Why no policy is known.
        self.trouble: object = SetupFinding(f"{collector} has not answered yet", "it is asked again")
        self._collector = collector
        self._etag = ""
        self._pause = 0.25
        self._asked = 0.0
        self._background = Worker(self._work, name="dongui-policy", reborn=self._reborn)
        self._reborn()

    def _reborn(self) -> None:
        self._http.forget()
        self._news = threading.Event()
        self._stir = threading.Event()

    @property
    def idle(self) -> bool:
        """Whether the background work that this needs is not running (before the start, after a fork)."""
        return not (self._fixed or self._background.running)

    def start(self, wait: float = 0.0) -> bool:
        """Begins to learn; waits ``wait`` seconds at most for a first answer. Whether a policy is known."""
        if self._fixed:
            return True
        self._background.ensure()
        if wait > 0 and not self.terms.known:
            self._news.wait(wait)
        return self.terms.known

    def ask_soon(self) -> None:
        """There may be a newer policy. Bounded: forged cookies cannot make us ask more than every few seconds."""
        if not self._fixed and time.monotonic() - self._asked > _SOON:
            self._stir.set()

    def stop(self) -> None:
        """Ends the background work."""
        self._background.stopping.set()
        self._stir.set()
        if self._background.stop(0.2):  # else the thread is under way on it, and closes it itself
            self._http.close()

    def _work(self) -> None:
        while not self._background.stopping.is_set():
            if self._learn():
                self._pause = 0.25
                pause = jittered(self._refresh, 0.9, 1.1)
            else:
                self._pause = min(self._pause * 2, self._refresh)
                pause = jittered(self._pause)
            self._news.set()
            self._stir.wait(pause)
            self._stir.clear()
        self._http.close()

    def _learn(self) -> bool:
        """Asks the collector once. Whatever it says that is no policy leaves the last one in force."""
        self._asked = time.monotonic()
        headers = {"Accept": "application/json", **({"If-None-Match": self._etag} if self._etag else {})}
        try:
            reply = self._http.exchange(
                "GET", f"/v1/policy?site={quote(self._site, safe='')}", headers, limit=_LONGEST_POLICY
            )
        except TROUBLE as trouble:
            self._http.close()
            log.debug("dongui: the policy could not be fetched: %s", type(trouble).__name__)
            self.trouble = policy_trouble(None, self._collector)
            return False
        if reply.status == 304 and self.terms.known:
            return True
        self.trouble = policy_trouble(reply, self._collector)
        try:
            policy = reply.json()
            terms = CompiledPolicy(policy)
        except ValueError:
            log.debug("dongui: the collector's answer (status %d) is no policy", reply.status)
            return False
        if reply.status != 200:
            return False
        self.terms, self._etag = terms, reply.headers.get("etag", "")
        if self._on_policy is not None:
            self._on_policy(policy)
        return True


def _given(policy: Any, site: str) -> CompiledPolicy:
    """The terms of a policy file, a loaded ``Policy`` or a compiled mapping. Raises ``PolicyError`` for a bad file."""
    if isinstance(policy, Mapping):
        try:
            return CompiledPolicy(policy)
        except ValueError:
            raise ConfigurationError("policy", "the mapping is not what dongui.policy.compiled returns") from None
    if isinstance(policy, str | os.PathLike):
        policy = load(Path(policy))
    if not isinstance(policy, Policy):
        raise ConfigurationError("policy", "give the path of a policy file, a Policy or a compiled policy")
    return CompiledPolicy(compiled(policy, site=site, accepts=[policy.notice.version]))
