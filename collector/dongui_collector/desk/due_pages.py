"""The officer's first page: what is due, gathered from everywhere. Names nobody."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from flask import current_app, render_template, request

from dongui_collector.access import audit_log
from dongui_collector.desk.due import Task, ordered
from dongui_collector.desk.pages import DeskPages, MenuLine
from dongui_collector.desk.paging import PAGE, paged
from dongui_collector.desk.shell import open_core
from dongui_collector.retention import reconfirmation
from dongui_collector.retention.deadlines import deadline
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import request_list
from dongui_collector.rights.disclosures import listed as disclosures
from dongui_collector.rights.transfers import missing
from dongui_collector.storage.contract.values import Json

log = logging.getLogger("dongui.desk")

pages = DeskPages("due", __name__, url_prefix="/console/due")

_HOLDS_AHEAD = timedelta(days=30)
_TOLD_AHEAD = timedelta(days=30)


@pages.get("", nobody="kinds, deadlines and numbers", menu=MenuLine("privacy", 1, "due"))
def due() -> str:
    core = open_core()
    counting: Reconfirmations = current_app.extensions["dongui-reconfirmations"]
    today = core.retention.today()
    tasks = ordered([*gather(core, today), *_reconfirmations(counting.lines())])
    return render_template(
        "due.html", tasks=paged(tasks, request.args.get("page", "")), today=today, counting=counting.running
    )


def gather(core: Installation, today: date) -> Iterator[Task]:
    """Everything but the reconfirmations, which take a walk over every consent."""
    yield from _listed(core, today)
    yield from _review(core, today)


def pressing(core: Installation, counting: Reconfirmations, today: date) -> int:
    """How many of the tasks are overdue or due today. For the menu of every page, so nothing long is read for it:
    reconfirmations are those counted already, and a month's log is looked at on the one day on which it is due."""
    tasks = [*_listed(core, today), *_reconfirmations(counting.known)]
    if (today + timedelta(days=1)).day == 1:
        tasks += _review(core, today)
    due = (task for task in tasks if task.by is not None and task.by <= today)
    return sum(task.number if task.kind == "requests" else 1 for task in due)


def _listed(core: Installation, today: date) -> Iterator[Task]:
    """What stands in short lists."""
    yield from _requests(core)
    yield from _destructions(core)
    yield from _holds(core, today)
    yield from _transfers(core, today)


def _requests(core: Installation) -> Iterator[Task]:
    """The most urgent ones each, the others by their days: no page reads a flood of them."""
    others = Counter(core.storage.admin.requests_due())
    for one in request_list.listed(core, limit=PAGE):
        others[one.due] -= 1
        said: dict[str, str | int] = {"id": one.id, "rkind": one.kind}
        yield Task("request", "requests.show", one.due, said=said, values={"id": one.id})
    for due, number in (+others).items():
        yield Task("requests", "requests.requests", due, number, said={"n": number})


def _destructions(core: Installation) -> Iterator[Task]:
    """Waiting approvals, one task a deadline (K3), and versions whose periods nobody signed (S5.3)."""
    waiting = core.storage.admin.destructions(("selected",))
    by = Counter(deadline(d.due) if d.due else None for d in waiting)
    for day, number in by.items():
        yield Task("destruction", "console.destructions", day, number, {"n": number})
    for one in core.retention.standing.unsigned():
        said = {"version": one.version, "site": one.site}
        yield Task("unsigned", "console.destructions", said=said)


def _holds(core: Installation, today: date) -> Iterator[Task]:
    """Holds that end soon: what they kept is destroyed the day after."""
    for hold in core.storage.admin.holds():
        if hold.until is not None and today <= hold.until <= today + _HOLDS_AHEAD:
            yield Task("hold", "keeping.hold", hold.until, said={"id": hold.id}, values={"id": hold.id})


def _transfers(core: Installation, today: date) -> Iterator[Task]:
    """Planned transfers: a notice that is missing is due before opting out ends; after it they may be carried out."""
    for entry in disclosures(core):
        if entry.state != "planned" or not entry.until:
            continue
        until = date.fromisoformat(entry.until)
        said: dict[str, str | int] = {"id": entry.id, "recipient": entry.recipient}
        if not entry.notices:
            yield Task("transfer_notice", "disclosures.show", until, said=said, values={"id": entry.id})
        elif not missing(entry, today):
            yield Task("transfer_ready", "disclosures.show", said=said, values={"id": entry.id})


def _review(core: Installation, today: date) -> Iterator[Task]:
    """Last month's access log, to be reviewed within this month (K12)."""
    first = today.replace(day=1)
    month = (first - timedelta(days=1)).isoformat()[:7]
    if month not in audit_log.reviews(core) and audit_log.month(core, month).entries:
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        yield Task("review", "audit.log", last, said={"month": month}, values={"month": month})


def _reconfirmations(lines: list[Json]) -> Iterator[Task]:
    """Who must be told of a consent within the next month (K16)."""
    for line in lines:
        said = {"n": line["people"], "purpose": line["purpose"]}
        yield Task("reconfirm", "consent.consent", date.fromisoformat(line["by"]), line["people"], said)


class Reconfirmations:
    """How many must be told of their consent, counted once a day beside the pages: it reads every visitor."""

    def __init__(self, core: Installation) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._of: date | None = None
        self._lines: list[Json] = []

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def known(self) -> list[Json]:
        """What was counted last; begins nothing."""
        return self._lines

    def lines(self, wait: float = 1.0) -> list[Json]:
        """What is known by now; begins counting on a new day, and waits for it a moment."""
        with self._lock:
            if self._of != (today := self._core.retention.today()) and not self.running:
                self._of = today
                self._thread = threading.Thread(target=self._count, args=(today,), name="reconfirm", daemon=True)
                self._thread.start()
            thread = self._thread
        if thread:
            thread.join(wait)
        return self._lines

    def _count(self, today: date) -> None:
        sites = self._core.registry.published()
        try:
            self._lines = [x for site in sites for x in reconfirmation.counts(self._core, site, today + _TOLD_AHEAD)]
        except Exception as error:
            self._of = None  # the next look begins again: nobody may take a failure for "nothing is due"
            log.error("who must be told of a consent could not be counted", extra={"kind": type(error).__name__})
