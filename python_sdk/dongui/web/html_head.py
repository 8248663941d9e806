"""Where in the beginning of an HTML page a script belongs. Pure.

Only what stands before the head's content is read, as the HTML standard's tokenizer reads it: comments, declarations,
``<html>``, ``<head>``. The bytes ``<head>`` in a script, a text area, a title, an attribute or a comment are never met.
"""

from __future__ import annotations

import re

NOWHERE = -1

_SPACE = re.compile(rb"[ \t\r\n\f]*+")
_COMMENT = re.compile(rb"<!--(?:-?>|.*?--!?>)", re.DOTALL)
_TAG = re.compile(
    rb"<(html|head|meta)(?=[ \t\r\n\f/>])(?:[^>=]|=[ \t\r\n\f]*+(?:\"[^\"]*\"|'[^']*'|(?![\"'])))*+>", re.IGNORECASE
)
_STARTS = (b"<!doctype", b"<!--", b"<html", b"<head", b"<meta", b"<body")
_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")  # UTF-16, UTF-32; they outweigh what a header says
_ALL_BOMS = (_BOM, *_WIDE_BOMS)


def is_wide(page: bytes) -> bool:
    """Whether a page's first bytes tell a charset whose letters are more than a byte each: ASCII would break it."""
    return page.startswith(_WIDE_BOMS) or b"\0" in page[:4]


def place(page: bytes, *, is_document: bool = False) -> int | None:
    """Where the tag goes: right after ``<head>`` and a ``<meta>`` that tells the charset; in a page without a head,
    where its head would begin.

    None while ``page``, its beginning, does not tell yet; :data:`NOWHERE` for what is no page but a fragment of one.
    ``is_document``: a browser asked for it as a page, whatever it looks like.
    """
    if is_wide(page):
        return NOWHERE
    if any(mark.startswith(page) for mark in _ALL_BOMS):
        return None
    at = len(_BOM) if page.startswith(_BOM) else 0
    is_page, in_head = is_document, False
    while True:
        at = _after_space(page, at)
        rest = page[at : at + 9].lower()
        if rest.startswith(b"<!--"):
            comment = _COMMENT.match(page, at)
            if comment is None:
                return None
            at = comment.end()
        elif rest.startswith((b"<!", b"<?")) and not in_head:
            if len(rest) < 9 and b">" not in rest:
                return None  # cut off
            end = page.find(b">", at)
            if end < 0:
                return None
            is_page = is_page or rest == b"<!doctype"
            at = end + 1
        elif (tag := _TAG.match(page, at)) and _goes_on(tag, in_head=in_head):
            is_page = True
            in_head = in_head or tag[1].lower() == b"head"
            at = tag.end()
        elif _may_become_one(page, at, rest):
            return None
        elif rest.startswith(b"<body"):
            return at
        else:
            return at if is_page else NOWHERE


def _after_space(page: bytes, at: int) -> int:
    space = _SPACE.match(page, at)
    return at if space is None else space.end()


def _goes_on(tag: re.Match[bytes], *, in_head: bool) -> bool:
    """Whether the place is behind this tag. The charset must stay among the first 1,024 bytes, so it goes first."""
    if tag[1].lower() == b"meta":
        return b"charset" in tag[0].lower()
    return not in_head


def _may_become_one(page: bytes, at: int, rest: bytes) -> bool:
    """Whether what follows is the beginning of something that is cut off."""
    if any(start.startswith(rest) for start in _STARTS):
        return True
    return (
        rest.startswith((b"<html", b"<head", b"<meta")) and rest[5:6] in b" \t\r\n\f/" and _TAG.match(page, at) is None
    )
