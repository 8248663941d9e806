"""Who is asking: the Origin, the secret key, the address, the signals. Decided from plain header values."""

from __future__ import annotations

import hmac
import ipaddress
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dongui.rules.addresses import parse_ip

from dongui_collector.access.secrets import token_hash
from dongui_collector.intake.origins import Origins
from dongui_collector.intake.problems import Problem
from dongui_collector.storage.contract.values import Site

_ADDRESS_FRESH_S = 300
_FORGET_EVERY_S = 5.0


@dataclass(slots=True)
class Headers:
    """The few request headers that mean anything here. Names with ``_`` never match one of them and so are dropped."""

    origin: str | None = None
    bearer: str | None = None
    user_agent: str = ""
    forwarded: str = ""
    proxied: str | None = None
    cookie: str = ""
    anti_forgery: bool = False
    framed: bool = False  # whether the cookies of a page in another site's frame are meant
    gpc: bool = False
    language: str = ""
    length: int | None = None
    encoding: str = ""

    @classmethod
    def of(cls, pairs: Sequence[tuple[bytes, bytes]]) -> Headers:
        """Read ASGI's header pairs (names in lower case). Values are Latin-1, as HTTP has them."""
        found = dict(pairs)
        if len(found) < len(pairs):
            found = _joined(pairs)
        get = found.get
        headers = cls()
        if (agent := get(b"user-agent")) is not None:
            headers.user_agent = agent[:2048].decode("latin-1")
        if (language := get(b"accept-language")) is not None:
            headers.language = language[:256].decode("latin-1")
        if (length := get(b"content-length")) is not None:
            headers.length = int(length) if length.isdigit() and len(length) < 16 else 1 << 40
        if (origin := get(b"origin")) is not None:
            headers.origin = origin.decode("latin-1")
        if (forwarded := get(b"x-forwarded-for")) is not None:
            headers.forwarded = forwarded.decode("latin-1")
        if (encoding := get(b"content-encoding")) is not None:
            headers.encoding = encoding[:256].decode("latin-1")
        if (authorization := get(b"authorization")) is not None:
            kind, _, token = authorization.decode("latin-1").partition(" ")
            headers.bearer = token.strip() if kind.lower() == "bearer" else None
        if (proxied := get(b"dongui-address")) is not None:
            headers.proxied = proxied.decode("latin-1")
        if (gpc := get(b"sec-gpc")) is not None:
            headers.gpc = any(one.strip() == b"1" for one in gpc.split(b"\n"))  # anything else is ignored (W1)
        if (cookie := get(b"cookie")) is not None:
            headers.cookie = cookie.decode("latin-1")
        if (proof := get(b"x-dongui")) is not None:
            headers.framed = proof.strip() == b"frame"
            headers.anti_forgery = headers.framed or proof.strip() == b"1"
        return headers


# Headers of which several are one list. Of several origins none may count alone: joined they are no origin that a site
# could list. Any 1 among several GPC signals counts. Of all others the last one stands.
_LISTS = {b"origin": b", ", b"x-forwarded-for": b",", b"cookie": b"; ", b"content-encoding": b",", b"sec-gpc": b"\n"}


def _joined(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers of a request that names one more than once."""
    found: dict[bytes, bytes] = {}
    for name, value in pairs:
        found[name] = found[name] + _LISTS[name] + value if name in found and name in _LISTS else value
    return found


def may_write(site: Site, headers: Headers, origins: Origins) -> bool:
    """Whether the secret key was sent (True) or a listed Origin (False); anything else raises a :class:`Problem`.

    Only ``Bearer`` claims the key: browsers send ``Basic`` by themselves wherever a site stands behind a password.
    """
    if _has_secret(site, headers):
        return True
    if headers.origin is None:
        raise Problem("unauthorised", "send the site's secret key, or an Origin on the site's list")
    if not origins.may_write(site, headers.origin):
        raise Problem("origin-not-listed")
    return False


def _has_secret(site: Site, headers: Headers) -> bool:
    """Whether the site's secret key was sent; another key raises a :class:`Problem`."""
    if headers.bearer is None:
        return False
    if hmac.compare_digest(token_hash(headers.bearer), site.secret_hash):
        return True
    raise Problem("unauthorised", "the Authorization header does not hold this site's secret key")


def needs_secret(site: Site, headers: Headers) -> None:
    """Raise unless the site's secret key was sent."""
    if not _has_secret(site, headers):
        raise Problem("unauthorised", "this call needs the site's secret key")


def address_of(socket: str | None, forwarded: str, hops: int) -> str | None:
    """The visitor's address: the socket's, or ``X-Forwarded-For`` counted from the right over ``hops`` trusted proxies.

    What stands further left was written by strangers and is never looked at. With fewer entries than hops the request
    did not
    come through all the proxies, and the leftmost one is the nearest to the truth that a trusted hand wrote.
    """
    if hops and forwarded:
        if "," not in forwarded and not forwarded.isspace():
            return parse_ip(forwarded)
        entries = [e for e in (part.strip() for part in forwarded.split(",")) if e]
        if entries:
            return parse_ip(entries[-min(hops, len(entries))])
    return parse_ip(socket) if socket else None


def proxied_address(site: Site, header: str) -> str | None:
    """The visitor's address as the site's own middleware vouches for it; None when it does not hold."""
    now = time.time()  # how long it travelled: not a datum's time, so not the product's clock
    parts = header.split(" ")
    if len(parts) != 3 or not (parts[1].isascii() and parts[1].isdigit() and len(parts[1]) <= 12):
        return None
    if abs(int(parts[1]) - now) > _ADDRESS_FRESH_S:
        return None
    expected = hmac.new(site.address_key, f"{parts[0]} {parts[1]}".encode("latin-1"), "sha256").hexdigest()
    return parse_ip(parts[0]) if hmac.compare_digest(expected.encode(), parts[2].encode("latin-1")) else None


class RateLimit:
    """A token bucket for each (site's Origin, address). Memory only and bounded.

    An address is forgotten when its bucket is full again, ``burst / rate`` seconds later at the most.
    """

    def __init__(self, rate: float, burst: int, *, most: int = 50_000) -> None:
        self._each, self._full, self._most = 1 / rate, burst / rate, most
        self._full_at: dict[tuple[str, str], float] = {}  # when a bucket will have filled up again
        self._forget_at = 0.0

    def allow(self, origin: str, address: str | None) -> bool:
        """Take one token; False when there is none."""
        now = time.monotonic()
        key = (origin, network(address) if address else "")
        full_at = self._full_at.get(key, now)
        if full_at < now:
            full_at = now
        full_at += self._each
        if full_at - now > self._full + 1e-9:
            return False
        self._full_at[key] = full_at
        if now >= self._forget_at or len(self._full_at) > self._most:
            self.forget()
        return True

    def forget(self) -> None:
        """Forget the full buckets, which say nothing; to be called now and then where nobody asks any more.

        When still too many are in use a tenth of them goes, the eldest first.
        """
        now = time.monotonic()
        self._forget_at = now + min(_FORGET_EVERY_S, self._full)
        in_use = [(key, at) for key, at in self._full_at.items() if at > now]
        more = len(in_use) - self._most
        self._full_at = dict(in_use[more + self._most // 10 :] if more > 0 else in_use)


def network(address: str) -> str:
    """One household has one IPv4 address, or one IPv6 /64."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)
