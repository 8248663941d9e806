"""Whether a Content-Security-Policy lets the snippet load, and lets it ask its collector. Pure (CSP Level 3)."""

from __future__ import annotations

from collections.abc import Sequence

from dongui_collector.site_check.destinations import origin_of, parts_of, place_of

_GOVERNS = {
    "script-src": ("script-src-elem", "script-src", "default-src"),
    "connect-src": ("connect-src", "default-src"),
}


def refused_directives(policies: Sequence[str], *, page: str, tag: str, nonce: str = "") -> list[str]:
    """Which of ``script-src`` and ``connect-src`` keep the snippet at ``tag`` from its work on ``page``.

    ``policies`` are the values of headers and ``<meta>`` elements; each of them must agree.
    """
    enforced = [_directives(policy) for value in policies for policy in value.split(",")]
    return [
        name
        for name, order in _GOVERNS.items()
        if any(
            not _allows(sources, page, tag, nonce if name == "script-src" else "")
            for policy in enforced
            if (sources := next((policy[one] for one in order if one in policy), None)) is not None
        )
    ]


def _directives(policy: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for directive in policy.split(";"):
        name, *sources = directive.split() or [""]
        found.setdefault(name.lower(), sources)
    return found


def _allows(sources: list[str], page: str, address: str, nonce: str) -> bool:
    if nonce and f"'nonce-{nonce}'" in sources:
        return True
    words = [source.lower() for source in sources]
    if "'strict-dynamic'" in words:
        return False  # addresses mean nothing beside it, and the snippet's tag stands in the markup
    return any(_matches(word, page, address) for word in words)


def _matches(source: str, page: str, address: str) -> bool:
    if source == "'self'":
        return origin_of(page) == origin_of(address)
    if source == "*":
        return True
    wanted, scheme = parts_of(address), parts_of(page).scheme
    if source.endswith(":"):
        return wanted.scheme in (source[:-1], *(("https",) if source == "http:" else ()))
    if "'" in source:
        return False
    given = parts_of(source if "://" in source else f"{wanted.scheme if scheme == 'http' else 'https'}://{source}")
    host, port = place_of(address)
    name = given.hostname or ""
    fits = host.endswith(name[1:]) if name.startswith("*.") else host == name
    ports = ":*" in source or port == place_of(f"{given.scheme}://{given.netloc}")[1]
    schemes = given.scheme == wanted.scheme or (given.scheme == "http" and wanted.scheme == "https")
    paths = (
        given.path in ("", "/")
        or wanted.path == given.path
        or (given.path.endswith("/") and wanted.path.startswith(given.path))
    )
    return bool(fits and ports and schemes and paths)
