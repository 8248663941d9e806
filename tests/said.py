"""The sentences that a module says, read from its source: what a table of another language must hold."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

from dongui.i18n import Message, Translations, translated

_CODE = re.compile(r"\[A-Z\]|^,? $|^ and $|^ [a-z]+$")
"""Constants with a space that are no sentences: patterns, separators, units."""


def sentences(module: ModuleType, *, but: tuple[str, ...] = ()) -> set[str]:
    """Every constant with a space in it, and everything that ``Said`` is called with; documentation, examples of
    values and ``but`` are none. A sentence put together by an f-string is a mistake: no table could know it."""
    tree = ast.parse(Path(module.__file__ or "").read_text("utf-8"))
    passed = set(_none_of_it(tree))
    found = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _name(node) == "Message" and isinstance(node.args[0], ast.Constant)
    }
    for node in (node for node in ast.walk(tree) if id(node) not in passed):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            found.add(node.value)
    return {text for text in found if isinstance(text, str) and not _CODE.search(text)} - set(but)


def assembled(module: ModuleType) -> list[str]:
    """f-strings that read like sentences: two words in a row, and not a line of a policy file."""
    tree = ast.parse(Path(module.__file__ or "").read_text("utf-8"))
    strings = (ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr))
    return [text for text in strings if re.search(r"[a-z]+ [a-z]+", re.sub(r"\{[^}]*\}", "", text))]


def lacks(table: Mapping[str, str], known: set[str]) -> list[str]:
    """What is wrong with a table: sentences it does not have, has in vain, or says with other facts."""
    found = [f"lacks {text!r}" for text in sorted(known - set(table))]
    found += [f"says in vain {text!r}" for text in sorted(set(table) - known)]
    return found + [f"other facts: {text!r}" for text in known & set(table) if _facts(text) != _facts(table[text])]


def _facts(sentence: str) -> set[tuple[str | None, str | None]]:
    return {(name, conversion) for _, name, _, conversion in string.Formatter().parse(sentence) if name is not None}


def _none_of_it(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) or (isinstance(node, ast.keyword) and node.arg == "example"):
            yield id(node.value)
        elif isinstance(node, ast.JoinedStr):
            yield from map(id, node.values)


def _name(call: ast.Call) -> str:
    return getattr(call.func, "id", "")


def untold(table: Translations, text: str) -> list[str]:
    """The sentences of one text, its facts included, that a table does not know."""
    facts = text.facts.values() if isinstance(text, Message) else ()
    inner = [sentence for fact in facts if isinstance(fact, Message) for sentence in untold(table, fact)]
    return inner if translated(table, text) is not None else [text, *inner]
