"""Which cookies pass: those a response sets, those that linger after a withdrawal, those a request shows. Pure."""

from __future__ import annotations

import re
import time
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from dongui.rules.compiled_policy import CompiledPolicy
from dongui.web.consent import cookie_pairs

Headers = list[tuple[str, str]]

_SPACE = " \t"


@dataclass(slots=True)
class FilteredCookies:
    """The cookies of a response: ``headers`` with those that may be set, ``dropped`` the (name, purpose) of the others;
    ``seen`` all names; ``purpose`` is None for an undeclared cookie that strict mode drops.
    """

    headers: Headers
    seen: list[str] = field(default_factory=list)
    dropped: list[tuple[str, str | None]] = field(default_factory=list)


def glance(headers: Headers) -> tuple[str, list[str]]:
    """(content type, names of the cookies that are set) of a response's headers."""
    kind = ""
    names: list[str] = []
    for name, value in headers:
        length = len(name)
        if length == 12 and not kind and name.lower() == "content-type":
            kind = value
        elif length == 10 and name.lower() == "set-cookie":
            names.append(cookie_name(value))
    return kind, names


def sift(
    headers: Headers, granted: Container[str], terms: CompiledPolicy, *, strict: bool, now: float | None = None
) -> FilteredCookies:
    """Takes from a response's headers each ``Set-Cookie`` that no granted purpose covers.

    Undeclared cookies pass unless ``strict``; whatever removes a cookie passes. All other headers stay as they are, in
    their order.
    """
    sifted = FilteredCookies([])
    for header in headers:
        if header[0].lower() == "set-cookie":
            name = cookie_name(header[1])
            purpose = terms.purpose_of(name)
            sifted.seen.append(name)
            covered = not strict if purpose is None else purpose in granted or not terms.needs_consent(purpose)
            if not covered and not removes(header[1], now):
                sifted.dropped.append((name, purpose))
                continue
        sifted.headers.append(header)
    return sifted


def cookie_name(set_cookie: str) -> str:
    """The name that a browser would give the cookie of a ``Set-Cookie`` value; a nameless one is all value: ``""``."""
    name, equals, _ = set_cookie.partition(";")[0].partition("=")
    return name.strip(_SPACE) if equals else ""


def attributes(set_cookie: str) -> dict[str, str]:
    """The attributes of a ``Set-Cookie`` value by their names in lower case; of repetitions the last counts."""
    found: dict[str, str] = {}
    for attribute in set_cookie.split(";")[1:]:
        key, _, value = attribute.partition("=")
        found[key.strip(_SPACE).lower()] = value.strip(_SPACE)
    return found


def removes(set_cookie: str, now: float | None = None) -> bool:
    """Whether a ``Set-Cookie`` value ends a cookie rather than setting one. ``Max-Age`` outweighs ``Expires``."""
    said = attributes(set_cookie)
    age, expires = said.get("max-age"), said.get("expires")
    if age is not None and re.fullmatch(r"-?[0-9]+", age):
        return age.startswith("-") or not age.strip("0")
    return expires is not None and _is_past(expires, time.time() if now is None else now)


def _is_past(date: str, now: float) -> bool:
    try:
        return parsedate_to_datetime(date).timestamp() <= now
    except (ValueError, TypeError, OverflowError, IndexError):
        return False


def lingering(pairs: Iterable[tuple[str, str]], granted: Container[str], terms: CompiledPolicy) -> list[str]:
    """The names of request cookies that are declared for a purpose which the visitor does not grant (any more)."""
    names = []
    for name, _ in pairs:
        purpose = terms.purpose_of(name)
        if purpose is not None and purpose not in granted and terms.needs_consent(purpose) and name not in names:
            names.append(name)
    return names


def hide(cookies: str, granted: Container[str], terms: CompiledPolicy) -> str:
    """A ``Cookie`` header without the declared cookies of purposes not granted. Our own and undeclared ones stay."""
    names = lingering(cookie_pairs(cookies), granted, terms)
    if not names:
        return cookies
    return "; ".join(
        pair.strip(_SPACE) for pair in cookies.split(";") if pair.partition("=")[0].strip(_SPACE) not in names
    )


def private(headers: Headers) -> Headers:
    """Headers of an answer that depends on consent, and so on a cookie: no cache may show it to somebody else."""
    vary = ",".join(value for name, value in headers if name.lower() == "vary")
    fields = {field.strip().lower() for field in vary.split(",")}
    out = headers
    if not fields & {"cookie", "*"}:
        out = [*out, ("Vary", "Cookie")]
    if not any(name.lower() == "cache-control" for name, _ in headers):
        out = [*out, ("Cache-Control", "private")]
    return out


def unshared(headers: Headers) -> Headers:
    """Headers of an answer that sets a visitor's own cookies: whatever they said before, no shared cache may keep it.

    ``CDN-Cache-Control`` and its like (RFC 9213) outweigh ``Cache-Control`` in the caches that they name, and go.
    """
    out = [(name, value) for name, value in headers if not _targets_caches(name) and name.lower() != "cache-control"]
    said = ",".join(value for name, value in headers if name.lower() == "cache-control")
    words = [word.strip() for word in said.split(",") if word.strip()]
    kept = [word for word in words if word.partition("=")[0].strip().lower() not in _SHARING]
    if not {word.lower() for word in kept} & {"private", "no-store"}:
        kept = ["private", *kept]
    return [*out, ("Cache-Control", ", ".join(kept))]


def _targets_caches(name: str) -> bool:
    key = name.lower()
    return key == "surrogate-control" or (key.endswith("-cache-control") and key != "cache-control")


_SHARING = ("public", "s-maxage", "must-revalidate", "proxy-revalidate", "immutable", "stale-while-revalidate")


def is_shared(headers: Headers) -> bool:
    """Whether caches between us and the visitor may keep an answer for others, who must not be told to drop cookies."""
    said = [value.lower() for name, value in headers if name.lower() == "cache-control"]
    return bool(said) and not any(word in value for value in said for word in ("private", "no-store", "no-cache"))
