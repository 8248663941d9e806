"""Where a look at a page may lead: the site's listed origins and its collector, at addresses that were judged."""

from __future__ import annotations

import threading
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from dongui_collector.core.errors import CollectorError
from dongui_collector.core.loopback import is_loopback
from dongui_collector.core.networks import Resolve, may_reach, resolved
from dongui_collector.site_check.model import Outcome, VisitRequest

_PORTS = {"http": 80, "https": 443}
_NOTHING = SplitResult("", "", "", "", "")


class DestinationRefused(CollectorError):
    """A place that is not asked, or does not answer, and why: one of the outcomes of a visit. ``url``: another's."""

    def __init__(self, outcome: Outcome, url: str = "") -> None:
        super().__init__(outcome)
        self.outcome: Outcome = outcome
        self.url = url


def parts_of(url: str) -> SplitResult:
    """An address taken apart; one that no browser could ask for has no parts."""
    try:
        parts = urlsplit(url)
        return parts if parts.scheme in _PORTS and parts.hostname and parts.port != 0 else _NOTHING
    except ValueError:
        return _NOTHING


def place_of(url: str) -> tuple[str, int]:
    """Host and port of an http or https address; ``("", 0)`` for anything else."""
    parts = parts_of(url)
    return (parts.hostname or "", parts.port or _PORTS[parts.scheme]) if parts.scheme else ("", 0)


def origin_of(url: str) -> str:
    """The origin of an address as browsers write it; empty for what has none."""
    parts = parts_of(url)
    if not parts.scheme:
        return ""
    host, port = place_of(url)
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port != _PORTS[parts.scheme] else "")


class Destinations:
    """The places that may be asked, each resolved once: what was judged is what is connected to.

    Loopback is reached only where ``loopback`` permits it, by a loopback name, and at a listed origin or the door.
    Used from several threads.
    """

    def __init__(self, request: VisitRequest, resolve: Resolve = resolved) -> None:
        self._places = {place_of(origin) for origin in request.origins}
        self._loopback, self._door = request.loopback, request.door
        self._resolve = resolve
        self._known: dict[tuple[str, int], list[str]] = {}
        self._lock = threading.Lock()

    def admit_collector(self, url: str) -> bool:
        """Let the collector be asked that the page's tag names. False where this machine is meant, but not the door."""
        place = place_of(url)
        if is_loopback(place[0]) and place not in self._places and place[1] != self._door[1]:
            return False
        self._places.add(place)
        return True

    def permits(self, url: str) -> bool:
        """Whether an address is in one of the places."""
        return place_of(url) in self._places

    def addresses_of(self, host: str, port: int) -> list[str]:
        """The addresses to connect to. Raises :class:`DestinationRefused`."""
        if (host, port) not in self._places or not host:
            raise DestinationRefused("not_listed")
        with self._lock:
            if (host, port) not in self._known:
                self._known[host, port] = self._judged(host, port)
            return self._known[host, port]

    def _judged(self, host: str, port: int) -> list[str]:
        try:
            found = [ip_address(text.partition("%")[0]) for text in self._resolve(host, port)]
        except (OSError, ValueError):
            raise DestinationRefused("no_address") from None
        if not found:
            raise DestinationRefused("no_address")
        own = self._loopback and is_loopback(host)
        if not all(address.is_loopback if own else may_reach(address) for address in found):
            raise DestinationRefused("private")
        return list(map(str, found))
