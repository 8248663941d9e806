"""Reading one TOML table strictly: each key has a type, unknown keys and wrong values are collected, not raised.

A reader answers a usable stand-in where the file is wrong, so that one pass finds every problem. Whoever made it must
look at ``problems`` before using what came out.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

from dongui.i18n import Message
from dongui.policy.findings import Finding
from dongui.policy.period import Period

T = TypeVar("T")
_DAY = Period(days=1)


class Problems(list[Finding]):
    """The findings of one file."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self.file = file

    def error(self, key: str, message: str, remedy: str, rule: str = "") -> None:
        self.append(Finding("error", key, message, remedy, self.file, rule))


class TomlTable:
    """One table of the file under its dotted ``path``. Every key must be asked for before :meth:`done`."""

    def __init__(self, raw: Any, path: str, problems: Problems, languages: Sequence[str] = ()) -> None:
        self.path = path
        self.problems = problems
        self.languages = languages
        self._asked: set[str] = set()
        if not isinstance(raw, dict):
            self.wrong(
                "", Message("is not a table but {kind}", kind=_kind(raw)), Message("write it as [{path}]", path=path)
            )
            raw = {}
        self.raw: dict[str, Any] = raw

    def key(self, name: str) -> str:
        return f"{self.path}.{name}".strip(".")

    def wrong(self, name: str, message: str, remedy: str, rule: str = "") -> None:
        self.problems.error(self.key(name), message, remedy, rule)

    def done(self) -> None:
        """Report the keys that nobody asked for, each with the known key that is spelt most like it."""
        for name in self.raw:
            if name not in self._asked:
                near = difflib.get_close_matches(name, self._asked, 1)
                remedy = (
                    Message("did you mean {near}?", near=near[0])
                    if near
                    else Message("remove it; known here: {keys}", keys=", ".join(sorted(self._asked)))
                )
                self.wrong(name, "is not a key of the schema", remedy)

    def forgive(self, name: str) -> None:
        """A key that the caller read, or refused, itself."""
        self._asked.add(name)

    def has(self, name: str) -> bool:
        return name in self.raw

    def _value(self, name: str, kind: type, what: Message, default: Any, example: str) -> Any:
        """The value of a key if it is of ``kind``, the default if absent. A default of None makes the key required."""
        self._asked.add(name)
        if name not in self.raw:
            if default is None:
                self.wrong(
                    name,
                    "is missing",
                    Message("add {what}, such as {name} = {example}", what=what, name=name, example=example),
                )
            return default
        value = self.raw[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.wrong(
                name,
                Message("is not {what} but {kind}", what=what, kind=_kind(value)),
                Message("write {name} = {example}", name=name, example=example),
            )
            return default
        return value

    def string(
        self, name: str, *, example: str, default: str | None = None, pattern: re.Pattern[str] | None = None
    ) -> str:
        value = self._value(name, str, Message("a text"), default, f'"{example}"')
        if value is None:
            return ""
        if not value.strip() and default is None:
            self.wrong(name, "is empty", Message('write {name} = "{example}"', name=name, example=example))
        elif pattern is not None and value != default and not pattern.fullmatch(value):
            self.wrong(
                name,
                Message("{value!r} has another form than {pattern}", value=value[:40], pattern=pattern.pattern),
                Message('write {name} = "{example}"', name=name, example=example),
            )
        return str(value)

    def optional_string(self, name: str, *, example: str, pattern: re.Pattern[str] | None = None) -> str | None:
        return self.string(name, example=example, default="", pattern=pattern) or None

    def word(self, name: str, words: Sequence[str], *, default: str | None = None) -> Any:
        """One of a closed list of words."""
        value = self._value(name, str, Message("one of {words}", words=", ".join(words)), default, f'"{words[0]}"')
        if value is not None and value not in words:
            self.wrong(
                name,
                Message("{value!r} is not known", value=value[:40]),
                Message("choose one of {words}", words=", ".join(words)),
            )
            return default or words[0]
        return value or words[0]

    def flag(self, name: str) -> bool:
        return bool(self._value(name, bool, Message("true or false"), False, "false"))

    def integer(self, name: str, *, example: int, default: int | None = None) -> int:
        value = self._value(name, int, Message("a whole number"), default, str(example))
        if value is not None and not 0 <= value < 1000:
            self.wrong(
                name,
                Message("{value} is out of range", value=value),
                Message("write {name} = {example}", name=name, example=example),
            )
        return value or 0

    def day(self, name: str) -> date:
        value = self._value(name, date, Message("a date"), None, "2026-11-23")
        if isinstance(value, datetime):
            self.wrong(name, "has a time of day", "a notice takes effect when a day begins: write 2026-11-23")
        return value or date.min

    def period(self, name: str, *, example: str = "P1Y") -> Period:
        return self.optional_period(name, default=None, example=example) or _DAY

    def optional_period(self, name: str, *, default: str | None = "", example: str = "P1Y") -> Period | None:
        value = self._value(name, str, Message("a period"), default, f'"{example}"')
        if not value:
            if value == "" and name in self.raw:
                self.wrong(name, "is empty", Message('write {name} = "{example}"', name=name, example=example))
            return None
        try:
            return Period.parse(value)
        except ValueError as error:
            self.wrong(
                name,
                error.args[0],
                Message('write years, months, weeks or days: {name} = "{example}"', name=name, example=example),
            )
            return None

    def names(
        self, name: str, *, words: Sequence[str] = (), required: bool = False, default: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """A list of different texts; with ``words`` each one of these."""
        example = f'["{words[0] if words else "name"}"]'
        value = self._value(name, list, Message("a list of texts"), None if required else list(default), example)
        found: list[str] = []
        for entry in value or ():
            if not isinstance(entry, str) or not entry:
                self.wrong(
                    name,
                    Message("holds {kind}", kind=_kind(entry)),
                    Message("write a list of texts: {name} = {example}", name=name, example=example),
                )
            elif entry in found:
                self.wrong(name, Message("names {entry!r} twice", entry=entry), "name it once")
            elif words and entry not in words:
                self.wrong(
                    name,
                    Message("names {entry!r}, which is not known", entry=entry[:40]),
                    Message("choose from {words}", words=", ".join(words)),
                )
            else:
                found.append(entry)
        return tuple(found)

    def text(self, name: str, *, example: str = "…") -> Mapping[str, str]:
        """A text in every language of the policy; a plain string is the same in all of them."""
        self._asked.add(name)
        value = self.raw.get(name)
        if isinstance(value, str) and value.strip():
            return dict.fromkeys(self.languages, value)
        if name not in self.raw:
            *lines, last = (f'{name}.{lang} = "{example}"' for lang in self.languages)
            remedy = Message("add {lines} and {last}", lines=", ".join(lines), last=last)
            self.wrong(name, "is missing", remedy if lines else Message("add {line}", line=last))
        elif not isinstance(value, dict):
            what = "is empty" if value == "" else Message("is not a text but {kind}", kind=_kind(value))
            self.wrong(
                name,
                what,
                Message('write {name}.{lang} = "{example}"', name=name, lang=self.languages[0], example=example),
            )
        else:
            self._languages(name, value)
            return {lang: words for lang, words in value.items() if isinstance(words, str)}
        return dict.fromkeys(self.languages, "")

    def _languages(self, name: str, value: Mapping[str, Any]) -> None:
        for lang in self.languages:
            words = value.get(lang)
            if not isinstance(words, str) or not words.strip():
                self.wrong(
                    f"{name}.{lang}",
                    "is missing",
                    Message('add {name}.{lang} = "…"; the notice is published in it', name=name, lang=lang),
                )
        for lang in value:
            if lang not in self.languages:
                self.wrong(
                    f"{name}.{lang}",
                    "is in a language of its own",
                    Message("add {lang!r} to notice.languages or remove it", lang=lang),
                )

    def optional_text(self, name: str) -> Mapping[str, str] | None:
        self._asked.add(name)
        return self.text(name) if name in self.raw else None

    def table(self, name: str, *, required: bool = False) -> TomlTable:
        self._asked.add(name)
        if required and name not in self.raw:
            self.wrong(name, "is missing", Message("add the table [{key}]", key=self.key(name)))
        return TomlTable(self.raw.get(name, {}), self.key(name), self.problems, self.languages)

    def tables(self, name: str, pattern: re.Pattern[str]) -> dict[str, TomlTable]:
        """The tables under ``[name.ID]`` by their ids."""
        outer = self.table(name)
        found = {}
        for id in outer.raw:
            if pattern.fullmatch(id):
                found[id] = TomlTable(outer.raw[id], outer.key(id), self.problems, self.languages)
            else:
                outer.wrong(id, "is no id", "an id has the form [a-z][a-z0-9_]* and at most 64 characters")
        return found

    def each(self, name: str, read: Callable[[TomlTable], T]) -> tuple[T, ...]:
        """What ``read`` makes of every ``[[name]]``."""
        value = self._value(name, list, Message("a list of tables"), [], "[]")
        tables = [
            TomlTable(raw, f"{self.key(name)}[{n}]", self.problems, self.languages) for n, raw in enumerate(value, 1)
        ]
        return tuple(read(table) for table in tables)


def _kind(value: Any) -> Message:
    kinds = {bool: "true or false", str: "a text", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return Message(kinds.get(type(value), "a date"))
