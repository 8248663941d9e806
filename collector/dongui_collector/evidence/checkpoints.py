"""Checkpoints: a few lines that are kept where nobody who can change the ledger can change them. Pure.

A checkpoint fixes the chain up to a record, and with it every sealed day's root of then. Whoever holds one finds that
the ledger was cut short, rewritten or put back, even where it was done with all the keys.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from dongui_collector.core.errors import CollectorError
from dongui_collector.storage.contract.values import Json

FORMAT = "dongui-checkpoint/1"
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``records`` and ``hash`` are the chain's length and last hash; ``roots`` accumulates the sealed days' roots.

    ``installation`` is the hash of the chain's first record, ``made_at`` epoch ms, ``version`` the software's.
    """

    installation: str
    records: int
    hash: str
    days: int
    roots: str
    made_at: int
    version: str

    def json(self) -> Json:
        return {"format": FORMAT, **asdict(self)}

    def text(self) -> str:
        """As it is written to a file."""
        return json.dumps(self.json(), indent=1) + "\n"


def accumulated(roots: Iterable[tuple[date, bytes]]) -> str:
    """One hash over the newest root of every sealed day, in order of the days."""
    lines = (f"{day.isoformat()} {root.hex()}\n" for day, root in sorted(roots))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def parse(text: str, name: str) -> Checkpoint:
    """Read a checkpoint. Raises :class:`CollectorError` naming the file and what is wrong with it."""
    try:
        said: Any = json.loads(text)
        if said["format"] != FORMAT:
            raise ValueError(said["format"])
        made = Checkpoint(**{key: value for key, value in said.items() if key != "format"})
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CollectorError(f"{name} is no checkpoint; make one with `dongui checkpoint -o FILE`") from None
    numbers = all(type(n) is int and n >= 0 for n in (made.records, made.days, made.made_at))
    hashes = all(isinstance(h, str) and _HEX.fullmatch(h) for h in (made.installation, made.hash, made.roots))
    if not numbers or not hashes or not made.records:
        raise CollectorError(f"{name} is a damaged checkpoint; take another copy of it")
    return made


def compare(checkpoint: Checkpoint, *, first: str, count: int, hash: str | None, days: int, roots: str) -> str | None:
    """What a ledger has against a checkpoint; None when it continues it.

    ``first`` and ``hash`` are the ledger's own hashes of its first record and of record ``checkpoint.records``
    (None: there is none), ``days`` and ``roots`` what :func:`accumulated` gives for its seals up to there.
    """
    if first != checkpoint.installation:
        return "it was made of another installation, or the ledger was begun anew"
    if hash is None:
        return (
            f"the checkpoint knows {checkpoint.records} records, the ledger ends with {count}: it was cut short, or an"
            " older copy of it was put back"
        )
    if hash != checkpoint.hash:
        return f"record {checkpoint.records} is another than the checkpoint fixed: the ledger was rewritten before it"
    if (days, roots) != (checkpoint.days, checkpoint.roots):
        return "the sealed days' roots are others than the checkpoint fixed"
    return None
