"""What the application sees of the visitor's consent in one request."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from dongui.result import Result
from dongui.rules.compiled_policy import CompiledPolicy
from dongui.rules.consent import Choice
from dongui.rules.own_cookies import OWN_COOKIES, VisitorIds, read_choice, visitor_ids
from dongui.web.decided_cookies import SentDecision, erased_cookies, recorded_cookies, shrunken_cookies
from dongui.web.own_cookies import CookieNaming, OwnCookie, shown

_NOTHING: frozenset[str] = frozenset()
_NO_IDS = VisitorIds(None, [])
_OUR_ID = "dongui_"
_OURS = "dongui"  # in every name of ours: a quick look before a close one


class Consent:
    """What this visitor consented to, as far as the browser says; the collector's ledger may only say less.

    Evaluated when first asked, by the policy known when the request came: ``terms``, which judge the request to its
    end. ``was_read`` tells whether the application asked, so that its answer depends on it.
    """

    __slots__ = (
        "_chosen",
        "_decide",
        "_framed",
        "_gpc",
        "_ids",
        "_named",
        "_naming",
        "_now",
        "_own",
        "_pairs",
        "_purposes",
        "_shared",
        "cookies",
        "known",
        "outgoing",
        "terms",
        "was_read",
    )

    def __init__(
        self,
        terms: CompiledPolicy,
        cookies: str = "",
        gpc: str = "",
        *,
        now: int | None = None,
        decide: Callable[..., Result] | None = None,
        naming: Callable[[], CookieNaming] = CookieNaming,
        shared: bool = False,
        known: bool = True,
    ) -> None:
        """``cookies`` and ``gpc`` are the request's ``Cookie`` and ``Sec-GPC`` headers, ``now`` is in epoch seconds.

        ``decide`` is called by :meth:`decide`, with this object first. ``naming`` is asked how our cookies are called,
        where that matters; ``shared``: over subdomains. ``known`` is False where the browser could not show them: then
        nothing is granted, and nothing is refused.
        """
        self.terms = terms
        self.cookies = cookies
        self._gpc = gpc
        self._now = now
        self._decide = decide
        self._naming = naming
        self._named: CookieNaming | None = None
        self._shared = shared
        self._framed = False
        self._own: list[tuple[str, str]] | None = None
        self.known = known
        self.outgoing: Sequence[OwnCookie] = ()
        self._pairs: list[tuple[str, str]] | None = None
        self._chosen: tuple[Choice | None] | None = None
        self._ids: VisitorIds | None = None
        self._purposes: frozenset[str] | None = None
        self.was_read = False

    def granted(self, purpose: str) -> bool:
        """Whether ``purpose`` may act for this visitor now: granted and in force, or resting on another basis."""
        self.was_read = True
        return purpose in self.effective() or not self.terms.needs_consent(purpose)

    def allowed(self, item: str) -> bool:
        """Whether a data item of this visitor may be recorded now: some purpose that was granted lists it."""
        self.was_read = True
        return item in self.terms.items(self.effective())

    @property
    def visitor(self) -> str | None:
        """The visitor id; None unless a granted purpose lists ``cookie``. A bearer credential: not for logs or URLs."""
        self.was_read = True
        return self.subject()

    @property
    def purposes(self) -> frozenset[str]:
        """The purposes that were granted and are in force."""
        self.was_read = True
        return self.effective()

    @property
    def signals(self) -> frozenset[str]:
        """Privacy signals of this request: ``gpc``, or none."""
        self.was_read = True
        return frozenset({"gpc"}) if has_gpc(self._gpc) else _NOTHING

    @property
    def decided(self) -> bool:
        """Whether the visitor made a choice that still stands, be it a refusal."""
        self.was_read = True
        return self.choice() is not None

    def decide(
        self,
        *,
        granted: Iterable[str] = (),
        refused: Iterable[str] = (),
        method: str = "api",
        lang: str = "ko",
        timeout: float = 5.0,
    ) -> Result:
        """Passes on a decision that the visitor made in the application, as at sign-up (``method="signup"``).

        Waits for the collector; the cookies go out with this request's answer, which must not have begun. Once it is
        done, this object says what was decided. What is refused is in force at once, also where it is only ``pending``;
        what is granted, once it is recorded: of a ``pending`` decision it is not, and is to be decided again.
        In an ``async`` application: ``await asyncio.to_thread(…)``. Raises ``TypeError`` for purposes that are no names
        in a list or the like, such as a bare ``str``.
        """
        granted, refused = purpose_names("granted", granted), purpose_names("refused", refused)
        if self._decide is None:
            return Result()
        return self._decide(self, granted=granted, refused=refused, method=method, lang=lang, timeout=timeout)

    def __repr__(self) -> str:
        return f"<Consent {' '.join(sorted(self.effective())) or 'nothing granted'}>"

    # What follows is for the middleware, which looks without having read on the application's behalf.

    def __contains__(self, purpose: object) -> bool:
        """Whether a purpose was granted by consent: this object serves as the set of such purposes."""
        return purpose in self.effective()

    def effective(self) -> frozenset[str]:
        """As :attr:`purposes`."""
        if self._purposes is None:
            self._purposes = self._judge()
        return self._purposes

    def subject(self) -> str | None:
        """As :attr:`visitor`."""
        if "cookie" not in self.terms.items(self.effective()):
            return None
        return self.ids().use

    def terms_allow(self, item: str) -> bool:
        """As :meth:`allowed`."""
        return item in self.terms.items(self.effective())

    def ids(self) -> VisitorIds:
        """The visitor ids of the request, whatever is granted: taking back needs no consent."""
        if self._ids is None:
            own = self._own_pairs() if _OUR_ID in self.cookies else ()
            self._ids = visitor_ids(own, self._is_over_https, self._shared, self._framed) if own else _NO_IDS
        return self._ids

    def naming(self) -> CookieNaming:
        """How our cookies are called for this request."""
        if self._named is None:
            self._named = self._naming()._replace(framed=self._framed)
        return self._named

    def frame(self) -> None:
        """The page says that it stands in a frame of another site: the cookies that it has there are the ones meant."""
        if self.naming().https:
            self._framed = True
            self._named = self._purposes = self._chosen = self._ids = None

    def renew(self, cookies: Sequence[OwnCookie]) -> None:
        """After a decision: these cookies count from now on, and are to go out with the answer."""
        kept = [pair for pair in self.pairs() if pair[0] not in OWN_COOKIES]
        self.cookies = "; ".join(f"{name}={value}" for name, value in [*shown(cookies).items(), *kept])
        self._pairs = self._own = self._purposes = self._chosen = self._ids = None
        self.known = True
        self.outgoing = cookies

    def recorded(self, answer: Mapping[str, Any], granted: Sequence[str], refused: Sequence[str]) -> None:
        """A decision is on record, by the collector's ``answer``."""
        sent = SentDecision(str(answer.get("id")), self.terms.version, granted, refused)
        self.renew(recorded_cookies(answer, sent, self.claimed_choice(), self.naming(), self.terms))

    def shrink(self, refused: Collection[str]) -> None:
        """A withdrawal is on its way: in force at once, here, in the browser and on the pages that follow."""
        if self._own_pairs():
            left = (refused, self.claimed_choice(), self.ids().use, self.naming(), self.terms, self.seconds())
            self.renew(shrunken_cookies(*left))

    def erased(self) -> None:
        """An erasure is done or on its way: the id goes, and nothing is granted."""
        self.renew(erased_cookies(self.naming(), self.terms, self.seconds()))

    def choice(self) -> Choice | None:
        """The visitor's choice, as long as it stands."""
        if _OURS not in self.cookies:
            return None
        choice = self.claimed_choice()
        return choice if choice is not None and self.terms.stands(choice, self.seconds()) else None

    def why_nothing(self) -> str:
        """Of a visitor who grants nothing: ``gpc`` (the browser asks not to be tracked), ``refused`` or ``unasked``."""
        return "gpc" if has_gpc(self._gpc) else "refused" if self.choice() is not None else "unasked"

    def is_of_another_notice(self) -> bool:
        """Whether the choice names a notice version that is not known: perhaps there is a newer policy."""
        choice = self.claimed_choice()
        return choice is not None and choice.version not in self.terms.policy["accepts"]

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values of the request's cookies."""
        if self._pairs is None:
            self._pairs = cookie_pairs(self.cookies)
        return self._pairs

    def claimed_choice(self) -> Choice | None:
        """The choice in the cookies, whether or not it stands."""
        if self._chosen is None:
            own = self._own_pairs()
            self._chosen = (read_choice(own, self._is_over_https, self._shared, self._framed) if own else None,)
        return self._chosen[0]

    def _own_pairs(self) -> list[tuple[str, str]]:
        """Of :meth:`pairs`, those of ours, which most requests need alone."""
        if self._own is None:
            named = [_pair(part) for part in self.cookies.split(";") if _OURS in part] if _OURS in self.cookies else ()
            self._own = [pair for pair in named if pair[0] in OWN_COOKIES]
        return self._own

    def _is_over_https(self) -> bool:
        return self.naming().https

    def _judge(self) -> frozenset[str]:
        choice = self.claimed_choice()
        if choice is None or not choice.granted:
            return _NOTHING
        return self.terms.purposes(choice, self.seconds(), has_gpc(self._gpc))

    def seconds(self) -> int:
        """The request's time, in epoch seconds."""
        return int(time.time()) if self._now is None else self._now


def purpose_names(argument: str, names: Iterable[str]) -> tuple[str, ...]:
    """The purposes of an argument, read once. ``TypeError`` for a bare text, whose letters are no purposes."""
    if not isinstance(names, str | bytes):
        found = tuple(names)
        if all(isinstance(name, str) for name in found):
            return found
    raise TypeError(f'{argument} takes a list of purposes\' names, as {argument}=["statistics"]')


def has_gpc(header: str) -> bool:
    """Whether ``Sec-GPC`` is exactly ``1``; of duplicates (joined by commas) any counts (W1)."""
    return header == "1" or ("," in header and any(part.strip(" \t") == "1" for part in header.split(",")))


def cookie_pairs(header: str) -> list[tuple[str, str]]:
    """Names and values in a ``Cookie`` header, in its order: a name may come once for each path and domain."""
    return [_pair(part) for part in header.split(";")]


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name.strip(" \t"), value.strip(" \t")
