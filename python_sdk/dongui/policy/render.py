"""The published page as HTML or Markdown. Everything that a policy says is escaped; no inline style, no script."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from html import escape
from typing import Literal

from dongui.policy.blocks import Block, Bullets, Inline, Link, Page, Paragraph, Section, Subheading, Table
from dongui.policy.compile import pick_language
from dongui.policy.model import Policy
from dongui.policy.page import page

# Relative, so that it is /v1/policy.css beside /policy and /_dongui/v1/policy.css beside /_dongui/policy.
STYLESHEET = "v1/policy.css"

_MARKUP = re.compile(r"([\\`*_\[\]|~])")
_LEADER = re.compile(r"^([#+\->]|[0-9]+(?=[.)]))")


def render(
    policy: Policy,
    lang: str,
    *,
    format: Literal["html", "markdown"] = "html",
    earlier: Sequence[tuple[str, date]] = (),
    site: str | None = None,
) -> str:
    """The whole page in ``lang`` (or the policy's first language).

    ``earlier``: versions before this one with the days they took effect; each is linked as ``?version=…`` (and of
    ``site``, where there are several). The HTML needs one stylesheet (``policy.css`` of this package) and passes under
    ``default-src 'none'; style-src 'self'``.
    """
    made = page(policy, pick_language(policy, lang), earlier=earlier, site=site)
    if format == "markdown":
        return "\n\n".join(_markdown(made)) + "\n"
    return "\n".join(_html(made)) + "\n"


# --- HTML ------------------------------------------------------------------------------------------------------------


def _html(made: Page) -> Iterator[str]:
    yield f'<!doctype html>\n<html lang="{escape(made.lang)}">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(made.title)}</title>"
    yield f'<link rel="stylesheet" href="{STYLESHEET}">\n</head>\n<body class="dongui-policy">'
    yield f'<a class="dongui-policy-skip" href="#content">{escape(made.skip)}</a>'
    yield f"<header>\n<p>{escape(made.service)}</p>\n<h1>{escape(made.title)}</h1>\n<p>{escape(made.status)}</p>"
    if made.languages:
        links = "".join(
            f'<li><a href="{escape(link.href)}" hreflang="{lang}" lang="{lang}">{escape(link.text)}</a></li>'
            for lang, link in made.languages
        )
        yield f'<nav aria-label="{escape(made.languages_label)}"><ul>{links}</ul></nav>'
    yield f'</header>\n<main id="content">\n<p>{escape(made.intro)}</p>'
    yield f'<nav aria-label="{escape(made.contents)}">\n<ol>'
    for section in made.sections:
        yield f'<li><a href="#{escape(section.id)}">{escape(section.title)}</a></li>'
    yield "</ol>\n</nav>"
    for n, section in enumerate(made.sections, 1):
        yield from _html_section(n, section)
    yield "</main>\n</body>\n</html>"


def _html_section(n: int, section: Section) -> Iterator[str]:
    id = escape(section.id)
    yield f'<section aria-labelledby="{id}">\n<h2 id="{id}">{n}. {escape(section.title)}</h2>'
    for block in section.blocks:
        yield _html_block(block)
    yield "</section>"


def _html_block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return f"<p>{_html_inline(block.text)}</p>"
    if isinstance(block, Subheading):
        return f"<h3>{escape(block.text)}</h3>"
    if isinstance(block, Bullets):
        entries = "\n".join(f"<li>{_html_inline(entry)}</li>" for entry in block.entries)
        return f"<ul>\n{entries}\n</ul>"
    return _html_table(block)


def _html_table(table: Table) -> str:
    """A table in a frame that scrolls by itself on narrow screens, reachable by keyboard (WCAG 1.4.10, 2.1.1)."""
    caption = escape(table.caption)
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.head)
    rows = "\n".join(
        f'<tr><th scope="row">{_html_inline(row[0])}</th>'
        + "".join(f"<td>{_html_inline(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in table.rows
    )
    return (
        f'<div class="dongui-policy-table" role="region" aria-label="{caption}" tabindex="0">\n<table>\n'
        f"<caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</div>"
    )


def _html_inline(inline: Inline) -> str:
    if isinstance(inline, Link):
        return f'<a href="{escape(inline.href)}" rel="noopener noreferrer">{escape(inline.text)}</a>'
    return escape(inline)


# --- Markdown --------------------------------------------------------------------------------------------------------


def _markdown(made: Page) -> Iterator[str]:
    yield f"# {_plain(made.title)}"
    yield f"{_plain(made.service)} — {_plain(made.status)}"
    yield _plain(made.intro)
    for n, section in enumerate(made.sections, 1):
        yield f"## {n}. {_plain(section.title)}"
        for block in section.blocks:
            yield _markdown_block(block)


def _markdown_block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return _markdown_inline(block.text)
    if isinstance(block, Subheading):
        return f"### {_plain(block.text)}"
    if isinstance(block, Bullets):
        return "\n".join(f"- {_markdown_inline(entry)}" for entry in block.entries)
    rows = [block.head, *block.rows]
    lines = [f"| {' | '.join(_markdown_inline(cell) for cell in row)} |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(block.head), *lines[1:]])


def _markdown_inline(inline: Inline) -> str:
    if isinstance(inline, Link):
        target = inline.href.replace("<", "%3C").replace(">", "%3E").replace(" ", "%20")
        return f"[{_plain(inline.text)}](<{target}>)"
    return _plain(inline)


def _plain(text: str) -> str:
    """Text that Markdown leaves alone: on one line, what marks up or starts a block escaped, HTML too."""
    line = _MARKUP.sub(r"\\\1", " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;"))
    return _LEADER.sub(lambda match: f"\\{match[0]}" if not match[0][0].isdigit() else f"{match[0]}\\", line)
