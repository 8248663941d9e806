"""The snippet's tag, put into pages as they pass. Pure; the shells hold an answer back until its first part.

Only what is certainly a whole page, and certainly readable, is touched: anything else leaves as it came.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from dongui.policy import inline_stub, stub_warnings
from dongui.rules.compiled_policy import CompiledPolicy
from dongui.web.html_head import NOWHERE, is_wide, place
from dongui.web.set_cookie import Headers
from dongui.web.validators import marked

_PRESENT = b"/v1/dongui.js"
_ASCII_ALIKE = re.compile(
    r"utf-8|us-ascii|iso-8859-\d+|windows-\d+|euc-kr|ks_c_5601-1987|cp949|euc-jp|shift_jis|gbk?|gb2312|gb18030|big5"
)
_UNTOUCHABLE = {"content-encoding", "content-md5", "digest", "content-digest", "repr-digest", "content-range"}
_DOCUMENTS = ("document", "iframe", "frame")


def is_page(status: str, headers: Headers, fetch_dest: str) -> bool:
    """Whether an answer is HTML that a navigation asked for, or may have."""
    if status[:3] != "200" or fetch_dest not in ("", *_DOCUMENTS):
        return False
    return any(name.lower() == "content-type" and _kind(value) == "text/html" for name, value in headers)


def is_document(fetch_dest: str) -> bool:
    """Whether the browser says that it will show the answer as a page."""
    return fetch_dest in _DOCUMENTS


def obstacle(headers: Headers) -> str:
    """What stands against changing a page, empty for nothing: it is compressed, signed, forbidden (``no-transform``),
    or in a charset whose letters ASCII does not share.
    """
    for name, value in headers:
        key = name.lower()
        if key in _UNTOUCHABLE:
            return f"{name}: {value}" if key == "content-encoding" else name
        if key == "cache-control" and "no-transform" in value.lower():
            return "Cache-Control: no-transform"
        if key == "content-type":
            charset = value.lower().partition("charset=")[2].partition(";")[0].strip(" \t\"'")
            if charset and not _ASCII_ALIKE.fullmatch(charset):
                return "Content-Type with a charset that ASCII does not share"
    return ""


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


class PageTag:
    """The inline stub of Consent Mode (W2), where it is wanted, and the snippet's tag. The same for every visitor.

    ``stub``: the option ``consent_mode``. Compiled anew when the policy changes.
    """

    def __init__(self, site: str, domain: str, stub: bool | Mapping[str, Any]) -> None:
        self._site = site
        self._domain = domain
        self._wants_stub = bool(stub)
        self._options = dict(stub) if isinstance(stub, Mapping) else {}
        self._made: tuple[CompiledPolicy, str] | None = None
        doubtful = {name: value for name, value in self._options.items() if name in _DOUBTFUL}
        self.warnings = stub_warnings(**doubtful)

    @property
    def has_stub(self) -> bool:
        """Whether the inline stub is wanted."""
        return self._wants_stub

    def tag(self, root: str, nonce: str = "") -> bytes:
        """The script tag. ``root``: the path that the application is mounted at, as WSGI has it. The snippet itself
        leaves out the views that the server has recorded.
        """
        mounted = escape(quote(root, safe="/~!$&'()*+,;=:@", encoding="latin-1", errors="replace"))
        text = f'<script async src="{mounted}/_dongui/v1/dongui.js" data-site="{escape(self._site)}"'
        text += f' data-domain="{escape(self._domain)}"' if self._domain else ""
        return (text + _nonce(nonce) + "></script>").encode()

    def stub(self, terms: CompiledPolicy, nonce: str = "") -> bytes:
        """The inline ``<script>``, in ASCII, so that it reads the same in every charset that takes it."""
        if not self._wants_stub:
            return b""
        made = self._made
        if made is None or made[0] is not terms:
            facts = terms.policy if terms.known else _NOTHING_KNOWN
            text = inline_stub(facts, shared=bool(self._domain), **self._options)
            escaped = "".join(c if c < "\x80" else json.dumps(c)[1:-1] for c in text)
            self._made = made = (terms, escaped.removeprefix("<script>"))
        return f"<script{_nonce(nonce)}>{made[1]}".encode("ascii")

    def mark(self, terms: CompiledPolicy) -> str:
        """What tells pages with this tag and stub from those with another, in their validators."""
        return hashlib.sha256(self.stub(terms) + self.tag("")).hexdigest()[:12]


def _nonce(nonce: str) -> str:
    return f' nonce="{escape(nonce)}"' if nonce else ""


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


def lengthened(headers: Headers, more: int, mark: str = "") -> Headers:
    """The headers of a page that is ``more`` bytes longer now: another representation of it, with a tag of its own.

    Byte ranges and the time of its last change would be those of the page as it was.
    """
    out = []
    for name, value in headers:
        key = name.lower()
        if key == "content-length" and (length := value.strip()).isascii() and length.isdigit() and len(length) < 16:
            value = str(int(length) + more)
        elif key == "etag" and mark:
            value = marked(value, mark)
        if key not in ("accept-ranges", "last-modified"):
            out.append((name, value))
    return out


class TagInjector:
    """Puts a tag into a page that comes in parts: :meth:`first`, then :meth:`more` for each further one, :meth:`end`.

    ``known_length``: the page's length was promised, so that all is decided by its first part. ``is_document``: the
    browser will show it as a page. ``mark`` tells the page apart in its validators; ``on_tag`` is called once a place
    was found, ``on_wide`` where the page's first bytes tell a charset that takes no ASCII.
    """

    def __init__(
        self,
        tag: bytes,
        *,
        known_length: bool,
        is_document: bool = False,
        mark: str = "",
        on_tag: Callable[[], object] = lambda: None,
        on_wide: Callable[[], object] = lambda: None,
    ) -> None:
        self._tag = tag
        self._known_length = known_length
        self._is_document = is_document
        self._mark = mark
        self._on_tag = on_tag
        self._on_wide = on_wide
        self._kept = b""
        self._seeking = False

    def headers(self, headers: Headers, longer: int | None) -> Headers:
        """The page's headers after :meth:`first`."""
        return headers if longer is None else lengthened(headers, longer, self._mark)

    def first(self, part: bytes) -> tuple[bytes, int | None]:
        """(what goes out, how much longer the page gets); None: the page stays as it is."""
        at = NOWHERE if not part or _PRESENT in part else self._place(part)
        if at is None and not self._known_length:
            self._kept, self._seeking = part, True
            return b"", len(self._tag)
        if at is None or at == NOWHERE:
            return part, None
        self._on_tag()
        return part[:at] + self._tag + part[at:], len(self._tag)

    def more(self, part: bytes) -> bytes:
        """What goes out for a further part; empty while the place is still sought."""
        if not self._seeking:
            return part
        self._kept += part
        at = self._place(self._kept)
        if at is None and len(self._kept) < _SOUGHT_IN:
            return b""
        if at is not None and at != NOWHERE and _PRESENT not in self._kept:
            self._on_tag()
            self._kept = self._kept[:at] + self._tag + self._kept[at:]
        return self.end()

    def _place(self, page: bytes) -> int | None:
        if is_wide(page):
            self._on_wide()
        return place(page, is_document=self._is_document)

    def end(self) -> bytes:
        """What is still kept back."""
        kept, self._kept, self._seeking = self._kept, b"", False
        return kept


_SOUGHT_IN = 16 * 1024
