"""The columns of an exported event, what each means, and the choice of some of them. Pure.

One table for every format: CSV, Parquet, SQLite, the OpenAPI description and ``docs/http.md`` follow it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from dongui_collector.core.errors import CollectorError
from dongui_collector.storage.contract.values import Json

Kind = Literal["text", "day", "instant", "boolean", "object", "texts"]
ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``instant`` is milliseconds since 1970 UTC, ``object`` a mapping, ``texts`` a list of texts."""

    name: str
    kind: Kind
    meaning: str


COLUMNS = (
    Column("id", "text", "This consumer's own name for the event; it stays when the event loses items."),
    Column("day", "day", "The day in the installation's time zone, where the time is covered."),
    Column("at", "instant", "When it happened."),
    Column("name", "text", "The event's name."),
    Column("url", "text", "The address as it was recorded."),
    Column("page", "text", "The path of the address as people read it: one name for a page, however it was escaped."),
    Column("referrer", "text", "The address that led there."),
    Column("props", "object", "Its properties."),
    Column("search", "text", "What was searched for."),
    Column("secure", "boolean", "Whether it came over https."),
    Column("source", "text", "How it was collected, in the words of the notice."),
    Column("visitor", "text", "This consumer's own name for the visitor; another consumer's differs."),
    Column("ip_address", "text", "The address, or its network."),
    Column("country", "text", "ISO 3166 code of the country in which the address lies."),
    Column("city", "text", "The city in which the address lies."),
    Column("advertising_ids", "object", "Advertising ids by their kind."),
    Column("cookies", "object", "Values of recorded cookies by their name."),
    Column("environment.browser", "text", "Browser and version."),
    Column("environment.os", "text", "Operating system and version."),
    Column("environment.device", "text", "Kind of device."),
    Column("environment.language", "text", "Preferred language, as the browser says it."),
    Column("environment.screen", "text", "Size of the screen."),
    Column("purposes", "texts", "The reader's purposes that cover the event."),
    Column("notice", "text", "The version of the notice under which it was recorded."),
    Column("received_at", "instant", "When it was recorded here, where the time is covered."),
)
ENDED = Column("ended", "boolean", "In an answer to `since`: the event has ended here, so destroy it in the copy too.")
NAMES = tuple(column.name for column in COLUMNS)
_PARTS = tuple(name.partition(".")[2] for name in NAMES if "." in name)


class ColumnError(CollectorError):
    """A choice of columns that cannot be made; the message says which and what there is."""


def choose(text: str) -> tuple[Column, ...]:
    """Columns from their names, joined by commas, in the order of :data:`COLUMNS`; ``environment`` is all of its parts.

    Raises :class:`ColumnError` for a name that is no column's: it is named by its place, never repeated.
    """
    chosen: set[str] = set()
    for place, name in enumerate(text.split(","), 1):
        found = [n for n in NAMES if n == name or n.startswith(f"{name}.")]
        if not found:
            raise ColumnError(f"no column has name {place} of columns; there are {', '.join((*NAMES, ENVIRONMENT))}")
        chosen.update(found)
    return tuple(column for column in COLUMNS if column.name in chosen)


def with_endings(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns of an answer that tells of endings too: which event it is, what was chosen, whether it has ended."""
    return (COLUMNS[0], *(column for column in columns if column is not COLUMNS[0]), ENDED)


def cutter(columns: Sequence[Column]) -> Callable[[Json], Json]:
    """What leaves of a row in the "Read back" shape only ``columns``."""
    names = {column.name for column in columns}
    if names.issuperset(NAMES):
        return lambda row: row
    parts = [part for part in _PARTS if f"{ENVIRONMENT}.{part}" in names]

    def cut(row: Json) -> Json:
        chosen = {name: value for name, value in row.items() if wanted(name)}
        return chosen | ({ENVIRONMENT: _part(row[ENVIRONMENT], parts)} if parts and ENVIRONMENT in row else {})

    def wanted(name: str) -> bool:
        return name in names or (name == ENVIRONMENT and bool(parts))

    return cut


def _part(environment: Json | None, parts: Iterable[str]) -> Json | None:
    return None if environment is None else {part: environment[part] for part in parts}
