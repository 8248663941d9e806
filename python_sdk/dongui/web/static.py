"""What a site serves from its own origin without asking the collector: the snippet's files and its word on GPC. Pure
but for reading the package's own files once.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from importlib import resources

from dongui.rules.compiled_policy import CompiledPolicy
from dongui.web.proxy_rules import Local
from dongui.web.set_cookie import Headers

GPC_PATH = "/.well-known/gpc.json"

_SCRIPT = re.compile(r"/_dongui/v1/([a-z]+)(?:\.([0-9a-f]{12}))?\.js")
_HOUR, _YEAR = "public, max-age=3600", "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _Script:
    body: bytes
    zipped: bytes
    digest: str


@functools.cache
def _scripts() -> dict[str, _Script]:
    found = {}
    for entry in resources.files("dongui._browser").iterdir():
        if entry.name.endswith(".js"):
            body = entry.read_bytes()
            digest = hashlib.sha256(body).hexdigest()
            found[entry.name[:-3]] = _Script(body, gzip.compress(body, 9, mtime=0), digest)
    return found


def script(path: str, if_none_match: str, accept_encoding: str) -> Local | None:
    """A file of the snippet, also under its hashed name, which may be kept for a year. None for every other path.

    Here and not through the proxy, so that a collector that is away or slow does not slow a single page.
    """
    match = _SCRIPT.fullmatch(path)
    found = _scripts().get(match[1]) if match else None
    if match is None or found is None or (match[2] and not found.digest.startswith(match[2])):
        return None
    zipped = takes_gzip(accept_encoding)
    etag = f'"{found.digest[:32]}{"-gz" if zipped else ""}"'
    headers: Headers = [
        ("Cache-Control", _YEAR if match[2] else _HOUR),
        ("ETag", etag),
        ("Vary", "Accept-Encoding"),
    ]
    if etag in [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]:
        return Local(304, headers)
    body = found.zipped if zipped else found.body
    headers += [("Content-Type", "text/javascript; charset=utf-8"), ("Content-Length", str(len(body)))]
    headers += [("X-Content-Type-Options", "nosniff"), *([("Content-Encoding", "gzip")] if zipped else [])]
    return Local(200, headers, body)


def takes_gzip(accept_encoding: str) -> bool:
    """Whether a browser takes gzip."""
    return re.search(r"(?:^|,)\s*gzip\s*(?:,|;\s*q=(?!0(?:\.0*)?\s*(?:,|$))|$)", accept_encoding) is not None


def gpc(terms: CompiledPolicy) -> Local:
    """``/.well-known/gpc.json`` (W1): whether the signal is heeded, and since which policy."""
    heeds = any("gpc" in purpose["signals"] for purpose in terms.policy["purposes"].values())
    said = {"gpc": heeds, "lastUpdate": str(terms.policy.get("effective", ""))[:10]}
    body = json.dumps(said).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    return Local(200, [*headers, ("Cache-Control", "public, max-age=3600")], body)
