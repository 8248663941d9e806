"""The documentation as a site: it builds without a warning, in both languages, and loads nothing from another host."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.imports import ROOT

DOCS = ROOT / "docs"
SITE_CODE = DOCS / "_site"
_LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src"}
_NOT_LOADED = {"canonical", "alternate", "prev", "next", "license", "author"}  # rel values of a link that only tell


class Loads(HTMLParser):
    """Addresses that a page loads by itself when it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "link" and values.get("rel") not in _NOT_LOADED:
            self.found.add(values.get("href", ""))
        self.found.add(values.get(_LOADED.get(tag, ""), ""))
        self.found |= {part.split()[0] for part in values.get("srcset", "").split(",") if part.strip()}
        self.found |= set(in_style(values.get("style", "")))


def in_style(text: str) -> list[str]:
    found = re.findall(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""", text)
    return [url or imported for url, imported in found]


def foreign(addresses: Iterable[str]) -> set[str]:
    return {address for address in addresses if urlsplit(address.strip()).netloc}


def loads(page: str) -> set[str]:
    parser = Loads()
    parser.feed(page)
    styles = " ".join(re.findall(r"<style[^>]*>(.*?)</style>", page, re.S))
    return parser.found | set(in_style(styles))


def build(folder: Path) -> None:
    """Build the site into ``folder`` as ``make docs`` does."""
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stdout + done.stderr


# One test, since a build takes seconds and workers share no fixture.
def test_the_site_is_whole_in_both_languages_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    site = tmp_path / "site"
    build(site)
    pages = {str(path.relative_to(site)): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    assert {name: found for name, text in pages.items() if (found := foreign(loads(text)))} == {}
    styles = {path.name: foreign(in_style(path.read_text(encoding="utf-8"))) for path in site.rglob("*.css")}
    assert {name: found for name, found in styles.items() if found} == {}
    assert [name for name, text in pages.items() if 'class="mermaid"' in text] == []  # drawn by a script of a CDN
    assert missing_pages(pages) == set()
    assert [name for name, text in pages.items() if "<!-- reference:" in text or "not-run=" in text] == []
    generated(pages)
    searchable(site)


def missing_pages(pages: Iterable[str]) -> set[str]:
    """What of docs/ has no page in one of the languages."""
    sources = [path.relative_to(DOCS) for path in DOCS.rglob("*.md") if SITE_CODE not in path.parents]
    names = {str(path).removesuffix(".md").removesuffix(".ko") for path in sources}
    addresses = {re.sub(r"(^|/)(index|README)$", r"\1", name) for name in names}
    wanted = {f"{address.rstrip('/')}/index.html".lstrip("/") for address in addresses}
    return (wanted | {f"ko/{name}" for name in wanted}) - set(pages)


def generated(pages: dict[str, str]) -> None:
    """The reference is made from the code: a fact of each kind stands on its page."""
    facts = {
        "commands": "dongui retention run",
        "settings": "DONGUI_RATE_BURST",
        "http": "POST /v1/consents",
        "snippet": "data-page-views",
        "python": "dongui.ConsentMiddleware",
        "words": "정보주체의 동의",
    }
    assert [part for part, fact in facts.items() if fact not in pages[f"reference/{part}/index.html"]] == []
    assert "001-rows-never-move" in pages["decisions/index.html"]


def searchable(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    assert index["config"]["lang"] == ["en", "ko"]
    texts = {entry["location"]: entry["text"] for entry in index["docs"]}
    assert "agreed" in texts[""]
    assert "동의" in texts["ko/"]


def test_the_checks_of_the_site_can_fail() -> None:
    page = """<link rel="stylesheet" href="https://fonts.example/a.css"><link rel="canonical" href="https://ours.example/">
        <script src="//cdn.example/a.js"></script><style>@import "https://c.example/c.css"; p {background: url(https://d.example/d)}
        </style><a href="https://linked.example/">loads nothing</a>
        <img src="images/a.png" srcset="https://e.example/e 2x">"""
    assert {urlsplit(address).netloc for address in foreign(loads(page))} == {
        "fonts.example",
        "cdn.example",
        "c.example",
        "d.example",
        "e.example",
    }
    assert missing_pages([]) >= {"index.html", "ko/index.html", "commands/index.html"}


@pytest.mark.parametrize(
    ("page", "link", "becomes"),
    [
        ("law.md", "[deploy](../deploy)", "deploy"),
        ("browser.md", "[React](../examples/react_page/main.js)", "React (`examples/react_page/main.js`)"),
        ("architecture.md", "[Decisions](decisions)", "[Decisions](decisions/README.md)"),
        ("tutorials/index.md", "[Commands](../commands.md)", "[Commands](../commands.md)"),
        ("index.md", "[elsewhere](https://example.com/)", "[elsewhere](https://example.com/)"),
        ("index.md", "![image](images/favicon.svg)", "![image](images/favicon.svg)"),
    ],
)
def test_a_link_out_of_the_documentation_names_its_file(
    page: str, link: str, becomes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(SITE_CODE))
    import hooks

    assert hooks.without_links_outside(link, page) == becomes
