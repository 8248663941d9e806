"""Disclosures in the console: the ledger of hand-overs, noting one, business transfers, demands by law (S4)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from dongui_collector.core.errors import Unknown
from dongui_collector.desk.shell import ask, done, guard, open_core
from dongui_collector.exports.export import FIELDS_OF
from dongui_collector.rights.disclosures import Handover, listed, load, shown
from dongui_collector.rights.investigations import demanded
from dongui_collector.rights.transfers import MEANS, handed_over, missing

pages = Blueprint("disclosures", __name__, url_prefix="/console/disclosures")

# The list and its entries name nobody. Everything else is the privacy officer's; no consumer and no analyst can do it.
_NEEDS = dict.fromkeys(("note", "plan", "record", "notice", "opt_out", "cancel", "hand_over"), "approve")
guard(pages, _NEEDS)

_PLANNED = ("recipient", "address", "contact", "fact", "opt_out", "until", "country", "site")
_DEMANDED = (
    "authority",
    "statute",
    "procedure",
    "document",
    "first",
    "last",
    "secret_until",
    "secret_law",
    "site",
)
_CARRIED_OUT: dict[str, tuple[str, Callable[..., Iterator[dict[str, Any]]]]] = {
    "transfer": ("transfers.begin", handed_over),
    "investigation": ("investigations.begin", demanded),
}


@pages.get("", endpoint="disclosures")
def disclosures_page() -> str:
    """Every hand-over, newest first, and the forms for new ones."""
    core = open_core()
    now = core.clock.now()
    policies = [core.registry.in_force(site.ref, now).policy for site in core.registry.sites()]
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


@pages.post("")
def note() -> WerkzeugResponse:
    """Note a hand-over that was made another way."""
    given = _given(("recipient", "what", "handed", "digest", "site"))
    whose = {
        "members": _lines("members"),
        "visitors": _lines("visitors"),
        "everyone": bool(request.form.get("everyone")),
    }
    rows = request.form.get("rows", type=int)
    ask("disclosures.note", **given, **whose, rows=rows, purposes=request.form.getlist("purpose"), by=current_user.name)
    return done("disclosures.disclosures", "saved")


@pages.get("/<int:id>")
def show(id: int) -> str:
    """One entry, and for a transfer what is missing before it may be carried out."""
    core = open_core()
    entry = load(core, id)
    waits = entry["way"] == "transfer" and entry["state"] == "planned"
    lacks = missing(entry, core.retention.today()) if waits else []
    return render_template("disclosure.html", e=shown(core, entry), lacks=lacks, means=MEANS)


@pages.post("/transfers")
def plan() -> WerkzeugResponse:
    made = ask("transfers.plan", **_given(_PLANNED), by=current_user.name)
    return done("disclosures.show", "saved", id=made["id"])


@pages.post("/demands")
def record() -> WerkzeugResponse:
    whom = {
        "members": _lines("members"),
        "visitors": _lines("visitors"),
        "everyone": bool(request.form.get("everyone")),
    }
    given = {"secret_law": "", **_given(_DEMANDED), **whom, "items": request.form.getlist("item")}
    given["secret_law"] = given["secret_law"] or ""
    made = ask("investigations.record", **given, by=current_user.name)
    return done("disclosures.show", "saved", id=made["id"])


@pages.post("/<int:id>/notice")
def notice(id: int) -> WerkzeugResponse:
    ask("transfers.notice", id=id, **_given(("means", "proof", "on")), by=current_user.name)
    return done("disclosures.show", "saved", id=id)


@pages.post("/<int:id>/opt-out")
def opt_out(id: int) -> WerkzeugResponse:
    ask("transfers.opt_out", id=id, members=_lines("members"), visitors=_lines("visitors"), by=current_user.name)
    return done("disclosures.show", "saved", id=id)


@pages.post("/<int:id>/cancel")
def cancel(id: int) -> WerkzeugResponse:
    ask("transfers.cancel", id=id, by=current_user.name)
    return done("disclosures.show", "saved", id=id)


@pages.post("/<int:id>/hand-over")
def hand_over(id: int) -> Response:
    """The file of a transfer whose time has come, or of a recorded demand, as a download."""
    core = open_core()
    entry = load(core, id)
    if entry["way"] not in _CARRIED_OUT:
        raise Unknown(f"disclosure {id} is neither a transfer nor a demand")
    begin, rows = _CARRIED_OUT[entry["way"]]
    ask(begin, id=id, by=current_user.name)

    def body() -> Iterator[bytes]:
        with Handover(core.control, id) as handing:
            yield from handing.hashed(_lines_of(handing.counted(rows(core, entry, handing.before))))

    headers = {"Content-Disposition": f'attachment; filename="disclosure-{id}.ndjson"'}
    return Response(body(), content_type="application/x-ndjson", headers=headers)


def _lines_of(rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _given(names: tuple[str, ...]) -> dict[str, Any]:
    """The fields that were filled in; a text that an operation needs is sent empty, so that it says what is missing."""
    filled = {name: request.form.get(name, "").strip() for name in names}
    optional = {"site", "on", "handed", "digest", "secret_until", "secret_law"}
    return {name: value or None if name in optional else value for name, value in filled.items()}


def _whose() -> dict[str, Any]:
    everyone = bool(request.form.get("everyone"))
    return {"members": _lines("members"), "visitors": _lines("visitors"), "everyone": everyone}


def _lines(name: str) -> list[str]:
    return [line.strip() for line in request.form.get(name, "").splitlines() if line.strip()]
