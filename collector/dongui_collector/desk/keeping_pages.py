"""What is kept apart, what a hold holds now, selecting what has served its purpose. Reading an archive is audited."""

from __future__ import annotations

from flask import render_template
from werkzeug.exceptions import NotFound

from dongui_collector.desk.pages import DeskPages, MenuLine
from dongui_collector.desk.shell import change, form, open_core
from dongui_collector.retention.operations import ReadArchive, SelectDestruction
from dongui_collector.retention.records import RecordDetails
from dongui_collector.retention.serializers import archive_groups, hold_json

pages = DeskPages("keeping", __name__, url_prefix="/console")


# Whoever answers privacy requests reads the archive: the privacy officer.
@pages.get("/archive", nobody="classes, laws and numbers", menu=MenuLine("privacy", 7, "archive"))
def archive() -> str:
    return _archive(None)


@pages.post("/archive", right="requests", audit="archive.read")
def archive_read() -> str:
    """Shows the records on the answer itself; the reading stands in the access log by then."""
    return _archive(change(ReadArchive))


def _archive(found: list[RecordDetails] | None) -> str:
    core = open_core()
    lines = archive_groups(core)
    classes = {line.record_class: line for line in lines}
    sites = core.registry.sites()
    return render_template("archive.html", lines=lines, classes=classes, sites=sites, found=found)


@pages.get("/holds/<int:id>", nobody="numbers")
def hold(id: int) -> str:
    """One hold, and in numbers what it holds now. Counts rows: on a page of its own, for whom it matters."""
    core = open_core()
    found = next((h for h in core.storage.admin.holds(active=False) if h.id == id), None)
    if found is None:
        raise NotFound
    today = core.retention.today()
    now = core.retention.holds.holds_now(found, today) if found.stands(today) else None
    return render_template("hold.html", h=hold_json(found), now=now)


_BACK = ("console.destructions", "selected_note")
form(pages, "/destructions/select", "select", SelectDestruction, *_BACK, nobody="selects by class and day")
