"""Whether a page's Content-Security-Policy lets our scripts run, and with which nonce. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NONCE = re.compile(r"'nonce-([A-Za-z0-9+/_-]+={0,2})'", re.IGNORECASE)
_HASH = re.compile(r"'sha(?:256|384|512)-", re.IGNORECASE)
_GOVERNS = ("script-src-elem", "script-src", "default-src")  # the first that a policy has


def inline_nonce(headers: Iterable[tuple[str, str]]) -> str | None:
    """The nonce that an inline script needs on a page with these headers; empty where it needs none, None where none
    would let it run. Several policies must all agree; one that only reports forbids nothing.
    """
    enforced = [value for name, value in headers if name.lower() == "content-security-policy"]
    agreed: list[str] | None = None
    for policy in (part for value in enforced for part in value.split(",")):
        sources = _sources(policy)
        if sources is None or _allows_any(sources):
            continue
        nonces = _NONCE.findall(sources)
        agreed = nonces if agreed is None else [nonce for nonce in agreed if nonce in nonces]
        if not agreed:
            return None
    return agreed[0] if agreed else ""


def script_nonce(headers: Iterable[tuple[str, str]]) -> str:
    """The nonce that a script with an address needs on a page with these headers; empty where no policy names one."""
    enforced = [value for name, value in headers if name.lower() == "content-security-policy"]
    governing = [_sources(policy) for value in enforced for policy in value.split(",")]
    named = [nonces for sources in governing if sources is not None and (nonces := _NONCE.findall(sources))]
    return next((nonce for nonce in named[0] if all(nonce in nonces for nonces in named)), "") if named else ""


def _sources(policy: str) -> str | None:
    """What governs scripts in one policy; None where nothing does. Of a directive's repetitions the first counts."""
    directives: dict[str, str] = {}
    for directive in policy.split(";"):
        name, *sources = directive.split() or [""]
        directives.setdefault(name.lower(), " ".join(sources))
    return next((directives[name] for name in _GOVERNS if name in directives), None)


def _allows_any(sources: str) -> bool:
    """Whether any inline script may run: ``'unsafe-inline'``, unless something stricter stands beside it."""
    words = sources.lower().split()
    stricter = "'strict-dynamic'" in words or _NONCE.search(sources) or _HASH.search(sources)
    return "'unsafe-inline'" in words and not stricter
