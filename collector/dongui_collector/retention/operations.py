"""What the command line and the desk may ask the keeper to change. Each is one operation of the control socket."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from dongui_collector.access.audit_log import record_access
from dongui_collector.core.clock import day_of
from dongui_collector.core.errors import CollectorError, Unknown
from dongui_collector.core.operations import operation
from dongui_collector.evidence.sealing import Sealer, settled
from dongui_collector.keys.keyring import day_name
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention import reconfirmation
from dongui_collector.retention.installation import Installation
from dongui_collector.retention.serializers import archive_json, destruction_json

BACKED_UP = "backup.last"  # the setting that says when the last backup was begun


@operation("retention.run")
def run(core: Installation) -> dict[str, Any]:
    """Destroy what is due and approved, now."""
    return core.retention.run()


@operation("destruction.approve")
def approve(core: Installation, ids: list[int] | None = None, by: str = "command line") -> dict[str, Any]:
    """Approve selected destructions (all for None) and carry them out.

    In two-person mode nobody approves what they selected themselves. Raises what :meth:`Keeper.approve` raises.
    """
    core.retention.approvals.select()
    approved = core.retention.approvals.approve(ids, by)
    outcome = core.retention.run()
    again = (core.storage.office.destruction(d.id) for d in approved)
    return {"approved": [destruction_json(d) for d in again if d], "failed": outcome["failed"]}


@operation("destruction.select")
def select(
    core: Installation,
    record_class: str,
    reason: str,
    site: str | None = None,
    subject: str | None = None,
    before: str | None = None,
    by: str = "command line",
) -> dict[str, Any]:
    """Select live records whose purpose is achieved (S5.1), of one subject, up to a day, or all of a class.

    They wait for an approval; then what other law names moves into the archive and the rest is destroyed. Raises
    :class:`CollectorError` without a reason, :class:`Unknown` for a class without live records.
    """
    found = find_site(core, site)
    if not reason.strip():
        raise CollectorError("a selection needs a reason: why is its purpose achieved? say it with --reason")
    whom = core.retention.records.subject_key(found, subject) if subject else None
    chosen = core.retention.planner.achieved(
        found.ref,
        record_class,
        f"the purpose is achieved: {reason.strip()[:300]}",
        core.retention.today(),
        subject=whom,
        before=_day(before, "the last day"),
    )
    if not chosen:
        raise Unknown(f"there is no live record of the class {record_class!r} that this would select")
    selected = core.retention.approvals.select_achieved(chosen, by)
    return {
        "selected": [destruction_json(d, core.retention.today()) for d in selected],
        "records": sum(len(d.what["ids"]) for d in selected),
    }


@operation("approval.grant")
def grant(
    core: Installation, by: str = "command line", site: str | None = None, version: str | None = None
) -> dict[str, Any]:
    """Record a standing approval for routine ageing-out: for every published version, or for one more."""
    return core.retention.standing.grant(by, site_ref=find_site(core, site).ref if site else None, version=version)


@operation("approval.revoke")
def revoke(core: Installation, by: str = "command line") -> dict[str, Any]:
    """End the standing approval."""
    return core.retention.standing.revoke(by)


@operation("archive.read")
def read_archive(
    core: Installation,
    record_class: str,
    reading_for: str,
    reason: str,
    site: str | None = None,
    subject: str | None = None,
    by: str = "command line",
    address: str = "",
) -> list[dict[str, Any]]:
    """Read archived records for the obligation that they are kept for; in the access log before anything is shown.

    Raises :class:`NotAllowed` for what the class may not be read for (``read_for`` in the policy) or without a reason.
    """
    found = find_site(core, site)
    core.retention.records.archive_for(found, record_class, reading_for, reason)
    whom = core.retention.records.subject_key(found, subject) if subject else None
    what = {"class": record_class, "for": reading_for}
    record_access(
        core,
        action="archive.read",
        by=by,
        reason=reason,
        site_ref=found.ref,
        visitor=whom,
        address=address,
        what=what,
    )
    return core.retention.records.read_archive(found, record_class, subject=subject)


@operation("archive.list")
def list_archive(core: Installation, site: str | None = None) -> list[dict[str, Any]]:
    """What lies in the archive: how many records of which class, until when, under which law. Names nobody."""
    return archive_json(core, find_site(core, site) if site else None)


@operation("proof.seal")
def seal_days(core: Installation) -> dict[str, Any]:
    """Seal every finished day on the ledger as it is now: ``{"sealed": n, "refused": […]}``."""
    sealer = Sealer(core.storage, core.keyring, core.clock)
    return sealer.run(settled(core.clock, core.settings.zone), now=True)


@operation("policy.reconfirm")
def who_is_due(
    core: Installation,
    references: list[str],
    days: int = 30,
    site: str | None = None,
    by: str = "command line",
) -> list[dict[str, Any]]:
    """Of the site's own member references those who must be told of a consent within ``days`` (K16); audited."""
    found = find_site(core, site)
    what = {"references": len(references), "days": days}
    record_access(core, action="consents.reconfirm", by=by, reason="", site_ref=found.ref, what=what)
    return reconfirmation.of_members(core, found, references, core.retention.today() + timedelta(days=days))


@operation("policy.reconfirmed")
def were_told(
    core: Installation,
    until: str,
    purposes: list[str] | None = None,
    site: str | None = None,
    by: str = "command line",
) -> dict[str, Any]:
    """Note that everyone whose telling was due by a day was told today (K16). Raises :class:`Unknown`."""
    found = find_site(core, site)
    now = core.clock.now()
    notice = core.registry.in_force(found.ref, now)
    asked = reconfirmation.asking(notice)
    for purpose in purposes or ():
        if purpose not in asked:
            raise Unknown(f"the notice in force does not reconfirm {purpose!r}; it does {', '.join(asked) or 'none'}")
    day = _day(until, "the day")
    with core.storage.ledger.writing():
        for purpose in purposes or asked:
            body = {"purpose": purpose, "on": day_of(now, notice.zone).isoformat(), "until": str(day), "by": by}
            core.storage.ledger.append(reconfirmation.KIND, now, body, site_ref=found.ref)
    return {"site": found.id, "until": until, "purposes": list(purposes or asked)}


@operation("backup.prepare")
def prepare_backup(core: Installation, by: str = "command line") -> dict[str, Any]:
    """Before a backup: every day gets a key, whose destruction shreds the backup; journal and ledger know of it."""
    today = core.retention.today()
    made = sum(1 for day in core.storage.events.days() if _give_key(core, day))
    with core.storage.ledger.writing():
        core.storage.ledger.append("audit", core.clock.now(), {"action": "backup", "by": by})
        core.storage.office.put_setting(BACKED_UP, {"at": core.clock.now()})
    core.ledger.journal.append({"kind": "backup", "day": today.isoformat()})
    return {"days": len(core.storage.events.days()), "keys_made": made}


def _give_key(core: Installation, day: date) -> bool:
    if core.storage.keys.destroyed(day_name(day)) or core.keyring.day(day) is not None:
        return False
    return core.keyring.day(day, create=True) is not None


def _day(text: str | None, what: str) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise Unknown(f"{what} must be a day such as 2026-11-23") from None
