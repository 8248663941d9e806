"""A token bound to a recipient hands over: refused where the notice does not name them, and on the ledger (S4.1)."""

from __future__ import annotations

import hashlib
import json

from desk_world import World
from dongui_collector.app import open_core
from dongui_collector.rights.disclosures import disclosures_of, listed

META = "Meta Platforms, Inc."


def told(world: World, visitor: str) -> list[str]:
    core = open_core(world.settings, writable=False)
    try:
        key = core.ledger.key_of(visitor)
        return [d["recipient"] for d in disclosures_of(core, core.book.sites()[0].ref, [key])]
    finally:
        core.close()


def test_s4_1_a_recipients_token_gets_its_items_and_leaves_an_entry(world: World) -> None:
    visitor = world.visitor_with_events("statistics", "marketing", events=2)
    other = world.visitor_with_events("statistics", events=1)
    made = world.token("marketing", recipient=META)
    answer = world.export(made["token"])
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert [(r["advertising_ids"] is not None, r["ip_address"], r["url"]) for r in rows] == [(True, None, None)] * 2
    (entry,) = listed(world.core)
    assert (entry["way"], entry["recipient"], entry["state"], entry["rows"], entry["people"]) == (
        "token",
        META,
        "done",
        2,
        1,
    )
    assert entry["digest"] == hashlib.sha256(answer.data).hexdigest()
    assert entry["by"] == f"token {made['id']}"
    assert (told(world, visitor), told(world, other)) == ([META], [])


def test_a_token_of_the_controllers_own_leaves_none(world: World) -> None:
    world.visitor_with_events("statistics", events=1)
    assert world.export(world.token("statistics")["token"]).status_code == 200
    assert listed(world.core) == []


def test_who_goes_away_in_the_middle_leaves_an_interrupted_entry(world: World) -> None:
    visitor = world.visitor_with_events("marketing", events=3)
    made = world.token("marketing", recipient=META)
    today = world.core.clock.today(world.settings.zone)
    answer = world.browser().get(
        f"/v1/export/events?from={today}&to={today}",
        headers={"Authorization": f"Bearer {made['token']}"},
        buffered=False,
    )
    next(iter(answer.response))
    answer.close()
    (entry,) = listed(world.core)
    assert entry["state"] == "interrupted"
    assert told(world, visitor) == [META]


def test_s4_1_a_recipient_that_left_the_notice_is_refused(world: World) -> None:
    world.visitor_with_events("marketing", events=1)
    made = world.token("marketing", recipient=META)
    core = open_core(world.settings, writable=False)
    text = core.book.in_force(core.book.sites()[0].ref, core.clock.now()).policy.text
    core.close()
    head, _, rest = text.partition("[[recipients]]")
    without = head + "# --- what" + rest.partition("# --- what")[2]
    today = world.core.clock.today(world.settings.zone)
    without = without.replace('version = "', 'version = "next-', 1)
    without = "\n".join(f"effective = {today}" if x.startswith("effective = ") else x for x in without.splitlines())
    world.ask("policy.publish", text=without)
    answer = world.export(made["token"])
    assert answer.status_code == 403
    assert META in answer.json["detail"]  # type: ignore[index]
    assert listed(world.core) == []
