"""The catalogs as their sources say: texts by context and key, read with Babel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

FOLDER = Path(__file__).resolve().parent.parent / "python_sdk" / "dongui" / "locale"


@cache
def catalog(lang: str) -> Catalog:
    """The whole catalog of a language."""
    with (FOLDER / f"{lang}.po").open("rb") as file:
        return read_po(file, locale=lang, abort_invalid=True)


@cache
def entries(lang: str, context: str) -> dict[str, str]:
    """The texts of one context by their keys."""
    return {str(one.id): str(one.string) for one in catalog(lang) if one.context == context}


def contexts(lang: str) -> set[str]:
    """Every context that a language has texts of."""
    return {one.context for one in catalog(lang) if one.context}
