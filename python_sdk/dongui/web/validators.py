"""The validators of a page that was changed on its way (RFC 9110, section 8.8). Pure.

A changed body is another representation: its ETag carries a mark of what was put in, and what a browser holds with
another mark is not confirmed.
"""

from __future__ import annotations

import re

_TAG = re.compile(r'(W/)?"([!#-~\x80-\xff]*)"')
_SEPARATOR = "-dongui-"


def marked(etag: str, mark: str) -> str:
    """The ETag of a page with something put in; what is no ETag stays as it is."""
    match = _TAG.fullmatch(etag.strip())
    return f'{match[1] or ""}"{match[2]}{_SEPARATOR}{mark}"' if match else etag


def unmarked(if_none_match: str, mark: str, *, only_marked: bool) -> str:
    """An ``If-None-Match`` as the application understands it: tags with this ``mark`` without it; those with another
    mark are gone, since that page holds another tag. ``only_marked``: those without any as well.
    """
    kept = []
    for match in _TAG.finditer(if_none_match):
        plain, separator, held = match[2].rpartition(_SEPARATOR)
        if not separator:
            kept += [] if only_marked else [match[0]]
        elif held == mark:
            kept.append(f'{match[1] or ""}"{plain}"')
    return ", ".join(kept)
