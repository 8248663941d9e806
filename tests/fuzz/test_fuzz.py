"""What the fuzzer found once is refused clearly for ever; ``make fuzz`` looks for more (``tests/fuzz/__main__.py``)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import CORPUS
from tests.fuzz.targets import HERE, TARGETS, Target


def corpus(name: str) -> list[Path]:
    return sorted((CORPUS / name).iterdir())


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_in_the_corpus_raises_what_is_no_refusal(name: str) -> None:
    found = corpus(name)
    assert found
    for path in found:
        TARGETS[name].try_(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_nor_do_its_pieces_put_together(name: str) -> None:
    """Two inputs of the corpus spliced, and a few bytes of anything between them."""
    inputs = st.sampled_from([path.read_bytes() for path in corpus(name)])

    @settings(max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(inputs, inputs, st.integers(0, 400), st.integers(0, 400), st.binary(max_size=8))
    def splice(first: bytes, second: bytes, cut: int, go_on: int, between: bytes) -> None:
        TARGETS[name].try_(first[:cut] + between + second[go_on:])

    splice()


def test_an_exception_that_is_no_refusal_is_seen() -> None:
    def broken(data: bytes) -> None:
        data[0]

    with pytest.raises(IndexError):
        Target(broken, (ValueError,)).try_(b"")


def test_the_corpus_is_of_the_targets_and_small_enough_to_be_kept() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    assert sum(path.stat().st_size for path in HERE.rglob("*") if path.is_file()) < 2 << 20
