"""Errors of the public door: RFC 9457 problem documents with stable types that never echo what was sent."""

from __future__ import annotations

from typing import Any

import msgspec

_TITLES = {
    "malformed": (400, "The request is malformed"),
    "unauthorised": (401, "A valid secret key, visitor id or listed Origin is needed"),
    "origin-not-listed": (403, "This Origin is not on the site's list"),
    "forbidden": (403, "This is not allowed"),
    "not-found": (404, "There is nothing here"),
    "unknown-site": (404, "There is no such site"),
    "not-published": (404, "This site has no published policy yet"),
    "unknown-visitor": (404, "Nothing is held under this visitor id"),
    "method-not-allowed": (405, "This method is not allowed here"),
    "timeout": (408, "The request took too long to arrive"),
    "superseded-notice": (409, "Another notice version is in force"),
    "decision-conflict": (409, "Another decision has this id"),
    "no-live-purpose": (409, "No live purpose of this visitor covers this"),
    "cursor-expired": (410, "What this cursor stands for is no longer known"),
    "too-large": (413, "The body is larger than 64 KiB"),
    "too-large-inside": (413, "What the compressed body holds is larger than 64 KiB"),
    "unsupported-encoding": (415, "The body is encoded in a way that is not taken here"),
    "rate-limited": (429, "Too many requests from this address"),
    "internal": (500, "The collector made a mistake"),
    "unavailable": (503, "Nothing can be stored right now; try again later"),
}
PROBLEMS = _TITLES  # slug → status and title, for who describes them
_RETRY_AFTER = {"rate-limited": 5, "unavailable": 10}


class Problem(Exception):
    """An answer that is an error. ``detail`` names the field and the remedy, never the value."""

    def __init__(self, slug: str, detail: str = "", **members: Any) -> None:
        super().__init__(slug)
        self.slug = slug
        self.status, title = _TITLES[slug]
        self.body = msgspec.json.encode(
            {
                "type": f"urn:dongui:problem:{slug}",
                "title": title,
                "status": self.status,
                **({"detail": detail} if detail else {}),
                **members,
            }
        )
        self.headers: list[tuple[bytes, bytes]] = [
            (b"content-type", b"application/problem+json"),
            (b"cache-control", b"no-store"),
        ]
        if slug in _RETRY_AFTER:
            self.headers.append((b"retry-after", str(_RETRY_AFTER[slug]).encode()))
        if slug == "unsupported-encoding":
            self.headers.append((b"accept-encoding", str(members["takes"]).encode()))
        if slug == "unauthorised":
            self.headers.append((b"www-authenticate", b"Bearer"))
