"""An ending is carried through once, whoever finds it open."""

from __future__ import annotations

import threading

from tests.keeping.house import House


def test_one_ending_has_one_certificate_though_several_carry_it_out(house: House) -> None:
    # As in serve: the request that decided it, the upkeep's round and an operation's end may all find it open.
    visitor = house.arrive()
    for _ in range(250):
        house.visit(visitor)
    intent = house.core.ledger.erase(house.core.ledger.key_of(visitor), "request")
    together = [threading.Thread(target=house.core.ledger.finish, args=(intent,)) for _ in range(3)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    bodies = [r.body or {} for r in house.core.storage.ledger.records() if r.kind == "certificate"]
    assert [(body["of"], body["rows_destroyed"]) for body in bodies] == [(intent.seq, 250)]
    assert [entry["kind"] for entry in house.core.ledger.journal.entries()].count("erasure") == 1
