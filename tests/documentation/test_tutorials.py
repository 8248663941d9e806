"""Every block of the tutorials and how-to guides is typed as it stands there, and prints what the page promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documentation.fences import Fence, fences, run, script, unprinted
from tests.imports import ROOT

TUTORIALS, GUIDES = ROOT / "docs" / "tutorials", ROOT / "docs" / "how-to"
# Typed in one folder, one after the other: the tutorials that begin with the demo share it, the guides say on their
# first page what they begin with.
DEMO = [TUTORIALS / f"{name}.md" for name in ("privacy-officer", "analyst", "data-engineer")]
OPERATOR = [TUTORIALS / "operator.md"]
HOW_TO = [GUIDES / "index.md", *sorted(page for page in GUIDES.glob("*.md") if page.name != "index.md")]
TYPED_ELSEWHERE = {"first-event.md"}  # tests/journeys/test_first_event.py types it, for each of its five targets
# Blocks that nobody types, by page and reason. Each new one is written down here too.
NOT_RUN = {
    ("docs/tutorials/index.md", "the tests run on an installation that is there already"),
}


@pytest.mark.parametrize("pages", [DEMO, OPERATOR, HOW_TO], ids=["demo", "operator", "how-to"])
def test_every_block_runs_and_prints_what_its_page_promises(pages: list[Path], tmp_path: Path) -> None:
    run(pages, tmp_path)


def english(folder: Path) -> list[Path]:
    return [page for page in sorted(folder.glob("*.md")) if not page.name.endswith(".ko.md")]


def test_no_page_is_left_out() -> None:
    typed = {*DEMO, *OPERATOR, *HOW_TO}
    rest = {page for page in (*english(TUTORIALS), *english(GUIDES)) if page not in typed}
    assert {page.name for page in rest} - TYPED_ELSEWHERE == {"index.md"}  # of the tutorials: nothing of it runs
    untyped = [block for block in fences(TUTORIALS / "index.md") if not block.option("not-run")]
    assert untyped == []


def test_what_is_not_run_is_written_down_with_its_reason() -> None:
    found = {
        (block.page, block.option("not-run"))
        for page in (*english(TUTORIALS), *english(GUIDES))
        if page.name not in TYPED_ELSEWHERE
        for block in fences(page)
        if "not-run" in block.info
    }
    assert found == NOT_RUN


def test_the_korean_page_has_the_same_blocks() -> None:
    """So that they need not be typed twice."""
    pages = english(TUTORIALS)
    assert [page.name for page in pages if not page.with_suffix(".ko.md").exists()] == []
    texts = {page.name: [(b.language, b.info, b.text) for b in fences(page)] for page in pages}
    korean = {page.name: [(b.language, b.info, b.text) for b in fences(page.with_suffix(".ko.md"))] for page in pages}
    assert korean == texts


def test_the_runner_can_fail(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```sh\necho one\n```\n\n```text\ntwo\n```\n", encoding="utf-8")
    blocks = [Fence("page.md", 1, "sh", "", "echo one\n"), Fence("page.md", 5, "text", "", "two\n")]
    assert "echo one" in script(blocks, {})
    assert unprinted("two\n", "one\n") == ["two"]
    assert unprinted("rows: …\n\nb  c", "rows: 17\nb c\n") == []
    with pytest.raises(AssertionError, match="title"):
        script([Fence("page.md", 1, "toml", "", "a = 1\n")], {})
