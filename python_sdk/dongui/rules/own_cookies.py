"""Our own two cookies: what they are called, and which copy counts where a sibling host may have set others.

``sdk_js/src/rules/own.ts`` is the twin; ``tests/vectors/own_cookies.json`` has the cases. ``pairs`` are the names and
values of a request's cookies, in the order in which they came; ``https``: whether the page is on https, or what tells,
which is asked only where it matters; ``shared``: a setting shares the choice over subdomains.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
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
Https = bool | Callable[[], bool]


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


def read_choice(pairs: Pairs, https: Https, shared: bool, framed: bool = False) -> Choice | None:
    """The choice that the cookies make, None where the visitor is to be asked.

    Of several copies every one has to grant: any refusal wins. An old plain copy, or one of another setting, can only
    refuse; what it grants is asked for again.
    """
    values, prefix = _copies(pairs, cookie_name(framed), shared)
    choice = agreed_choice(values)
    if choice is None or not choice.granted or _is_set_here(prefix, https, shared):
        return choice
    return None


def visitor_ids(pairs: Pairs, https: Https, shared: bool, framed: bool = False) -> VisitorIds:
    """The visitor ids that the cookies hold. Whether the ledger knows them, only the ledger knows."""
    values, prefix = _copies(pairs, cookie_name(framed) + "_id", shared)
    known = [value for value in dict.fromkeys(values) if is_visitor_id(value)]
    return VisitorIds(known[0] if len(known) == 1 and _is_set_here(prefix, https, shared) else None, known)


def is_visitor_id(value: str) -> bool:
    """Whether a text has the form of a visitor id: 128 bits in base64url."""
    return _VISITOR.fullmatch(value) is not None


def _copies(pairs: Pairs, name: str, shared: bool) -> tuple[list[str], str]:
    """The copies of a cookie that count, and the prefix of their name.

    A prefixed copy hides plain ones, whatever the scheme seems to be.
    """
    ranks = _RANKS[name, shared]
    least, values = 3, []
    for key, value in pairs:
        rank = ranks.get(key, 3)
        if rank < least:
            least, values = rank, [value]
        elif rank == least < 3:
            values.append(value)
    return values, _RANKED[shared][least] if values else ""


def _is_set_here(prefix: str, https: Https, shared: bool) -> bool:
    """Whether this site sets cookies of this prefix; what is of another name is trusted with nothing."""
    if prefix:
        return prefix == cookie_prefix(True, shared)
    return not (https() if callable(https) else https)


_RANKED = {False: ("__Host-", "__Secure-", ""), True: ("__Secure-", "__Host-", "")}
_RANKS = {
    (name, shared): {prefix + name: rank for rank, prefix in enumerate(ranked)}
    for shared, ranked in _RANKED.items()
    for name in (cookie_name(framed) + id_ for framed in (False, True) for id_ in ("", "_id"))
}
