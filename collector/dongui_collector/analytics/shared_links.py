"""Links by which anybody who has one reads a site's figures: of fixed purposes and filters, until they expire.

Numbers of finished periods alone, rounded and cut (``public_numbers.py``), never a row about anybody. Of a link's
secret only a hash is kept. A link that was revoked or has expired is nothing any more: its entry goes.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec.structs import asdict

from dongui_collector.access.secrets import new_token, token_hash
from dongui_collector.access.tokens import expiry
from dongui_collector.analytics.filters import ReportError, parse_filter
from dongui_collector.analytics.public_numbers import PeriodKind
from dongui_collector.core.clock import start_of
from dongui_collector.core.errors import Unknown
from dongui_collector.core.operations import AttributedRequest, Field, operation
from dongui_collector.ledger.installation import LedgerInstallation
from dongui_collector.ledger.sites import find_site
from dongui_collector.storage.contract.values import Json

SETTING = "visits.shares"
LONGEST_DAYS = 366
MOST = 100
_FILTERS = 20
# What a link may be narrowed to. Not to what visitors write, or to what tells one of them apart: a property with an
# order's number, a search, a click's id, a city, one version of a browser on one size of a screen.
_PUBLIC = frozenset(
    {
        *("page", "entry_page", "exit_page", "hostname", "event", "channel", "source", "medium", "campaign"),
        *("country", "device", "browser", "os", "language"),
    }
)


class ShareFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a shared link shows, and until when (epoch ms)."""

    id: int
    name: str
    site: str
    purposes: tuple[str, ...]
    filters: tuple[str, ...]
    period: PeriodKind
    created_at: int
    expires_at: int


class SharedLink(ShareFacts, frozen=True, kw_only=True, omit_defaults=True):
    """A link as it is stored: of its secret the hash alone, in hexadecimal."""

    hash: str
    period: PeriodKind = "month"
    v: int = 1


class SharedLinkMade(ShareFacts, frozen=True, kw_only=True):
    """A link that was made, with its secret, this once."""

    token: str


class _Shares(msgspec.Struct, frozen=True):
    shares: tuple[SharedLink, ...] = ()


class CreateShare(AttributedRequest[SharedLinkMade], frozen=True):
    """Make a link by which anybody who has it reads a site's figures."""

    name: Annotated[str, Field("What it is called.")]
    purposes: Sequence[str] = ()
    filters: Sequence[str] = ()
    expires: Annotated[str, Field("A period (P90D), or the last day.")] = "P90D"
    period: Annotated[PeriodKind, Field("How long the finished periods are that it shows.")] = "month"
    site: str | None = None


@operation("shares.create", right="visits", audit="visits.share")
def create(core: LedgerInstallation, request: CreateShare) -> SharedLinkMade:
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
    check_public(request.filters)
    ends, token = _end(core, request.expires), new_token()
    with core.storage.ledger.writing():
        shares = live(core)
        if len(shares) >= MOST:
            raise ReportError(f"at most {MOST} shared links; revoke one first")
        made = SharedLinkMade(
            id=max((share.id for share in shares), default=0) + 1,
            name=request.name.strip(),
            site=found.id,
            purposes=tuple(dict.fromkeys(request.purposes)) or tuple(known),
            filters=tuple(request.filters),
            period=request.period,
            created_at=now,
            expires_at=ends,
            token=token,
        )
        _put(core, [*shares, msgspec.convert(asdict(made) | {"hash": token_hash(token).hex()}, SharedLink)])
        said = {"id": made.id, "purposes": made.purposes, "expires_at": ends}
        entry: Json = {"action": "visits.share", "by": request.by, "what": said}
        core.storage.ledger.append("audit", now, entry, site_ref=found.ref)
    return made


def check_public(filters: Sequence[str]) -> None:
    """Raises :class:`ReportError` for a filter that no shared link may have."""
    asked = {one.dimension for text in filters for one in parse_filter(text).alternatives}
    if refused := sorted(asked - _PUBLIC):
        raise ReportError(
            f"a shared link is not narrowed by {', '.join(refused)}, which may tell a person apart; it may be by "
            f"{', '.join(sorted(_PUBLIC))}"
        )


def _end(core: LedgerInstallation, expires: str) -> int:
    """The instant (epoch ms) at which a link made now ends."""
    zone, today = core.settings.zone, core.clock.today(core.settings.zone)
    ends = expiry(expires, today, zone)
    if ends is None or ends > start_of(today + timedelta(days=LONGEST_DAYS + 1), zone):
        raise ReportError("a shared link ends, after a year at the latest: expires is a period such as P90D, or a day")
    return ends


class RevokeShare(AttributedRequest[None], frozen=True):
    """End a link at once."""

    id: int


@operation("shares.revoke", right="visits", audit="visits.share.revoke")
def revoke(core: LedgerInstallation, request: RevokeShare) -> None:
    """End a link at once. Raises :class:`Unknown` where there is none of that number."""
    with core.storage.ledger.writing():
        share = next((share for share in live(core) if share.id == request.id), None)
        if share is None:
            raise Unknown("there is no shared link of that number")
        _forget(core, share, request.by)
        # So that no restored backup revives it. Numbers are given again, the hash of a secret is not.
        entry = {"kind": "share", "revoked": share.hash}
        core.storage.ledger.before_commit(lambda: core.ledger.journal.append(entry))


def revoked_since(core: LedgerInstallation, entry: Json) -> bool:
    """End again a link that a restored backup brought back; whether it did. ``entry`` is the journal's."""
    with core.storage.ledger.writing():
        share = next((share for share in live(core) if share.hash == entry["revoked"]), None)
        if share is not None:
            _forget(core, share, "restore")
    return share is not None


def _forget(core: LedgerInstallation, share: SharedLink, by: str) -> None:
    _put(core, [one for one in live(core) if one.id != share.id])
    entry: Json = {"action": "visits.share.revoke", "by": by, "what": {"id": share.id}}
    core.storage.ledger.append("audit", core.clock.now(), entry)


def live(core: LedgerInstallation) -> list[SharedLink]:
    """The links that have not expired."""
    found = msgspec.convert(core.storage.admin.setting(SETTING) or {}, _Shares)
    return [share for share in found.shares if core.clock.now() < share.expires_at]


def of_token(core: LedgerInstallation, token: str) -> SharedLink | None:
    """The live link whose secret this is; compared in constant time."""
    wanted = token_hash(token).hex()
    return next((share for share in live(core) if hmac.compare_digest(share.hash, wanted)), None)


def _put(core: LedgerInstallation, shares: Sequence[SharedLink]) -> None:
    core.storage.admin.put_setting(SETTING, msgspec.to_builtins(_Shares(tuple(shares))))
