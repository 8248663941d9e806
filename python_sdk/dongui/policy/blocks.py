"""What a page is made of, before it is HTML or Markdown. All text is plain; the writers escape it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """A link; ``href`` is http(s), mailto or relative."""

    text: str
    href: str


Inline = str | Link


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: Inline


@dataclass(frozen=True, slots=True)
class Subheading:
    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    entries: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """``caption`` says what the table is; the first cell of a row is its heading."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Inline, ...], ...]


Block = Paragraph | Subheading | Bullets | Table


@dataclass(frozen=True, slots=True)
class Section:
    """One numbered part of the page; ``id`` is its anchor in every language."""

    id: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A whole page in one language. ``languages`` links its translations."""

    lang: str
    title: str
    service: str
    status: str
    intro: str
    skip: str
    contents: str
    languages_label: str
    languages: tuple[tuple[str, Link], ...]
    sections: tuple[Section, ...]
