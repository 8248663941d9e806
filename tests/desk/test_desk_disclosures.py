"""A token bound to a recipient hands over: refused where the notice does not name them, and on the ledger (S4.1)."""

from __future__ import annotations

import hashlib
import json

from desk_world import World
from dongui_collector.core.operations import plain
from dongui_collector.rights.disclosures import disclosures_of, listed
from dongui_collector.runtime.composition import open_core

META = "Meta Platforms, Inc."


def told(world: World, visitor: str) -> list[str]:
    core = open_core(world.settings, writable=False)
    try:
        key = core.ledger.key_of(visitor)
        return [d["recipient"] for d in disclosures_of(core, core.registry.sites()[0].ref, [key])]
    finally:
        core.close()


def test_s4_1_a_recipients_token_gets_its_items_and_leaves_an_entry(world: World) -> None:
    visitor = world.visitor_with_events("statistics", "marketing", events=2)
    other = world.visitor_with_events("statistics", events=1)
    made = world.token("marketing", recipient=META)
    answer = world.export(made["token"])
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert [(r["advertising_ids"] is not None, r["ip_address"], r["url"]) for r in rows] == [(True, None, None)] * 2
    (entry,) = plain(listed(world.core))
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
    assert plain(listed(world.core)) == []


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
    (entry,) = plain(listed(world.core))
    assert entry["state"] == "interrupted"
    assert told(world, visitor) == [META]


def test_s4_1_a_recipient_that_left_the_notice_is_refused(world: World) -> None:
    world.visitor_with_events("marketing", events=1)
    made = world.token("marketing", recipient=META)
    core = open_core(world.settings, writable=False)
    text = core.registry.in_force(core.registry.sites()[0].ref, core.clock.now()).policy.text
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
    assert plain(listed(world.core)) == []


PROFILES = """
[records.profile]
label.ko = "프로필"
label.en = "Profiles"
keep = "P1Y"
profile = true
purposes = ["member"]

[[recipients]]
name = "Example Firm"
task.ko = "채용 검토"
task.en = "Recruiting"
country = "KR"
items = ["nickname", "cookie"]
purposes = ["member", "marketing"]
"""


def test_s4_2b_a_corporate_members_token_sees_profiles_while_their_owners_allow_it(world: World) -> None:
    core = open_core(world.settings, writable=True)
    text = core.registry.in_force(core.registry.sites()[0].ref, core.clock.now()).policy.text
    today = core.clock.today(world.settings.zone)
    core.close()
    lines = [f"effective = {today}" if x.startswith("effective = ") else x for x in text.splitlines()]
    new = "\n".join(lines).replace('version = "', 'version = "next-', 1)
    new = new.replace('items = ["nickname", "password"', 'items = ["cookie", "nickname", "password"', 1)
    world.ask("policy.publish", text=new + PROFILES)
    core = open_core(world.settings, writable=True)
    core.retention.records.add(
        core.registry.sites()[0], "profile", "m-1", core.clock.now(), "homepage", {"nickname": "one"}
    )
    core.close()
    firm = world.token("marketing", recipient="Example Firm")["token"]
    assert world.get("/v1/profiles", firm).json == {"profiles": []}
    world.ask("profiles.allow", member="m-1")
    shown = world.get("/v1/profiles", firm).json
    assert [p["data"] for p in shown["profiles"]] == [{"nickname": "one"}]  # type: ignore[index]
    world.ask("profiles.deny", member="m-1")
    assert world.get("/v1/profiles", firm).json == {"profiles": []}
    for token in (world.token("marketing")["token"], world.token("marketing", recipient=META)["token"]):
        assert world.get("/v1/profiles", token).status_code == 403
    assert world.get("/v1/profiles").status_code == 401
