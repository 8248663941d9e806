"""At which domains a page can set cookies. Pure."""

from __future__ import annotations

import re

from dongui.web.origin import host_name

_MOST = 4
_NAME = re.compile(r"[a-z0-9.-]+")


def domains_above(host: str) -> list[str]:
    """The domains at which a page on ``host`` can set cookies, nearest first; none for an address or a bare name."""
    name = host_name(host)
    labels = name.split(".")
    if len(labels) < 2 or labels[-1].isdigit() or not _NAME.fullmatch(name) or "" in labels:
        return []
    return [".".join(labels[at:]) for at in range(min(len(labels) - 1, _MOST))]
