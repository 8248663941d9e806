"""What people read: every language says the same things, nothing is missing, and nothing is left over."""

from __future__ import annotations

import re
import string
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from dongui.i18n import LANGUAGES, MESSAGES, counted, words

from tests.catalogs import FOLDER, catalog, contexts, entries
from tests.said import lacks, sentences

POLICY = ("diff", "lawfulness", "warnings", "references", "toml_reader", "load", "cookie_entry", "period")
VERIFY = ("journal", "verify", "certificates", "days", "items", "tables")
SPEAKING = (
    *(f"dongui.policy.{name}" for name in POLICY),
    "dongui_collector.runtime.doctor",
    "dongui_collector.runtime.doctor_pages",
    *(f"dongui_collector.site_check.{name}" for name in ("judge", "live", "results", "unseen")),
    "dongui_collector.storage.sqlite.damage",
    "dongui_collector.desk.draft_parser",
    "dongui_collector.desk.proof",
    "dongui_collector.evidence.seals",
    "dongui_collector.evidence.replayed_state",
    *(f"dongui_collector.evidence.verify.{name}" for name in VERIFY),
)
"""The modules whose sentences are shown to people in their own language."""

NO_SENTENCES = (
    "<.*>|(?:todo|fixme|changeme)\\b.*",  # what a placeholder looks like
    "-R go=",  # an argument of chmod
    "PIPA 35",
    "PIPA 35(4)",
    "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
    "a verification failed",  # for the log
    # against checkpoints, which the command alone is given
    "; the ledger says that a backup was restored at or before that record",
    "keep this folder as it is, and compare with the other checkpoints and with backups of before",
    *(form for unit in ("year", "month", "week", "day") for form in (f"{{n}} {unit}", f"{{n}} {unit}s")),
)


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_catalog_is_a_language_and_every_language_has_one() -> None:
    assert {source.stem for source in FOLDER.glob("*.po")} == set(LANGUAGES)


def test_what_is_read_is_what_the_catalogs_say() -> None:
    script = Path(__file__).resolve().parent.parent / ".ci" / "catalogs"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_text_of_a_place_is_there_in_every_language_with_the_same_blanks(lang: str) -> None:
    assert contexts(lang) - {MESSAGES} == contexts("en")
    for context in contexts("en"):
        english, others = entries("en", context), entries(lang, context)
        assert set(others) ^ set(english) == set(), context
        assert all(text.strip() for text in others.values()), context
        if context not in ("date", "statute"):  # each language writes a date and a citation in its own order
            assert [key for key in english if blanks(english[key]) != blanks(others[key])] == [], context


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "en"])
def test_every_sentence_of_the_code_is_there_and_no_other(lang: str) -> None:
    known = {text for name in SPEAKING for text in sentences(import_module(name), but=NO_SENTENCES)}
    assert len(known) > 200
    assert lacks(entries(lang, MESSAGES), known) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_plural_form_is_there(lang: str) -> None:
    plurals = [one for one in catalog(lang) if one.pluralizable]
    assert len(plurals) == 4
    assert all(len(one.string) == catalog(lang).num_plurals and all(one.string) for one in plurals)


def test_counted() -> None:
    assert [counted("en", "{n} day", "{n} days", n) for n in (1, 2)] == ["1 day", "2 days"]
    assert [counted("ko", "{n} day", "{n} days", n) for n in (1, 2)] == ["1일", "2일"]


def test_a_text_that_is_missing_is_said_and_never_shown_as_its_key() -> None:
    console = words("en", "console")
    assert "no such text" not in console
    assert console.get("no such text") is None
    with pytest.raises(KeyError, match="no such text"):
        console["no such text"]


def test_the_title_of_the_policy_is_as_the_law_has_it() -> None:
    assert re.fullmatch("개인정보 처리방침", words("ko", "policy page")["title"])  # K8
