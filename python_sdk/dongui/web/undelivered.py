"""Withdrawals that the collector does not have yet, found by what visitors' browsers bring along.

A request whose choice cookie refuses while the ledger says given *is* an undelivered withdrawal (DESIGN 4): the browser
queued it and lost the queue, or its last page was closed before the collector answered. It is delivered from here.

But for consents that are younger than the cookie's choice: that request has set out before the browser had the answer
to its grant. A cookie tells the second of its choice alone, and a withdrawal leaves it the second of the grant. So
what was given in that very second is withdrawn once it is a minute old: the answer has arrived by then, and the cookie
of who still grants it is another.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from math import inf
from typing import NamedTuple

from dongui.web.consent import Consent
from dongui.web.site_client import LedgerCalls
from dongui.worker import Worker

_MOST_WAITING = 256
_MOST_SEEN = 8192
_MINUTE = 60  # seconds; far longer than a request or its answer takes


class CookieRefusal(NamedTuple):
    """What a choice cookie refuses and the ledger may have as given.

    ``mark`` knows the choice again; the consents that were given before ``given_before`` (epoch ms) end.
    """

    mark: int
    visitor: str
    refused: list[str]
    given_before: int


class UndeliveredWithdrawals:
    """Tells the ledger, beside the requests, what visitors' cookies refuse: once for each choice, again in doubt."""

    def __init__(self, client: LedgerCalls, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._monotonic = monotonic
        self._worker = Worker(self._work, name="dongui-withdrawals", reborn=self._empty)
        self._empty()

    def _empty(self) -> None:
        # What was waiting before a fork is the parent's to deliver.
        self._changed = threading.Condition()
        self._waiting: deque[CookieRefusal] = deque()
        # When a choice is due again, by a keyed hash of it: no trace of who was here.
        self._due: OrderedDict[int, float] = OrderedDict()

    def look(self, consent: Consent) -> None:
        """Remembers to tell of the visitor of a page, where there is anything to tell."""
        choice = consent.choice()
        if choice is None or len(choice.granted) >= len(consent.terms.asked):
            return
        for visitor in consent.ids().all:
            # Python's own keyed hash, of which nobody outside this process knows the key.
            mark = hash((visitor, choice.version, choice.at, choice.granted))
            if self._due.get(mark, 0.0) <= self._monotonic():
                refused = sorted(consent.terms.asked - set(choice.granted))
                self._tell(CookieRefusal(mark, visitor, refused, given_before(choice.at, consent.seconds())))

    def stop(self) -> None:
        """Ends the background work."""
        self._worker.stopping.set()
        with self._changed:
            self._changed.notify_all()
        self._worker.stop(0.2)

    def _tell(self, refusal: CookieRefusal) -> None:
        with self._changed:
            if len(self._waiting) >= _MOST_WAITING:
                return  # the next page asks again
            self._due[refusal.mark] = inf
            if len(self._due) > _MOST_SEEN:
                self._due.popitem(last=False)
            self._waiting.append(refusal)
            self._changed.notify()
        self._worker.ensure()

    def _work(self) -> None:
        while not self._worker.stopping.is_set():
            with self._changed:
                if not self._waiting:
                    self._changed.wait(30)
            self.deliver_one()

    def deliver_one(self) -> None:
        """Tells the ledger of the choice that has waited longest, if one does."""
        with self._changed:
            if not self._waiting:
                return
            refusal = self._waiting.popleft()
        try:
            state = self._client.withdraw_earlier(refusal.visitor, refusal.refused, refusal.given_before)
        except Exception:
            self._client.mishap("withdrawals")
            state = None
        if state is None:
            self._due.pop(refusal.mark, None)  # the visitor's next page asks again
        elif any(state.get(name) == "given" for name in refusal.refused):
            self._due[refusal.mark] = self._monotonic() + _MINUTE


def given_before(at: int, now: int) -> int:
    """Before which instant (epoch ms) what a choice refuses must have been given, for the refusal to be the later word.
    ``at`` is the choice's time by the ledger's clock, ``now`` this server's; both in epoch seconds.
    """
    return (at + (now - at > _MINUTE)) * 1000
