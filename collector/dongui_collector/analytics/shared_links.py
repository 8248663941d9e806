"""Links by which anybody who has one reads a site's figures: of fixed purposes and filters, until they expire.

Numbers of finished periods alone, rounded and cut (``public_numbers.py``), never a row about anybody. Of a link's
secret only a hash is kept. A link that was revoked or has expired is nothing any more: its entry goes.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from dongui_collector.access.secrets import new_token, token_hash
from dongui_collector.access.tokens import expiry
from dongui_collector.analytics.filters import ReportError, parse_filter
from dongui_collector.analytics.public_numbers import KINDS
from dongui_collector.core.clock import start_of
from dongui_collector.core.errors import Unknown
from dongui_collector.core.operations import COMMAND_LINE, Field, Request, operation
from dongui_collector.ledger.installation import LedgerInstallation
from dongui_collector.ledger.sites import find_site
from dongui_collector.storage.contract.values import Json

SETTING = "visits.shares"
LONGEST_DAYS = 366
MOST = 100
_FILTERS = 20


class CreateShare(Request[Json], frozen=True):
    """Make a link by which anybody who has it reads a site's figures."""

    name: Annotated[str, Field("What it is called.")]
    purposes: Sequence[str] = ()
    filters: Sequence[str] = ()
    expires: Annotated[str, Field("A period (P90D), or the last day.")] = "P90D"
    period: Annotated[str, Field("How long the finished periods are that it shows.")] = "month"
    site: str | None = None
    by: str = COMMAND_LINE


@operation("shares.create", right="visits", audit="visits.share")
def create(core: LedgerInstallation, request: CreateShare) -> Json:
    """Make a link. Its ``token`` is in the answer, this once.

    ``purposes`` empty: those that the notice in force asks consent for. ``period``: whether it is of finished weeks or
    of finished months; of both it would let one be subtracted from the other. Raises :class:`ReportError` for a name
    or an end that cannot be (at most a year), :class:`Unknown` for a purpose that is not asked for.
    """
    found, now = find_site(core, request.site), core.clock.now()
    known = core.registry.in_force(found.ref, now).policy.consent_purposes
    if lacking := [purpose for purpose in request.purposes if purpose not in known]:
        raise Unknown(f"the notice in force asks no consent for {lacking[0][:40]!r}; it does for {', '.join(known)}")
    if not 1 <= len(request.name.strip()) <= 80 or len(request.filters) > _FILTERS:
        raise ReportError(f"name has 1 to 80 characters, and there are at most {_FILTERS} filters")
    if request.period not in KINDS:
        raise ReportError(f"period is one of {', '.join(KINDS)}")
    list(map(parse_filter, request.filters))
    ends, token = _end(core, request.expires), new_token()
    with core.storage.ledger.writing():
        shares = live(core)
        if len(shares) >= MOST:
            raise ReportError(f"at most {MOST} shared links; revoke one first")
        one: Json = {
            "id": max((share["id"] for share in shares), default=0) + 1,
            "hash": token_hash(token).hex(),
            "name": request.name.strip(),
            "site": found.id,
            "purposes": list(dict.fromkeys(request.purposes)) or list(known),
            "filters": list(request.filters),
            "period": request.period,
            "created_at": now,
            "expires_at": ends,
        }
        _put(core, [*shares, one])
        said = {field: one[field] for field in ("id", "purposes", "expires_at")}
        entry: Json = {"action": "visits.share", "by": request.by, "what": said}
        core.storage.ledger.append("audit", now, entry, site_ref=found.ref)
    return {key: value for key, value in one.items() if key != "hash"} | {"token": token}


def _end(core: LedgerInstallation, expires: str) -> int:
    """The instant (epoch ms) at which a link made now ends."""
    zone, today = core.settings.zone, core.clock.today(core.settings.zone)
    ends = expiry(expires, today, zone)
    if ends is None or ends > start_of(today + timedelta(days=LONGEST_DAYS + 1), zone):
        raise ReportError("a shared link ends, after a year at the latest: expires is a period such as P90D, or a day")
    return ends


class RevokeShare(Request[None], frozen=True):
    """End a link at once."""

    id: int
    by: str = COMMAND_LINE


@operation("shares.revoke", right="visits", audit="visits.share.revoke")
def revoke(core: LedgerInstallation, request: RevokeShare) -> None:
    """End a link at once. Raises :class:`Unknown` where there is none of that number."""
    with core.storage.ledger.writing():
        share = next((share for share in live(core) if share["id"] == request.id), None)
        if share is None:
            raise Unknown("there is no shared link of that number")
        _forget(core, share, request.by)
        # So that no restored backup revives it. Numbers are given again, the hash of a secret is not.
        core.ledger.journal.append({"kind": "share", "revoked": share["hash"]})


def revoked_since(core: LedgerInstallation, entry: Json) -> bool:
    """End again a link that a restored backup brought back; whether it did. ``entry`` is the journal's."""
    with core.storage.ledger.writing():
        share = next((share for share in live(core) if share["hash"] == entry["revoked"]), None)
        if share is not None:
            _forget(core, share, "restore")
    return share is not None


def _forget(core: LedgerInstallation, share: Json, by: str) -> None:
    _put(core, [one for one in live(core) if one["id"] != share["id"]])
    entry: Json = {"action": "visits.share.revoke", "by": by, "what": {"id": share["id"]}}
    core.storage.ledger.append("audit", core.clock.now(), entry)


def live(core: LedgerInstallation) -> list[Json]:
    """The links that have not expired."""
    found = core.storage.admin.setting(SETTING) or {}
    return [share for share in found.get("shares", ()) if core.clock.now() < share["expires_at"]]


def of_token(core: LedgerInstallation, token: str) -> Json | None:
    """The live link whose secret this is; compared in constant time."""
    wanted = token_hash(token).hex()
    return next((share for share in live(core) if hmac.compare_digest(share["hash"], wanted)), None)


def _put(core: LedgerInstallation, shares: list[Json]) -> None:
    core.storage.admin.put_setting(SETTING, {"shares": shares})
