"""Delivery to the collector: a bounded queue in memory and one background thread; nothing here blocks or raises.

What cannot be delivered is tried again until it can, until the queue is full, or until the process ends; each loss is
counted by its reason. Nothing is written to disk: what a visitor withdraws must not survive in a spool.
"""

from __future__ import annotations

import atexit
import gzip
import json
import logging
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from dongui.http.batches import CONSENTS, EVENTS, RECORDS, Batch, Job, pack
from dongui.http.checkup import key_trouble
from dongui.http.client import TROUBLE, HttpClient
from dongui.result import Response
from dongui.rules.body import encode
from dongui.rules.decisions import classify_answer
from dongui.worker import Worker, at_exit_of_multiprocessing, jittered

log = logging.getLogger("dongui")

_COMPLAIN_EVERY = 60.0
_WORTH_GZIP = 4096  # bytes; less travels in a few packets anyway
_ZIPPED = (EVENTS, RECORDS)
_MOST_ATTEMPTS = 8  # of a request that makes the collector fail, rather than one that finds it away


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How patiently to deliver. Times in seconds."""

    queue: int = 10_000  # jobs that wait at most; beyond it new ones are lost, and counted
    linger: float = 0.2  # pause before sending, so that what belongs together travels together
    timeout: float = 10.0  # for one request
    first_pause: float = 0.5  # after a failure; doubles, with jitter, up to
    longest_pause: float = 30.0
    exit_deadline: float = 2.0  # for the rest of the queue when the process ends
    tell: float = 60.0  # between reports of what is only counted here


class DeliveryQueue:
    """Sends jobs of one site to its collector, with the site's secret key. For use from any thread, also after a fork.

    What it fails at tells nobody else anything: a collector whose disk is full takes withdrawals all the same.
    """

    def __init__(
        self,
        site: str,
        collector: str,
        secret_key: str,
        *,
        delivery: Delivery | None = None,
    ) -> None:
        self._site = site
        self._delivery = delivery or Delivery()
        self._http = HttpClient(collector, timeout=self._delivery.timeout)
        self._headers = {"Authorization": f"Bearer {secret_key}", "Content-Type": "application/json"}
        self.gzip = False
        self._background = Worker(self._work, name="dongui-transport", reborn=self._reborn)
        self._complained = -_COMPLAIN_EVERY
        self._key_refused = False
        self._closed = False
        self._tellers: list[Callable[[], object]] = []
        self._empty()
        atexit.register(self.close)

    def _empty(self) -> None:
        # Re-entrant: a destructor of the host's may call track() while this very thread holds the lock.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._queue: OrderedDict[Hashable, deque[Job]] = OrderedDict()
        self._queued = 0
        self._flying: Batch | None = None
        self._urgent = False
        self._pause = 0.0
        self._not_before = 0.0
        self._gathered_at = 0.0  # when what began to wait in an empty queue has waited for company
        self._tell_at = time.monotonic() + jittered(self._delivery.tell)
        self._counts: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._shortened: Counter[str] = Counter()

    def _reborn(self) -> None:
        # What was queued before the fork belongs to the parent: sending it here as well would be sending it twice.
        self._empty()
        self._http.forget()

    def send(self, job: Job) -> bool:
        """Queues a job; False (and a counted loss) when it cannot be."""
        with self._lock:
            # Events fill one half at most: a withdrawal must find room also when the collector has been away for long.
            if self._queued >= self._delivery.queue * (1 if job.is_event else 2) or self._closed:
                self._lose("closed" if self._closed else "queue_full", 1)
                return False
            waiting = self._queue.get(job.key)
            if waiting is None:
                waiting = self._queue[job.key] = deque()
            waiting.append(job)
            self._queued += 1
            if self._queued == 1:
                self._gathered_at = time.monotonic() + self._delivery.linger
                self._changed.notify_all()
        self.wake()
        return True

    def wake(self) -> None:
        """Starts the thread where it does not run: before the first job, and after a fork."""
        if not self._background.running:
            self._background.ensure()

    def also_tell(self, tell: Callable[[], object]) -> None:
        """Has ``tell`` called every now and then in the background, and before the end: it may queue something."""
        self._tellers.append(tell)

    def purge(self, visitor: str) -> int:
        """Forgets every waiting event of a visitor, and does not repeat the ones under way. Returns how many."""
        with self._lock:
            waiting = self._queue.get(visitor)
            if waiting is None:
                kept: list[Job] = []
                count = 0
            else:
                kept = [job for job in waiting if not job.is_event]
                count = len(waiting) - len(kept)
                self._queued -= count
                if kept:
                    self._queue[visitor] = deque(kept)
                else:
                    del self._queue[visitor]
            if self._flying is not None and self._flying.key == visitor:
                self._flying.purged = True
            self._counts["purged"] += count
            return count

    def holds(self, key: Hashable, path: str) -> bool:
        """Whether a request to ``path`` waits under this key, or is on its way."""
        with self._lock:
            flying = self._flying is not None and (self._flying.key, self._flying.path) == (key, path)
            return flying or any(job.path == path for job in self._queue.get(key, ()))

    def flush(self, timeout: float) -> bool:
        """Waits until everything is delivered, ``timeout`` seconds at most; True when it is. Not for requests."""
        end = time.monotonic() + timeout
        with self._changed:
            while self._queued or self._flying is not None:
                self._urgent = True
                self._changed.notify_all()
                left = end - time.monotonic()
                if left <= 0 or not self._background.ensure():
                    return False
                self._changed.wait(min(left, 0.5))
            return True

    def deliver(self) -> None:
        """Before an end that may skip the exit: delivers what it can within the deadline, and goes on afterwards."""
        self._tell()
        self._deliver_the_rest()

    def _deliver_the_rest(self) -> None:
        # A collector that is known to be down gets no further chance: the host's exit must not wait for it.
        if (self._queued or self._flying is not None) and not self._pause:
            if self._background.ensure():
                self.flush(self._delivery.exit_deadline)
            else:
                self._deliver_here(time.monotonic() + self._delivery.exit_deadline)

    def _deliver_here(self, end: float) -> None:
        """In the thread that ends the process, where the interpreter lets no other one begin any more (3.12)."""
        self._urgent = True
        while self._queued and not self._pause and (left := end - time.monotonic()) > 0:
            self._http.timeout = left
            parcel = self._next()
            if parcel is not None:
                self._deliver(parcel)

    def close(self) -> None:
        """At the process's exit: delivers what it can within the deadline; the rest is counted as lost."""
        atexit.unregister(self.close)
        if not self._closed:
            self._tell()
        self._closed = True
        self._deliver_the_rest()
        self._background.stopping.set()
        with self._changed:
            self._changed.notify_all()
        ended = self._background.stop(0.2)
        with self._lock:
            self._lose("exit", self._queued + (len(self._flying.jobs) if self._flying is not None else 0))
            self._queue.clear()
            self._queued = 0
        if ended:  # else the thread is under way on it, and closes it itself
            self._http.close()

    def stats(self) -> dict[str, Any]:
        """Counts since this process began: ``queued``, ``sent``, ``recorded``, ``purged``, ``failures`` (attempts);
        by reason ``refused`` (by the collector's gate) and ``lost``.
        """
        with self._lock:
            counts = {name: self._counts[name] for name in ("sent", "recorded", "purged", "failures")}
            waiting = self._queued + (len(self._flying.jobs) if self._flying is not None else 0)
            reasons = {"refused": self._refused, "lost": self._lost, "shortened": self._shortened}
            return {"queued": waiting, **counts, **{name: dict(counter) for name, counter in reasons.items()}}

    def lose(self, reason: str) -> None:
        """Counts something that could not even be queued."""
        with self._lock:
            self._lose(reason, 1)

    def shorten(self, reason: str) -> None:
        """Counts an event of which something was left out, because the collector would have refused it."""
        with self._lock:
            self._shortened[reason] += 1
            self._complain("shortened", self._shortened, reason)

    def _lose(self, reason: str, count: int) -> None:
        if not count:
            return
        self._lost[reason] += count
        self._complain("lost", self._lost, reason)

    def _complain(self, what: str, counts: Counter[str], reason: str) -> None:
        now = time.monotonic()
        if now - self._complained >= _COMPLAIN_EVERY:
            self._complained = now
            log.warning("dongui %s %d records (%s); client.stats() counts them", what, sum(counts.values()), reason)

    # Below: the background thread.

    def _work(self) -> None:
        at_exit_of_multiprocessing(self.close)
        stopping = self._background.stopping
        try:
            self._until(stopping)
        finally:
            self._http.close()

    def _until(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            if time.monotonic() >= self._tell_at:
                self._tell()
            parcel = self._next()
            if parcel is None:
                continue
            try:
                self._deliver(parcel)
            except Exception:
                log.exception("dongui could not deliver; the records are lost")
                self._done(parcel, lost="internal")

    def _tell(self) -> None:
        self._tell_at = time.monotonic() + jittered(self._delivery.tell)
        for tell in self._tellers:
            try:
                tell()
            except Exception:
                log.exception("dongui could not tell what it counted")

    def _next(self) -> Batch | None:
        """The next parcel, after waiting for one; None when there is a reason to look again."""
        with self._changed:
            if not self._queued:
                self._changed.wait(max(0.0, min(30.0, self._tell_at - time.monotonic())))
                return None
            begins = self._not_before if self._urgent else max(self._not_before, self._gathered_at)
            wait = begins - time.monotonic()
            if wait > 0:
                self._changed.wait(wait)
                return None
            key, jobs = self._queue.popitem(last=False)
            parcel = pack(key, jobs)
            if jobs:
                self._queue[key] = jobs
                self._queue.move_to_end(key, last=False)
            self._queued -= len(parcel.jobs)
            self._flying = parcel
            return parcel

    def _deliver(self, parcel: Batch) -> None:
        job = parcel.jobs[0]
        body, headers = self._request(parcel)
        try:
            reply = self._http.exchange(job.method, parcel.path, headers, body, limit=1 << 20)
        except TROUBLE as trouble:
            self._http.close()
            log.debug("dongui: no answer from the collector: %s", type(trouble).__name__)
            reply = Response(0)
        answer = _understood(parcel, reply)
        if answer is None or reply.status in (408, 425, 429) or reply.status >= 500:
            self._again(parcel, reply)
        elif reply.status < 300:
            self._done(parcel, answer=answer)
        elif reply.status == 415 and "Content-Encoding" in headers:
            # It was taken a while ago: another collector, or a proxy on the way. As it is, it will go.
            self.gzip = False
            with self._changed:
                self._put_back(parcel, poisonous=False)
        elif reply.status in (400, 413) and len(parcel.jobs) > 1:
            # One bad event spoils a whole batch: send them one by one, and lose only that one.
            self._one_by_one(parcel)
        elif reply.status == 409 and "notice" in answer and not job.attempts:
            # A withdrawal that had to wait, and the notice changed meanwhile: it counts under the new one.
            job.attempts = 1
            job.data = encode({**json.loads(job.encoded()), "notice": answer["notice"]})
            self._again(parcel, reply)
        else:
            log.debug("dongui: the collector refused %s with %d %s", parcel.path, reply.status, answer.get("type", ""))
            if (refused := key_trouble(reply)) is not None and job.bearer is None and not self._key_refused:
                self._key_refused = True
                log.error("dongui: %s; until then nothing is recorded", refused)
            self._done(parcel, lost=f"rejected_{reply.status}")

    def _request(self, parcel: Batch) -> tuple[bytes, dict[str, str]]:
        """(body, headers); compressed where the collector said that it takes that, and where it is worth it."""
        body, headers = parcel.body(self._site, time.monotonic()), self._headers
        bearer = parcel.jobs[0].bearer
        if bearer is not None:
            headers = {**headers, "Authorization": f"Bearer {bearer}"}
        if self.gzip and parcel.path in _ZIPPED and len(body) >= _WORTH_GZIP:
            return gzip.compress(body, 1, mtime=0), {**headers, "Content-Encoding": "gzip"}
        return body, headers

    def _done(self, parcel: Batch, *, answer: dict[str, Any] | None = None, lost: str = "") -> None:
        with self._changed:
            self._flying = None
            if lost:
                self._lose(lost, len(parcel.jobs))
            else:
                self._pause = self._not_before = 0.0
                self._counts["sent"] += len(parcel.jobs)
                self._count(answer or {}, parcel)
            if not self._queued:
                self._urgent = False
            self._changed.notify_all()

    def _count(self, answer: dict[str, Any], parcel: Batch) -> None:
        recorded, refused = answer.get("recorded"), answer.get("refused")
        if parcel.is_events and isinstance(recorded, int):
            self._counts["recorded"] += recorded
        if parcel.is_events and isinstance(refused, dict):
            for reason, count in refused.items():
                if isinstance(count, int):
                    self._refused[str(reason)[:40]] += count

    def _one_by_one(self, parcel: Batch) -> None:
        for job in parcel.jobs:
            job.alone = True
        with self._changed:
            self._put_back(parcel, poisonous=False)

    def _again(self, parcel: Batch, reply: Response) -> None:
        settings = self._delivery
        with self._changed:
            self._counts["failures"] += 1
            self._pause = min(max(settings.first_pause, self._pause * 2), settings.longest_pause)
            pause = jittered(self._pause)
            asked = reply.retry_after()
            if asked is not None:
                pause = max(pause, min(asked, 10 * settings.longest_pause))
            self._not_before = time.monotonic() + pause
            # Only the collector's own "internal error" is put down to what was sent, not that of a balancer before it.
            self._put_back(parcel, poisonous=reply.status == 500 and _understood(parcel, reply) is not None)

    def _put_back(self, parcel: Batch, *, poisonous: bool) -> None:
        """Queues a parcel's jobs again, behind other visitors', so that one that always fails holds up no others."""
        self._flying = None
        jobs = [job for job in parcel.jobs if not (parcel.purged and job.is_event)]
        self._counts["purged"] += len(parcel.jobs) - len(jobs)
        for job in jobs:
            job.attempts += poisonous
        kept = [job for job in jobs if job.attempts < _MOST_ATTEMPTS]
        self._lose("rejected_500", len(jobs) - len(kept))
        if kept:
            waiting = self._queue.setdefault(parcel.key, deque())
            waiting.extendleft(reversed(kept))
            self._queued += len(kept)
        self._changed.notify_all()


def _understood(parcel: Batch, reply: Response) -> dict[str, Any] | None:
    """The collector's answer to a parcel, as :func:`understood` has it."""
    return understood(parcel.path, parcel.jobs[0].encoded() if parcel.path == CONSENTS else b"", reply)


def understood(path: str, request: bytes, reply: Response) -> dict[str, Any] | None:
    """The collector's answer; None when it was not the collector that answered (but a balancer, a captive portal)."""
    answer = reply.json()
    if path == CONSENTS and reply.status < 400:
        id_ = str(json.loads(request).get("id"))
        kind = reply.headers.get("content-type", "")
        return answer if classify_answer(reply.status, kind, reply.body, id_) == "recorded" else None
    if 200 <= reply.status < 300:
        if path == EVENTS:
            return answer if isinstance(answer.get("recorded"), int) else None
        return answer if answer or reply.status == 204 else None
    return answer if reply.headers.get("content-type", "").startswith("application/problem+json") else None
