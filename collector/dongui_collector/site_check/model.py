"""What a look at a page is asked for, and what it found. Plain values: they pass between two processes as JSON.

The page is anybody's, so nothing here is shown as it came: :mod:`dongui_collector.site_check.judge` makes sentences of
it, and texts of the page within them are cut and cleaned of control characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

MOST_ADDRESSES = 200
LONGEST = 300  # characters of an address or a name that are kept

Outcome = Literal[
    "ok", "not_listed", "no_address", "private", "unreachable", "certificate", "timeout", "redirect_out", "status"
]
Browser = Literal["chromium", "none", "no_start"]


class VisitRequest(msgspec.Struct, frozen=True):
    """The page to look at, and the only places that may be asked on the way.

    :param url: the page; its origin is one of ``origins``.
    :param origins: the site's listed origins.
    :param loopback: whether this machine itself may be asked, where ``origins`` or ``door`` name it.
    :param door: host and port of the installation's public door.
    :param site: the site's id, for what the page is made to ask the collector.
    :param browser: the Chromium to use; None for plain HTTP.
    :param seconds: how long scripts have after the page has loaded.
    """

    url: str
    origins: Sequence[str]
    loopback: bool
    door: tuple[str, int]
    site: str
    browser: str | None = None
    seconds: float = 2.0


class SnippetTag(msgspec.Struct, frozen=True):
    """A ``<script>`` of the snippet: its address as the browser resolves it, and ``data-site``."""

    src: str
    site: str


class CallAnswer(msgspec.Struct, frozen=True):
    """What a call of the collector from the page was answered: status 0 where the browser gave none."""

    status: int
    problem: str = ""


class PageVisit(msgspec.Struct):
    """What one look at a page found.

    ``where`` is the origin that the outcome is about; ``snippet`` the answer to the tag's address; ``runs`` whether the
    snippet made its interface (None: not looked at); ``notice`` and ``write`` what the page's own calls were answered;
    ``cookies`` names that were set without any consent; ``requests`` the addresses that were asked for, without query;
    ``refused`` the directives of a Content-Security-Policy that keep the snippet out.
    """

    outcome: Outcome = "ok"
    where: str = ""
    status: int = 0
    browser: Browser = "none"
    url: str = ""
    tags: list[SnippetTag] = []
    snippet: CallAnswer | None = None
    runs: bool | None = None
    notice: CallAnswer | None = None
    write: CallAnswer | None = None
    cookies: list[str] = []
    cookies_kept: bool | None = None
    requests: list[str] = []
    refused: list[str] = []


def clean(text: str) -> str:
    """A text of a page for a terminal or a log: printable ASCII alone, and short."""
    return "".join(one if " " <= one <= "~" else "?" for one in text[:LONGEST])


def bare(address: str) -> str:
    """An address without its query, which may hold what nobody needs to see."""
    return clean(address.partition("#")[0].partition("?")[0])
