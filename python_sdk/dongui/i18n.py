"""Sentences for people that can be said in another language: English texts that still know how they came about.

What is said stays a ``str`` in English, for terminals, logs and JSON. Who shows it to a person looks its sentence up
in a table of that person's language, and puts the same facts into it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

Table = Mapping[str, str]
"""English sentences, with their ``{facts}`` open, and what they are in another language."""


class Message(str):
    """An English ``sentence`` with its ``facts`` filled in, as in :meth:`str.format`. A fact may itself be said."""

    sentence: str
    facts: Mapping[str, object]

    def __new__(cls, sentence: str, /, **facts: object) -> Message:
        said = super().__new__(cls, sentence.format(**facts))
        said.sentence, said.facts = sentence, facts
        return said

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:  # for copies and pickles: never of the text
        return (self.sentence,), dict(self.facts)


def in_words_of(table: Table, text: str) -> str | None:
    """A text as ``table`` says it; None where it does not know the sentence. A text without facts is its sentence.

    Facts that are said, but not known to the table, stay English within a sentence that is.
    """
    known = table.get(text.sentence if isinstance(text, Message) else text)
    if known is None or not isinstance(text, Message):
        return known
    facts = {name: in_words_of(table, fact) or fact for name, fact in text.facts.items() if isinstance(fact, Message)}
    return known.format(**{**text.facts, **facts})


@cache
def tables(package: str, file: str = "said.toml") -> Mapping[str, Table]:
    """The tables beside a package's code by language, from a TOML file with one ``[language]`` each."""
    return tomllib.loads((files(package) / file).read_text("utf-8"))
