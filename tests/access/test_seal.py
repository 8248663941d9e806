"""Sealing: no nonce is ever used twice under a key, whoever seals."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from dongui_collector.core.sealing import SealBroken, seal, unseal

KEY = b"k" * 32


def nonces(number: int) -> list[bytes]:
    return [seal(KEY, b"value", b"place")[:12] for _ in range(number)]


def test_threads_that_seal_side_by_side_share_no_nonce() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = [nonce for some in pool.map(nonces, [2000] * 8) for nonce in some]
    assert len(set(found)) == len(found) == 16_000


def test_a_forked_process_repeats_no_nonce_of_its_parents() -> None:
    before = nonces(1)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"".join(nonces(300)))
        os._exit(0)
    ours = nonces(300)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    theirs = [told[i : i + 12] for i in range(0, len(told), 12)]
    assert len(theirs) == 300
    assert len({*before, *ours, *theirs}) == 601


def test_a_sealed_value_opens_in_its_place_alone() -> None:
    sealed = seal(KEY, b"value", b"place")
    assert unseal(KEY, sealed, b"place") == b"value"
    for key, value, place in ((b"x" * 32, sealed, b"place"), (KEY, sealed, b"other"), (KEY, sealed[:-1], b"place")):
        with pytest.raises(SealBroken):
            unseal(key, value, place)
