"""The snippet's tag, put into pages as they pass. Pure; the shells hold an answer back until its first part.

Only what is certainly a whole page, and certainly readable, is touched: anything else leaves as it came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from typing import Any

from dongui.compiled_policy import CompiledPolicy
from dongui.policy import inline_stub, stub_warnings
from dongui.web.set_cookie import Headers

_HEAD = re.compile(rb"<!--.*?-->|<head(?:\s[^>]*)?>", re.IGNORECASE | re.DOTALL)
_FIRST = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|!--)", re.IGNORECASE)
_PRESENT = b"/v1/dongui.js"
_NONCE = re.compile(r"(?:script-src|script-src-elem|default-src)\s[^;]*'nonce-([A-Za-z0-9+/=_-]+)'")
_ASCII_ALIKE = re.compile(
    r"utf-8|us-ascii|iso-8859-\d+|windows-\d+|euc-kr|ks_c_5601-1987|cp949|euc-jp|shift_jis|gbk?|gb2312|gb18030|big5"
)
_UNTOUCHABLE = {"content-encoding", "content-md5", "digest", "content-digest", "repr-digest", "content-range"}


def takes_tag(status: str, headers: Headers, fetch_dest: str) -> bool:
    """Whether an answer may be a page that takes the tag: whole, HTML, not compressed, not signed, not forbidden
    (``no-transform``), in a charset whose letters ASCII shares, and asked for by a navigation.
    """
    if status[:3] != "200" or fetch_dest not in ("", "document", "iframe", "frame"):
        return False
    html = False
    for name, value in headers:
        key = name.lower()
        if key in _UNTOUCHABLE or (key == "cache-control" and "no-transform" in value.lower()):
            return False
        if key == "content-type":
            kind, _, parameters = value.lower().partition(";")
            charset = parameters.partition("charset=")[2].partition(";")[0].strip(" \t\"'")
            html = kind.strip() == "text/html" and (not charset or _ASCII_ALIKE.fullmatch(charset) is not None)
    return html


def place(page: bytes) -> int | None:
    """Where in the beginning of a page the tag belongs: right after ``<head>``. None when that is not there."""
    for match in _HEAD.finditer(page):
        if not match[0].startswith(b"<!--"):
            return match.end()
    return None


def tag(site: str, root: str, headers: Headers) -> bytes:
    """The script tag. ``root`` is the path that the application is mounted at; a nonce that the page's
    Content-Security-Policy names is taken over. The snippet itself leaves out the views that the server has recorded.
    """
    nonce = next((found[1] for name, value in headers if name.lower() in _CSP and (found := _NONCE.search(value))), "")
    text = f'<script async src="{escape(root)}/_dongui/v1/dongui.js" data-site="{escape(site)}"'
    return (text + (f' nonce="{nonce}"' if nonce else "") + "></script>").encode()


class Stub:
    """The inline stub of Consent Mode (W2), compiled anew when the policy changes. The same for every visitor."""

    def __init__(self, options: bool | Mapping[str, Any]) -> None:
        self._options = dict(options) if isinstance(options, Mapping) else {}
        self._made: tuple[CompiledPolicy, str] | None = None
        doubtful = {name: value for name, value in self._options.items() if name in _DOUBTFUL}
        self.warnings = stub_warnings(**doubtful)

    def element(self, terms: CompiledPolicy, nonce: str = "") -> bytes:
        """The ``<script>`` element, in ASCII, so that it reads the same in every charset that takes it."""
        made = self._made
        if made is None or made[0] is not terms:
            text = inline_stub(terms.policy if terms.known else _NOTHING_KNOWN, **self._options)
            escaped = "".join(c if c < "\x80" else json.dumps(c)[1:-1] for c in text)
            self._made = made = (terms, escaped.removeprefix("<script>"))
        attribute = f' nonce="{escape(nonce)}"' if nonce else ""
        return f"<script{attribute}>{made[1]}".encode("ascii")


_DOUBTFUL = ("advanced", "url_passthrough", "ads_data_redaction", "region")

# Before any policy is known nothing is granted: Google's tags are told so as well.
_NOTHING_KNOWN = {
    "accepts": [],
    "choice_seconds": 0,
    "purposes": {
        "unknown": {
            "basis": "consent",
            "signals": [],
            "google_consent": ["ad_storage", "ad_user_data", "ad_personalization", "analytics_storage"],
            "urls": [],
        }
    },
}

_CSP = {"content-security-policy", "content-security-policy-report-only"}


def lengthened(headers: Headers, more: int) -> Headers:
    """The headers of a page that is ``more`` bytes longer now. Byte ranges would be those of the page as it was."""
    out = []
    for name, value in headers:
        key = name.lower()
        if key == "content-length" and value.strip().isdigit():
            value = str(int(value) + more)
        if key != "accept-ranges":
            out.append((name, value))
    return out


class TagInjector:
    """Puts a tag into a page that comes in parts: :meth:`first`, then :meth:`more` for each further one, :meth:`end`.

    ``known_length``: the page's length was promised, so that all is decided by its first part.
    """

    def __init__(self, tag: bytes, *, known_length: bool) -> None:
        self._tag = tag
        self._known_length = known_length
        self._kept = b""
        self._seeking = False

    def first(self, part: bytes) -> tuple[bytes, int | None]:
        """(what goes out, how much longer the page gets); None: the page stays as it is."""
        if not _FIRST.match(part) or _PRESENT in part:
            return part, None
        at = place(part)
        if at is not None:
            return part[:at] + self._tag + part[at:], len(self._tag)
        if self._known_length:
            return part, None
        self._kept, self._seeking = part, True
        return b"", len(self._tag)

    def more(self, part: bytes) -> bytes:
        """What goes out for a further part; empty while the place is still sought."""
        if not self._seeking:
            return part
        self._kept += part
        at = place(self._kept)
        if at is not None and _PRESENT not in self._kept:
            self._kept = self._kept[:at] + self._tag + self._kept[at:]
        elif at is None and len(self._kept) < _SOUGHT_IN:
            return b""
        return self.end()

    def end(self) -> bytes:
        """What is still kept back."""
        kept, self._kept, self._seeking = self._kept, b"", False
        return kept


_SOUGHT_IN = 16 * 1024
