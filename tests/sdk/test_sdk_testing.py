"""dongui.testing: an application's tests need no collector."""

from __future__ import annotations

from typing import Any

from dongui import ConsentMiddleware
from dongui.asgi import ConsentMiddleware as AsgiMiddleware
from dongui.testing import FakeClient, consent

from tests.sdk.calls import call
from tests.sdk.sdk_stub import POLICY
from tests.sdk.test_sdk_asgi import ask
from tests.sdk.test_sdk_asgi import page as asgi_page
from tests.sdk.test_sdk_middleware import page


def test_any_consent_at_will_and_what_would_have_been_recorded() -> None:
    dongui = FakeClient()
    app = ConsentMiddleware(page(("Set-Cookie", "_ga=1")), client=dongui)
    assert call(app).cookies() == []
    assert dongui.events == []
    got = call(app, "/goods", query="q=1&utm_source=mail", cookie=dongui.cookie("statistics"))
    assert got.cookies() == ["_ga"]
    [event] = dongui.events
    assert (event.name, event.fields["url"]) == ("pageview", "http://shop.example.com/goods?utm_source=mail")
    assert [path for path, _ in dongui.calls] == ["/v1/inventory"]


def test_under_asgi_too() -> None:
    dongui = FakeClient()
    ask(AsgiMiddleware(asgi_page(), client=dongui), cookie=dongui.cookie("statistics"))
    assert [event.name for event in dongui.events] == ["pageview"]


def test_the_sites_own_policy() -> None:
    dongui = FakeClient(policy=POLICY, strict=True)
    assert dongui.consent_of("marketing").allowed("advertising_id")
    assert not dongui.consent_of("marketing", gpc=True).granted("marketing")
    assert call(ConsentMiddleware(page(("Set-Cookie", "x=1")), client=dongui)).cookies() == []


def test_a_consent_for_a_function_that_takes_one() -> None:
    given = consent("statistics")
    assert given.granted("statistics")
    assert not given.granted("marketing")
    assert given.visitor
    assert consent().visitor is None


def test_rights_and_decisions_are_answered_in_memory() -> None:
    dongui = FakeClient()
    visitor = dongui.visitor("statistics")
    assert dongui.track(visitor, "purchase", props={"won": 1})
    assert dongui.access(visitor).data["events"][0]["props"] == {"won": 1}
    assert dongui.withdraw(visitor, "statistics").data["state"]["statistics"] == "refused"
    assert dongui.erase(visitor)
    assert not dongui.access(visitor)
    assert dongui.events == []


def test_a_decision_in_the_application_sets_its_cookies_in_this_answer() -> None:
    dongui = FakeClient()
    seen: list[bool] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        given = environ["dongui.consent"]
        assert given.decide(granted=["statistics"], refused=["marketing"], method="signup")
        seen.append(given.granted("statistics"))
        start_response("200 OK", [("Content-Type", "text/html"), ("Set-Cookie", "_ga=1")])
        return [b""]

    got = call(ConsentMiddleware(application, client=dongui))
    assert seen == [True]
    own = [value for value in got.all("Set-Cookie") if "Max-Age=0" not in value]
    assert [value.partition("=")[0] for value in own] == ["_ga", "dongui_id", "dongui"]
    assert "HttpOnly" in own[1]
    assert dongui.calls[0][1]["method"] == "signup"
    assert [event.name for event in dongui.events] == ["pageview"]


def test_the_mount_answers_that_there_is_no_collector() -> None:
    assert call(ConsentMiddleware(page(), client=FakeClient()), "/_dongui/v1/policy").status.startswith("503")
