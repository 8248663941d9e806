"""A page fetched over plain HTTP: its answer, within bounds; redirects are followed to listed origins alone."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import quote, urljoin

from dongui_collector.core.networks import connection_to
from dongui_collector.site_check.csp import refused_directives
from dongui_collector.site_check.destinations import DestinationRefused, Destinations, origin_of, parts_of, place_of
from dongui_collector.site_check.markup import markup_of
from dongui_collector.site_check.model import CallAnswer, PageVisit, bare, clean

LARGEST = 2 << 20
WITHIN_S = 15.0
_REDIRECTS = 5
_QUOTED = "%/?:@!$&'()*+,;=~"  # RFC 3986: what stands in a path and query as it is
_AGENT = "Mozilla/5.0 (compatible; dongui check-site)"


@dataclass(slots=True)
class Fetched:
    """An answer. ``headers`` have their names in lower case; ``body`` is cut at :data:`LARGEST`."""

    url: str
    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    def all_of(self, name: str) -> list[str]:
        """The values of one header."""
        return [value for known, value in self.headers if known == name]


def look(places: Destinations, url: str) -> PageVisit:
    """What can be said of a page without running it."""
    try:
        page = _page(places, url)
    except DestinationRefused as refused:
        return PageVisit(outcome=refused.outcome, where=clean(origin_of(refused.url or url)))
    found = markup_of(page.body, page.url)
    visit = PageVisit(url=bare(page.url), status=page.status, tags=found.tags[:8], requests=found.requests)
    visit.cookies = list(dict.fromkeys(clean(c.partition("=")[0].strip()) for c in page.all_of("set-cookie")))[:100]
    if page.status != 200:
        visit.outcome = "status"
    elif found.tags:
        tag, nonce = found.tags[0].src, found.nonces[0]
        policies = [*page.all_of("content-security-policy"), *found.policies]
        visit.refused = refused_directives(policies, page=page.url, tag=tag, nonce=nonce)
        visit.snippet = snippet_answer(places, tag)
    return visit


def snippet_answer(places: Destinations, tag: str) -> CallAnswer:
    """What answers at the tag's address."""
    if not places.admit_collector(tag):
        return CallAnswer(0, "private")
    try:
        answer = fetch(places, tag)
    except DestinationRefused as refused:
        return CallAnswer(0, refused.outcome)
    script = any("javascript" in kind for kind in answer.all_of("content-type"))
    return CallAnswer(answer.status, "" if answer.status != 200 or (script and "dongui" in answer.body) else "other")


def _page(places: Destinations, url: str) -> Fetched:
    """The page, after its redirects. Raises :class:`DestinationRefused`; what leads out is not followed."""
    for _ in range(_REDIRECTS + 1):
        answer = fetch(places, url)
        target = next(iter(answer.all_of("location")), "")
        if answer.status not in (301, 302, 303, 307, 308) or not target:
            return answer
        try:
            url = urljoin(url, target)
        except ValueError:
            return answer
        if not places.permits(url):
            raise DestinationRefused("redirect_out", url)
    return answer


def fetch(places: Destinations, url: str) -> Fetched:
    """One GET. Raises :class:`DestinationRefused` for a place that is not asked, or does not answer in time."""
    host, port = place_of(url)
    parts = parts_of(url)
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    connection = connection_to(places.addresses_of(host, port), host, port, tls)
    late = threading.Event()

    def give_up() -> None:
        late.set()
        if (open_ := connection.sock) is not None:
            with suppress(OSError):
                open_.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(WITHIN_S, give_up)
    watch.daemon = True
    watch.start()
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Host": parts.netloc, "User-Agent": _AGENT, "Accept": "text/html,*/*"}
        connection.request("GET", quote(target, safe=_QUOTED), headers=headers)
        answer = connection.getresponse()
        body = answer.read(LARGEST).decode("utf-8", "replace")
        return Fetched(url, answer.status, [(name.lower(), value) for name, value in answer.getheaders()], body)
    except ssl.SSLError:
        raise DestinationRefused("certificate") from None
    except TimeoutError:
        raise DestinationRefused("timeout") from None
    except (OSError, http.client.HTTPException, UnicodeError):
        raise DestinationRefused("timeout" if late.is_set() else "unreachable") from None
    finally:
        watch.cancel()
        connection.close()
