"""The Flask extension."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from dongui import ConfigurationError
from dongui.integrations.flask import Dongui, client, requires_consent
from dongui.testing import FakeClient
from flask import Flask, g, render_template_string
from flask.testing import FlaskClient
from flask_login import LoginManager, UserMixin, login_user


@pytest.fixture
def fake() -> FakeClient:
    return FakeClient()


async def async_without() -> str:
    return "async without"


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

    @app.get("/async")
    @requires_consent("marketing", otherwise=async_without)
    async def asynchronous() -> str:
        return "async with"

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
    assert [browser.get("/async").text, granted.get("/async").text] == ["async without", "async with"]


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


class Member(UserMixin):  # type: ignore[misc]
    id = "member-17"


def with_logins(fake: FakeClient, **options: Any) -> FlaskClient:
    app = Flask(__name__)
    app.secret_key = "only for tests"
    LoginManager(app)
    Dongui(app, client=fake, **options)

    @app.post("/login")
    def log_in() -> str:
        return str(login_user(Member()))

    return app.test_client()


def logins(fake: FakeClient) -> list[dict[str, Any]]:
    return [body for path, body in fake.calls if path == "/v1/records"]


def test_logins_are_recorded_as_flask_login_tells_of_them(fake: FakeClient) -> None:
    """S3.1e: S3.1: without a consent, as the class that the policy keeps them in."""
    assert with_logins(fake, logins="abuse").post("/login", environ_base={"REMOTE_ADDR": "203.0.113.9"}).text == "True"
    [body] = logins(fake)
    assert (body["class"], body["subject"]) == ("abuse", "member-17")
    assert body["data"] == {"event": "login", "succeeded": True, "ip": "203.0.113.9"}
    other = FakeClient()
    assert with_logins(other, logins="abuse").post("/login").status_code == 200
    assert (len(logins(fake)), len(logins(other))) == (1, 1), "each application's logins are its own"


def test_logins_are_recorded_only_when_asked_for(fake: FakeClient) -> None:
    assert with_logins(fake).post("/login").text == "True"
    assert logins(fake) == []


def test_without_flask_login_it_is_said_at_the_start(fake: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flask_login", None)
    Dongui(Flask(__name__), client=fake)
    app = Flask(__name__)
    app.config["DONGUI_LOGINS"] = "abuse"
    with pytest.raises(ConfigurationError, match="install flask-login"):
        Dongui(app, client=fake)
