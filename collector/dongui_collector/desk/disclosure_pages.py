"""Disclosures in the console: the ledger of hand-overs, noting one, business transfers, demands by law (S4)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from flask import Response, render_template

from dongui_collector.core.errors import Unknown
from dongui_collector.core.operations import Request
from dongui_collector.desk.pages import DeskPages, MenuLine
from dongui_collector.desk.shell import change, form, open_core
from dongui_collector.exports.export import FIELDS_OF
from dongui_collector.rights.disclosures import DisclosureBegun, Handover, listed, load, public_view
from dongui_collector.rights.investigations import BeginInvestigation, RecordDemand, demanded
from dongui_collector.rights.manual_disclosures import NoteDisclosure
from dongui_collector.rights.transfers import (
    MEANS,
    BeginTransfer,
    CancelTransfer,
    LogNotice,
    OptOut,
    PlanTransfer,
    handed_over,
    missing,
)

pages = DeskPages("disclosures", __name__, url_prefix="/console/disclosures")

# The list and its entries name nobody. Everything else is the privacy officer's; no consumer and no analyst can do it.
_CARRIED_OUT: dict[str, tuple[type[Request[DisclosureBegun]], Callable[..., Iterator[dict[str, Any]]]]] = {
    "transfer": (BeginTransfer, handed_over),
    "investigation": (BeginInvestigation, demanded),
}


@pages.get(
    "",
    endpoint="disclosures",
    nobody="to whom, for what and how many; never whose",
    menu=MenuLine("privacy", 8, "disclosures"),
)
def disclosures_page() -> str:
    """Every hand-over, newest first, and the forms for new ones."""
    core = open_core()
    now = core.clock.now()
    policies = [core.registry.in_force(site.ref, now).policy for site in core.registry.published()]
    parties = dict.fromkeys(p.name for policy in policies for p in (*policy.processors, *policy.recipients))
    purposes = {id: p.label for policy in policies for id, p in policy.purposes.items()}
    labels = {id: item.label for policy in policies for id, item in policy.items.items()}
    return render_template(
        "disclosures.html",
        entries=listed(core),
        sites=core.registry.sites(),
        parties=list(parties),
        purposes=purposes,
        items={id: labels.get(id, id) for id in FIELDS_OF},
    )


@pages.get("/<int:id>", nobody="the same of one hand-over")
def show(id: int) -> str:
    """One entry, and for a transfer what is missing before it may be carried out."""
    core = open_core()
    entry = load(core, id)
    lacks = missing(entry, core.retention.today())
    return render_template("disclosure.html", e=public_view(core, entry), lacks=lacks, means=MEANS)


_ONE = "disclosures.show"
form(pages, "", "note", NoteDisclosure, "disclosures.disclosures", nobody="takes whose it was, shows none")
form(pages, "/transfers", "plan", PlanTransfer, _ONE, nobody="plans a transfer")
form(pages, "/demands", "record", RecordDemand, _ONE, nobody="records a demand")
form(pages, "/<int:id>/notice", "notice", LogNotice, _ONE, nobody="records a notice")
form(pages, "/<int:id>/opt-out", "opt_out", OptOut, _ONE, nobody="takes who objects, shows a number")
form(pages, "/<int:id>/cancel", "cancel", CancelTransfer, _ONE, nobody="by number")


@pages.post(
    "/<int:id>/hand-over",
    right="approve",
    discloses="a transfer whose time has come, or a demand by law (S4.2a, S4.2c)",
)
def hand_over(id: int) -> Response:
    """The file of a transfer whose time has come, or of a recorded demand, as a download."""
    core = open_core()
    entry = load(core, id)
    if entry.way not in _CARRIED_OUT:
        raise Unknown(f"disclosure {id} is neither a transfer nor a demand")
    begin, rows = _CARRIED_OUT[entry.way]
    change(begin, id=id)

    def body() -> Iterator[bytes]:
        with Handover(core.control, id) as handing:
            yield from handing.hashed(_lines_of(handing.counted(rows(core, entry, handing.before))))

    headers = {"Content-Disposition": f'attachment; filename="disclosure-{id}.ndjson"'}
    return Response(body(), content_type="application/x-ndjson", headers=headers)


def _lines_of(rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
