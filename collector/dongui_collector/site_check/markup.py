"""What the markup of a page asks for, read without running it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from dongui_collector.site_check.model import MOST_ADDRESSES, SnippetTag, bare, clean

SNIPPET = "/v1/dongui.js"
_FETCHING = {"script": "src", "iframe": "src", "img": "src", "embed": "src", "object": "data", "link": "href"}
_INERT = ("template", "noscript")  # a browser with scripts runs nothing of them
_LINKS = ("stylesheet", "preload", "modulepreload", "icon")
_SCRIPTS = ("", "module", "text/javascript", "application/javascript")


@dataclass(slots=True)
class Markup:
    """The snippet's tags, other addresses that are asked for without a consent, and policies in ``<meta>``."""

    tags: list[SnippetTag] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)
    nonces: list[str] = field(default_factory=list)  # of the snippet's tags


def markup_of(html: str, url: str) -> Markup:
    """Read the markup of the page at ``url``."""
    reader = _Reader(url)
    reader.feed(html)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url, self._inert, self.found = url, 0, Markup()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _INERT:
            self._inert += 1
        elif not self._inert:
            self._element(tag, {name: value or "" for name, value in reversed(attrs)})

    def handle_endtag(self, tag: str) -> None:
        if tag in _INERT and self._inert:
            self._inert -= 1

    def _element(self, tag: str, given: dict[str, str]) -> None:
        if tag == "meta" and given.get("http-equiv", "").lower() == "content-security-policy":
            self.found.policies.append(given.get("content", ""))
        address = self._resolved(given.get(_FETCHING.get(tag, "-"), ""))
        if tag == "script" and address and urlsplit(address).path.endswith(SNIPPET):
            self.found.tags.append(SnippetTag(clean(address), clean(given.get("data-site", ""))))
            self.found.nonces.append(given.get("nonce", ""))
        elif address and _asks(tag, given) and len(self.found.requests) < MOST_ADDRESSES:
            self.found.requests.append(bare(address))

    def _resolved(self, value: str) -> str:
        try:
            address = urljoin(self._url, value.strip()) if value.strip() else ""
            return address if urlsplit(address).scheme in ("http", "https") else ""
        except ValueError:
            return ""


def _asks(tag: str, given: dict[str, str]) -> bool:
    if tag == "script":
        return given.get("type", "").strip().lower() in _SCRIPTS
    if tag == "link":
        return any(one in _LINKS for one in given.get("rel", "").lower().split())
    return True
