"""The Flask extension."""

from __future__ import annotations

from typing import Any

import pytest
from dongui import ConfigurationError
from dongui.integrations.flask import Dongui, client, requires_consent
from dongui.testing import FakeClient
from flask import Flask, g, render_template_string
from flask.testing import FlaskClient


@pytest.fixture
def fake() -> FakeClient:
    return FakeClient()


@pytest.fixture
def browser(fake: FakeClient) -> FlaskClient:
    app = Flask(__name__)
    dongui = Dongui(client=fake)

    @app.before_request
    def early() -> None:
        assert g.consent is not None, "there before functions that were registered before the extension"

    dongui.init_app(app)

    @app.get("/")
    def home() -> str:
        return render_template_string("{% if consent.granted('marketing') %}advertisement{% else %}plain{% endif %}")

    @app.get("/offer/<name>")
    @requires_consent("marketing")
    def offer(name: str) -> str:
        return f"offer {name}"

    @app.get("/either")
    @requires_consent("marketing", otherwise=lambda: "without")
    def either() -> str:
        return "with"

    @app.post("/buy")
    def buy() -> dict[str, Any]:
        return {"tracked": client().track(g.consent, "purchase", props={"won": 1})}

    return app.test_client()


def carrying(browser: FlaskClient, cookies: dict[str, str]) -> FlaskClient:
    other = browser.application.test_client()
    for name, value in cookies.items():
        other.set_cookie(name, value)
    return other


def test_views_and_templates_see_the_consent(browser: FlaskClient, fake: FakeClient) -> None:
    assert browser.get("/").text == "plain"
    got = carrying(browser, fake.cookies("marketing")).get("/")
    assert got.text == "advertisement"
    assert "Cookie" in got.headers["Vary"]
    assert got.headers["Cache-Control"] == "private"


def test_a_view_that_requires_a_purpose(browser: FlaskClient, fake: FakeClient) -> None:
    granted = carrying(browser, fake.cookies("marketing"))
    assert browser.get("/offer/tea").status_code == 403
    assert granted.get("/offer/tea").text == "offer tea"
    assert [browser.get("/either").text, granted.get("/either").text] == ["without", "with"]


def test_events_of_the_application(browser: FlaskClient, fake: FakeClient) -> None:
    assert browser.post("/buy").json == {"tracked": False}
    assert carrying(browser, fake.cookies("statistics")).post("/buy").json == {"tracked": True}
    assert [event.name for event in fake.events] == ["purchase"]


def test_options_come_from_the_configuration_and_arguments_outweigh_them() -> None:
    app = Flask(__name__)
    app.config.update(DONGUI_SITE="configured", DONGUI_COLLECTOR="http://127.0.0.1:9", DONGUI_SECRET_KEY="k")
    app.config.update(DONGUI_LEARN_TIMEOUT=0, DONGUI_STRICT=True)
    Dongui(app, site="given")
    options = app.extensions["dongui"].options
    assert (options.site, options.strict) == ("given", True)
    app.extensions["dongui"].close()
    with pytest.raises(ConfigurationError, match="site"):
        Dongui(Flask(__name__))


def test_without_the_middleware_nothing_is_granted(browser: FlaskClient) -> None:
    with browser.application.test_request_context("/"):
        assert render_template_string("{{ consent.granted('marketing') }}") == "False"
