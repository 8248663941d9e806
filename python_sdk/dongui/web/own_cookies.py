"""Our own two cookies as a response sets them: the copy that counts, and the end of every other. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dongui.rules.consent import Choice, encode_choice
from dongui.rules.own_cookies import PREFIXES, cookie_name, cookie_prefix
from dongui.web.domains import domains_above
from dongui.web.origin import RequestOrigin, is_over_https

_FRAMED = cookie_name(True)


class CookieNaming(NamedTuple):
    """How our cookies are called for one request: by the scheme of its page, and by the option ``domain``, which shares
    them over subdomains. ``host``: the page's, whose other copies end with a decision. ``framed``: for a page that is
    made to stand in frames of other sites, which on https has cookies of its own.
    """

    https: bool = False
    domain: str = ""
    host: str = ""
    framed: bool = False

    @property
    def shared(self) -> bool:
        """Whether the choice is shared over subdomains."""
        return bool(self.domain)

    @property
    def plain(self) -> str:
        """The name of the choice cookie without its prefix."""
        return cookie_name(self.framed and self.https)

    @property
    def choice(self) -> str:
        """The name of the choice cookie."""
        return cookie_prefix(self.https, self.shared) + self.plain

    @property
    def visitor(self) -> str:
        """The name of the visitor id's cookie."""
        return self.choice + "_id"


def naming_of(request: RequestOrigin, https: str, domain: str) -> CookieNaming:
    """How our cookies are called, by the options ``https`` and ``domain`` and by what the browser says, which no proxy
    in between forgets.
    """
    over_https = is_over_https(https, request.scheme, request.origin, request.fetch_site, request.host)
    return CookieNaming(over_https, domain, request.host)


@dataclass(frozen=True, slots=True, repr=False)
class OwnCookie:
    """One of our cookies, or the end of one of its copies: then ``value`` is empty. ``seconds``: how long it lives."""

    name: str
    value: str
    seconds: int
    domain: str = ""
    secure: bool = False

    def header(self) -> tuple[str, str]:
        """The ``Set-Cookie``. No script reads the id (``HttpOnly``); the choice is for scripts too."""
        text = f"{self.name}={self.value}; Max-Age={self.seconds}; Path=/"
        text += f"; Domain={self.domain}" if self.domain else ""
        text += "; SameSite=None; Partitioned" if _FRAMED in self.name else "; SameSite=Lax"
        text += "; HttpOnly" if self.name.endswith("_id") else ""
        return "Set-Cookie", text + ("; Secure" if self.secure else "")


def cookies_after(
    naming: CookieNaming, visitor: str, choice: Choice | None, choice_seconds: int, now: int
) -> list[OwnCookie]:
    """The cookies after a decision: first every copy of both ends, then what counts from now on is set.

    ``visitor``: the id, empty for none. ``choice`` lives as long as it did when it was recorded (``choice_seconds``
    after its own time, the server's), never longer; None leaves the choice unset. ``now`` in epoch seconds.
    """
    left = choice.at + choice_seconds - now if choice is not None else 0
    kept: list[OwnCookie] = []
    if visitor:
        kept.append(_own(naming, naming.visitor, visitor, left))
    if choice is not None:
        kept.append(_own(naming, naming.choice, encode_choice(choice), left))
    set_here = {(cookie.name, cookie.domain) for cookie in kept}
    ends = [cookie for cookie in _copies(naming) if (cookie.name, cookie.domain) not in set_here]
    return [*ends, *kept]


def shown(cookies: Sequence[OwnCookie]) -> dict[str, str]:
    """What a browser will send once it has taken these cookies; None of our copies but these is left."""
    return {cookie.name: cookie.value for cookie in cookies if cookie.value}


def _own(naming: CookieNaming, name: str, value: str, seconds: int) -> OwnCookie:
    return OwnCookie(name, value, max(0, seconds), naming.domain, naming.https)


def _copies(naming: CookieNaming) -> Iterator[OwnCookie]:
    """The end of every copy that may be about: under each name, of this host and of the domains above it."""
    domains = dict.fromkeys(["", *domains_above(naming.host), *([naming.domain] if naming.domain else [])])
    for prefix in PREFIXES:
        if prefix and not naming.https:
            continue  # such a cookie can neither be there nor be ended without TLS
        for domain in [""] if prefix == "__Host-" else domains:
            for name in (naming.plain, naming.plain + "_id"):
                yield OwnCookie(prefix + name, "", 0, domain, naming.https)
