"""Withdrawals that the collector does not have yet, found by what visitors' browsers bring along.

A request whose choice cookie refuses while the ledger says given *is* an undelivered withdrawal (DESIGN 4): the browser
queued it and lost the queue, or its last page was closed before the collector answered. It is delivered from here.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque

from dongui.web.consent import Consent
from dongui.web.site_client import LedgerCalls
from dongui.worker import Worker

_MOST_WAITING = 256
_MOST_SEEN = 8192


class UndeliveredWithdrawals:
    """Asks the ledger about visitors whose cookie refuses something, beside the requests, and once for each choice."""

    def __init__(self, client: LedgerCalls) -> None:
        self._client = client
        self._worker = Worker(self._work, name="dongui-withdrawals", reborn=self._empty)
        self._empty()

    def _empty(self) -> None:
        # What was waiting before a fork is the parent's to deliver.
        self._changed = threading.Condition()
        self._waiting: deque[tuple[int, str, frozenset[str]]] = deque()
        self._seen: OrderedDict[int, None] = OrderedDict()  # keyed hashes: no trace of who was here

    def look(self, consent: Consent) -> None:
        """Remembers to ask about the visitor of a page, where there is anything to ask."""
        choice = consent.choice()
        if choice is None or len(choice.granted) >= len(consent.terms.asked):
            return
        for visitor in consent.ids().all:
            # Python's own keyed hash, of which nobody outside this process knows the key.
            mark = hash((visitor, choice.version, choice.at, choice.granted))
            if mark not in self._seen:
                self._ask_about(mark, visitor, consent.terms.asked - set(choice.granted))

    def stop(self) -> None:
        """Ends the background work."""
        self._worker.stopping.set()
        with self._changed:
            self._changed.notify_all()
        self._worker.stop(0.2)

    def _ask_about(self, mark: int, visitor: str, refused: frozenset[str]) -> None:
        with self._changed:
            if len(self._waiting) >= _MOST_WAITING:
                return  # the next page asks again
            self._seen[mark] = None
            if len(self._seen) > _MOST_SEEN:
                self._seen.popitem(last=False)
            self._waiting.append((mark, visitor, refused))
            self._changed.notify()
        self._worker.ensure()

    def _work(self) -> None:
        while not self._worker.stopping.is_set():
            with self._changed:
                if not self._waiting:
                    self._changed.wait(30)
                    continue
                mark, visitor, refused = self._waiting.popleft()
            try:
                settled = self._deliver(visitor, refused)
            except Exception:
                self._client.mishap("withdrawals")
                settled = False
            if not settled:
                self._seen.pop(mark, None)  # the visitor's next page asks again

    def _deliver(self, visitor: str, refused: frozenset[str]) -> bool:
        """Whether nothing is left to do for this visitor."""
        state = self._client.state_of(visitor, 5.0)
        if state is None:
            return False
        withdrawn = sorted(name for name in refused if state.get(name) == "given")
        if not withdrawn:
            return True
        answer = self._client.consent(visitor, refused=withdrawn, method="api")
        return bool(answer) or answer.pending
