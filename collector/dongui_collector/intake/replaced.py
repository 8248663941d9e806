"""How often a personal pattern was replaced in what is recorded, wherever that happened: numbers alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dongui_collector.storage.contract.values import Row

KINDS = ("email", "phone", "rrn")  # as ``dongui.rules.personal`` marks them
_MARKS = tuple((kind, f"[{kind}]") for kind in KINDS)


def replaced(row: Row) -> Iterator[tuple[str, int]]:
    """(kind, how often) for each kind of pattern that the snippet, the middleware or the collector replaced in a row.

    A visitor who types the mark itself counts as well: it is a number for the site's people, who look whether their
    pages put such things into addresses, and whether something else is taken for them.
    """
    texts = [text for text in (row.url, row.referrer, row.search, row.props) if text is not None and "[" in text]
    for kind, mark in _MARKS if texts else ():
        if number := sum(text.count(mark) for text in texts):
            yield kind, number
