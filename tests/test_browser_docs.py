"""docs/browser.md names everything that a page can set, call, hear or style, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "browser.md").read_text(encoding="utf-8")
SOURCE = ROOT / "sdk_js" / "src"


def _source(*patterns: str) -> str:
    return "\n".join(file.read_text(encoding="utf-8") for pattern in patterns for file in sorted(SOURCE.glob(pattern)))


def _members(interface: str) -> set[str]:
    [body] = re.findall(rf"interface {interface} \{{(.*?)^\}}", (SOURCE / "api.ts").read_text(), re.M | re.S)
    return set(re.findall(r"^ {2}(?:readonly )?(\w+)[?(:]", body, re.M))


def test_every_attribute_of_the_tag() -> None:
    options = {
        "data-" + re.sub(r"[A-Z]", lambda m: "-" + m[0].lower(), name) for name in _members("Options") - {"base"}
    }
    assert set(re.findall(r"^### `(data-[\w-]+)`", PAGE, re.M)) == options


def test_every_method() -> None:
    headings = set(re.findall(r"^### `dongui\.(\w+(?:\.\w+)?)", PAGE, re.M))
    consent = re.search(r"readonly consent: \{(.*?)^  \};", (SOURCE / "api.ts").read_text(), re.M | re.S)
    assert consent
    nested = {f"consent.{name}" for name in re.findall(r"^ {4}(?:readonly )?(\w+)[(:]", consent[1], re.M)}
    assert headings == (_members("Dongui") - {"consent"}) | nested


def test_every_event_of_the_document() -> None:
    sent = set(re.findall(r'new CustomEvent\("([\w:]+)"', _source("**/*.ts")))
    assert set(re.findall(r"^### `(dongui:\w+)`", PAGE, re.M)) == sent


def test_every_custom_property_and_part() -> None:
    source = _source("ui/*.ts")
    assert set(re.findall(r"--dongui-[\w-]+", PAGE)) == set(re.findall(r"--dongui-[\w-]+", source))
    parts = {p for parts in re.findall(r'part: "([\w ]+)"', source) for p in parts.split()} | {"button"}
    parts |= set(re.findall(r'(?:\bbutton|_button)\(\s*"(\w+)"', source))
    [said] = re.findall(r"Parts for `::part\(\)`: (.*?)\. Agreeing", PAGE, re.S)
    assert set(re.findall(r"`(\w+)`", said)) == parts


def test_every_extra() -> None:
    [body] = re.findall(r"extras: Record<string, \(\) => unknown> = \{(.*?)\};", _source("extras/index.ts"))
    names = set(re.findall(r"(\w+)(?=[,:}]| \})", body)) - {"core", "_load"}
    [said] = re.findall(r"### `data-track`\n(.*?)\n###", PAGE, re.S)
    assert {n for n in names if n not in ("links", "forms", "scroll", "time", "missing", "vitals")} == set()
    assert all(f"`{name}`" in said for name in ("links", "forms", "scroll", "time", "missing", "vitals"))
