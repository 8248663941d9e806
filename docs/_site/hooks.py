"""What the site adds to the pages of this folder: generated reference, and links that lead out of the folder.

``make docs`` runs it through mkdocs. The pages stay plain Markdown, so that they read the same in the repository.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

import reference  # mkdocs puts this folder on the path

DOCS = Path(__file__).resolve().parent.parent
_MARK = re.compile(r"^<!-- reference: (\w+) -->$", re.M)
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
_FENCE = re.compile(r'^( *```\w+) not-run="[^"]*"$', re.M)  # the reason is for the tests (tests/documentation)


def on_page_markdown(markdown: str, *, page: Any, **_: object) -> str:
    """The page as mkdocs gets it."""
    text = _MARK.sub(lambda match: reference.PARTS[match[1]](), markdown)
    return _FENCE.sub(r"\1", without_links_outside(text, page.file.src_uri))


def without_links_outside(text: str, page: str) -> str:
    """Links to files of the repository that are no pages become the name of the file; others stay."""

    def mend(match: re.Match[str]) -> str:
        image, words, target = match.groups()
        if image or "://" in target or target.startswith(("#", "mailto:")):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target.partition("#")[0]))
        if path.startswith("../"):
            return f"{words} (`{path.removeprefix('../')}`)" if path[3:] not in words else words
        if (DOCS / path).is_dir():
            return f"[{words}]({target}/README.md)"
        return match[0]

    return _LINK.sub(mend, text)
