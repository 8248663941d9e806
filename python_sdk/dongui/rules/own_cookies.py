"""Our own two cookies: what they are called, and which copy counts where a sibling host may have set others.

``sdk_js/src/rules/own.ts`` is the twin; ``tests/vectors/own_cookies.json`` has the cases. ``pairs`` are the names and
values of a request's cookies, in the order in which they came; ``shared``: a setting shares the choice over subdomains.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from dongui.rules.consent import Choice, agreed_choice

PREFIXES = ("__Host-", "__Secure-", "")
"""What our cookies' names may begin with."""

OWN_COOKIES = frozenset(
    f"{prefix}dongui{frame}{id_}" for prefix in PREFIXES for frame in ("", "_frame") for id_ in ("", "_id")
)
"""Every name of ours; those with ``_frame`` are a cross-origin frame's own."""

_VISITOR = re.compile(r"[A-Za-z0-9_-]{22}")

Pairs = Collection[tuple[str, str]]


class VisitorIds(NamedTuple):
    """The visitor ids of a request: ``use``, under which may be recorded, where there is exactly one of the right name;
    and ``all``, for each of which a withdrawal or an erasure is carried out.
    """

    use: str | None
    all: list[str]


def cookie_prefix(https: bool, shared: bool) -> str:
    """The prefix of our cookies' names. A cookie that is shared over subdomains cannot be bound to one host."""
    return ("__Secure-" if shared else "__Host-") if https else ""


def cookie_name(framed: bool) -> str:
    """The name of the choice cookie without its prefix, to which the visitor id's adds ``_id``."""
    return "dongui_frame" if framed else "dongui"


def read_choice(pairs: Pairs, https: bool, shared: bool, framed: bool = False) -> Choice | None:
    """The choice that the cookies make, None where the visitor is to be asked.

    Of several copies every one has to grant: any refusal wins. An old plain copy, or one of another setting, can only
    refuse; what it grants is asked for again.
    """
    values, own = _copies(pairs, cookie_name(framed), https, shared)
    choice = agreed_choice(values)
    return choice if own or choice is None or not choice.granted else None


def visitor_ids(pairs: Pairs, https: bool, shared: bool, framed: bool = False) -> VisitorIds:
    """The visitor ids that the cookies hold. Whether the ledger knows them, only the ledger knows."""
    values, own = _copies(pairs, cookie_name(framed) + "_id", https, shared)
    known = [value for value in dict.fromkeys(values) if is_visitor_id(value)]
    return VisitorIds(known[0] if own and len(known) == 1 else None, known)


def is_visitor_id(value: str) -> bool:
    """Whether a text has the form of a visitor id: 128 bits in base64url."""
    return _VISITOR.fullmatch(value) is not None


def _copies(pairs: Pairs, name: str, https: bool, shared: bool) -> tuple[list[str], bool]:
    """The copies of a cookie that count, and whether they are of the name that this site sets.

    A prefixed copy hides plain ones, whatever the scheme seems to be; what is of another name is trusted with nothing.
    """
    own = cookie_prefix(True, shared)
    for prefix in (own, cookie_prefix(True, not shared), ""):
        wanted = prefix + name
        values = [value for key, value in pairs if key == wanted]
        if values:
            return values, prefix == own or (not prefix and not https)
    return [], False
