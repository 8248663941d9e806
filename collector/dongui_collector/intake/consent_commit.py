"""Group commit of choices, and the destruction that a withdrawal demands before it is answered."""

from __future__ import annotations

import asyncio

from dongui_collector.core.errors import StorageFull
from dongui_collector.intake.withdrawals import WithdrawalQueue
from dongui_collector.ledger.notices import LoadedNotice
from dongui_collector.ledger.service import Decision, DecisionOutcome
from dongui_collector.retention.installation import Installation

ENDED_WITHIN_S = 5.0
Waiting = tuple[LoadedNotice, str | None, Decision, "asyncio.Future[DecisionOutcome]"]


class ChoiceCommit:
    """Records the choices of one turn of the loop in one ledger transaction."""

    def __init__(self, core: Installation, endings: WithdrawalQueue) -> None:
        self._core = core
        self._endings = endings
        self._waiting: list[Waiting] = []

    async def add(
        self, notice: LoadedNotice, visitor_id: str | None, choice: Decision, *, source: str = ""
    ) -> DecisionOutcome:
        """Record a decision; the answer is given once it is durable and, where it only takes away, what it ended is
        destroyed. A grant waits for no destruction: that goes on behind it, and masks every read meanwhile.
        Endings of one address (``source``) and those of others take turns.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[DecisionOutcome] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append((notice, visitor_id, choice, future))
        outcome = await future
        if outcome.intent:
            within = 0.0 if choice.granted else ENDED_WITHIN_S
            await self._endings.carry_out(outcome.intent, within=within, source=source)
        return outcome

    def _flush(self) -> None:
        batch, self._waiting = self._waiting, []
        try:
            self._commit(batch)
        except Exception as error:
            self._rescue(batch, error)

    def _commit(self, batch: list[Waiting]) -> None:
        with self._core.storage.ledger.writing():
            outcomes = [self._core.ledger.choose(notice, visitor, choice) for notice, visitor, choice, _ in batch]
        for (*_, future), outcome in zip(batch, outcomes, strict=True):
            if not future.done():
                future.set_result(outcome)

    def _rescue(self, batch: list[Waiting], error: Exception) -> None:
        """On a full disk choices that only refuse still go through, on the space put by.

        Nothing else is acknowledged.
        """
        full = isinstance(error, StorageFull)
        refusals = [entry for entry in batch if not entry[2].granted] if full else []
        if refusals:
            self._endings.reserve.spend()
            try:
                self._commit(refusals)
            except Exception as again:
                error = again
        for *_, future in batch:
            if not future.done():
                future.set_exception(error)
