"""Words for people, in their language, from the gettext catalogs in ``locale/``.

A text of a fixed place has a context and a key: ``words("ko", "console")["due"]``. A sentence of the code is a
:class:`Message`: it stays English for terminals, logs and JSON, and still knows how it came about, so that whoever
shows it to a person can put it into that person's language (:func:`translated`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from typing import Any, Protocol

LANGUAGES = ("ko", "en")
"""Every language that there is a catalog of; the first is what is shown to whoever speaks none of them."""

MESSAGES = "message"
"""The context of the sentences of the code, which are their own English."""


class Translations(Protocol):
    """Texts of one language by key."""

    def get(self, key: str, /) -> str | None:
        """The text; None where there is none."""


class Words:
    """The texts of one ``context`` in one language. A missing one raises :class:`KeyError`, as in a mapping."""

    __slots__ = ("_catalog", "_context")

    def __init__(self, catalog: GNUTranslations, context: str) -> None:
        self._catalog = catalog
        self._context = context

    def __getitem__(self, key: str) -> str:
        return self._catalog.pgettext(self._context, key)

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def get(self, key: str, default: Any = None) -> Any:
        """The text of ``key``, else ``default``."""
        try:
            return self[key]
        except KeyError:
            return default


class Message(str):
    """An English ``sentence`` with its ``facts`` filled in, as in :meth:`str.format`. A fact may be a message too."""

    sentence: str
    facts: Mapping[str, object]

    def __new__(cls, sentence: str, /, **facts: object) -> Message:
        message = super().__new__(cls, sentence.format(**facts))
        message.sentence, message.facts = sentence, facts
        return message

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:  # for copies and pickles: never of the text
        return (self.sentence,), dict(self.facts)


def words(lang: str, context: str) -> Words:
    """The texts of ``context`` in ``lang``, one of :data:`LANGUAGES`."""
    return Words(_catalog(lang), context)


def texts(context: str, key: str) -> dict[str, str]:
    """One text in every language."""
    return {lang: words(lang, context)[key] for lang in LANGUAGES}


def translated(table: Translations, text: str) -> str | None:
    """A text in the language of ``table``; None where it does not know the sentence.

    A text without facts is its own sentence. Facts that are messages, but not known to the table, stay English within
    a sentence that is.
    """
    known = table.get(text.sentence if isinstance(text, Message) else text)
    if known is None or not isinstance(text, Message):
        return known
    facts = {name: translated(table, fact) or fact for name, fact in text.facts.items() if isinstance(fact, Message)}
    return known.format(**{**text.facts, **facts})


def counted(lang: str, one: str, many: str, n: int) -> str:
    """``n`` of something, in the plural form of the language; ``one`` and ``many`` are the English forms."""
    return _catalog(lang).ngettext(one, many, n).format(n=n)


class _Strict(NullTranslations):
    """Behind every catalog: ``gettext`` would show the key for a text that is missing."""

    def pgettext(self, context: str, message: str) -> str:
        raise KeyError(message)


@cache
def _catalog(lang: str) -> GNUTranslations:
    with (files("dongui.locale") / f"{lang}.mo").open("rb") as file:
        catalog = GNUTranslations(file)
    catalog.add_fallback(_Strict())
    return catalog
