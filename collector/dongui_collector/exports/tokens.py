"""Tokens: who may read what from outside. Used by the command line and the desk alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from dongui_collector.access.roles import ROLES
from dongui_collector.access.secrets import new_token, new_token_id, token_hash
from dongui_collector.access.tokens import DEFAULT_LIFE, expiry
from dongui_collector.core.errors import CollectorError, Unknown
from dongui_collector.core.operations import AttributedRequest, Field, Request, SiteName, operation
from dongui_collector.exports.export import entitle
from dongui_collector.ledger.installation import LedgerInstallation
from dongui_collector.ledger.sites import find_site
from dongui_collector.storage.contract.access import Token

_PRECISE = "With --recipient: exact times and whole addresses, not coarse ones."
_RECIPIENT = "Whom its exports are handed to; the notice must name them for these purposes."


class TokenSummary(msgspec.Struct, frozen=True):
    """A token for people: never its secret."""

    id: str
    role: str
    site: str
    purposes: Sequence[str]
    note: str
    created_at: int
    expires_at: int | None
    recipient: str | None
    precise: bool
    revoked_at: int | None
    last_used: str | None


class NewToken(TokenSummary, frozen=True, kw_only=True):
    """A token that was just made, with its secret, shown this once."""

    token: str


class CreateToken(AttributedRequest[NewToken], frozen=True):
    """Create a token. It is shown this once."""

    purposes: Annotated[Sequence[str], Field("A purpose the token reads for; may be repeated.", option="--purpose")]
    role: Annotated[str, Field(choices=ROLES, default="consumer")] = "consumer"
    expires: Annotated[str, Field("A period (P90D), the last day (2027-01-31), or never.", default=DEFAULT_LIFE)] = (
        DEFAULT_LIFE
    )
    recipient: Annotated[str | None, Field(_RECIPIENT)] = None
    precise: Annotated[bool, Field(_PRECISE)] = False
    note: Annotated[str, Field("Whose it is, for your own list.")] = ""
    site: SiteName = None


class ListTokens(Request[list[TokenSummary]], frozen=True):
    """List the tokens, the revoked ones too; never their secret."""


class TokenUsed(Request[None], frozen=True):
    """A token was used today; only the day is kept."""

    id: str


class TokenRevoked(msgspec.Struct, frozen=True):
    """The id of a token that ended."""

    revoked: str


class RevokeToken(AttributedRequest[TokenRevoked], frozen=True):
    """Revoke a token by its id, from this moment on."""

    id: Annotated[str, Field(argument=True)]


@operation("tokens.create", right="access", audit="token")
def create_token(core: LedgerInstallation, request: CreateToken) -> NewToken:
    """Make a token; only its hash is kept. Its id is also the consumer's name: pseudonyms differ from token to token.

    With a ``recipient``, who must be in the notice for these purposes (S4.1), what goes out is coarse unless the
    controller says ``precise``. Raises :class:`Unknown` for a purpose that the site's notice in force does not list,
    :class:`CollectorError` for an unknown role or none at all.
    """
    _check(core, request)
    now, site = core.clock.now(), find_site(core, request.site)
    secret = new_token()
    token = Token(
        id=new_token_id(),
        role=request.role,
        site=site.id,
        purposes=tuple(dict.fromkeys(request.purposes)),
        note=request.note[:200],
        created_at=now,
        expires_at=expiry(request.expires, core.today(), core.settings.zone),
        recipient=request.recipient,
        precise=request.precise,
    )
    with core.storage.ledger.writing():
        core.storage.admin.add_token(token, token_hash(secret))
        facts = {"role": token.role, "purposes": list(token.purposes), "expires_at": token.expires_at}
        facts |= {"recipient": token.recipient} | ({"precise": True} if token.precise else {})
        core.storage.ledger.append("token", now, facts | {"created": token.id, "by": request.by}, site_ref=site.ref)
    return NewToken(**msgspec.structs.asdict(summary(token)), token=secret)


def _check(core: LedgerInstallation, request: CreateToken) -> None:
    site = find_site(core, request.site)
    if request.role not in ROLES:
        raise CollectorError(f"there is no role {request.role!r}; roles are {', '.join(ROLES)}")
    known = core.registry.in_force(site.ref, core.clock.now()).policy.consent_purposes
    for purpose in request.purposes:
        if purpose not in known:
            raise Unknown(
                f"the notice in force asks no consent for a purpose {purpose!r}; it does for {', '.join(known)}"
            )
    if not request.purposes:
        raise CollectorError("a token names the purposes it reads for; add --purpose")
    if request.precise and request.recipient is None:
        raise CollectorError("precise is for tokens of a recipient; the controller's own exports are exact anyway")
    if request.recipient is not None:
        entitle(core, site, request.purposes, recipient=request.recipient)


def summary(token: Token) -> TokenSummary:
    """A token for people."""
    return msgspec.convert(token, TokenSummary, from_attributes=True)


@operation("tokens.list", right="access", changes=False)
def list_tokens(core: LedgerInstallation, request: ListTokens) -> list[TokenSummary]:
    """In the order in which they were made."""
    return [summary(token) for token in core.storage.admin.tokens()]


@operation("tokens.used")
def token_used(core: LedgerInstallation, request: TokenUsed) -> None:
    """For people who tidy up."""
    with core.storage.ledger.writing():
        core.storage.admin.token_used(request.id, core.today())


@operation("tokens.revoke", right="access", audit="token")
def revoke_token(core: LedgerInstallation, request: RevokeToken) -> TokenRevoked:
    """End a token; no restored backup revives it. Raises :class:`Unknown`."""
    with core.storage.ledger.writing():
        now = core.clock.now()
        if not core.storage.admin.revoke_token(request.id, now):
            raise Unknown(f"there is no live token {request.id!r}; see `dongui tokens list`")
        core.storage.ledger.append("token", now, {"revoked": request.id, "by": request.by})
        core.storage.ledger.before_commit(lambda: core.journal.append({"kind": "token", "revoked": request.id}))
    return TokenRevoked(request.id)
