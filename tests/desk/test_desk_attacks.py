"""What somebody hostile tries on the whole console: every route is walked, so that a new one cannot be forgotten.

Guessing passwords, open redirects and cookies: test_desk_login.py; session fixation: test_desk_people.py; tokens of
another site or purpose: test_desk_api.py; formulas in exports: tests/reading.
"""

from __future__ import annotations

import pytest
from desk_world import World, csrf
from flask.testing import FlaskClient
from werkzeug.routing import Rule

PASSWORD = "a long enough password"
HOSTILE = "<img src=x onerror=alert(1)>'\"><script>alert(1)</script>{{7*7}}"
# What a walk fills into a route's holes.
FILLING = {"id": 1, "name": "x", "version": "x", "language": "ko", "filename": "base.css"}
# Open to everybody: signing in, and files that are public anyway.
OPEN = {"login", "static", "preview_files.script"}
# Where a role that may not read anything about persons gets: numbers, the own account, what everybody was shown.
ANALYST = {"/console/", "/console/consent", "/console/visits", "/console/account"}


def routes(world: World, method: str) -> list[tuple[Rule, str]]:
    """Every console route of a method with an address that fits it."""
    adapter = world.desk.url_map.bind("localhost")
    found = []
    for rule in world.desk.url_map.iter_rules():
        if method in (rule.methods or ()) and rule.rule.startswith("/console"):
            values = {name: FILLING.get(name, 1) for name in rule.arguments if name not in (rule.defaults or {})}
            found.append((rule, adapter.build(rule.endpoint, values, method=method)))
    return found


def filled(world: World) -> None:
    """Hostile words wherever somebody outside, or a colleague, can put some."""
    site = world.core.registry.sites()[0].name
    world.seen(HOSTILE, "plain")
    world.ask("sites.add", name=HOSTILE.replace("\\", ""), origins=["https://other.example.com"])
    world.ask("holds.add", ground="claim", reason=HOSTILE, statute=HOSTILE)
    world.ask("requests.add", kind="access", channel="letter", name=HOSTILE, contact=HOSTILE, text=HOSTILE, site=site)
    world.ask("tokens.create", purposes=["statistics"], note=HOSTILE, site=site)
    world.record("complaint")
    world.ask("destruction.select", record_class="complaint", reason=HOSTILE, site=site)
    world.ask("audit.look", action="archive.read", by=HOSTILE, reason=HOSTILE)


def test_no_page_runs_what_somebody_else_wrote(world: World, officer: FlaskClient) -> None:
    filled(world)
    shown = 0
    for rule, path in routes(world, "GET"):
        text = officer.get(path).text
        assert "<script>alert(1)" not in text, rule
        assert "<img src=x" not in text, rule
        assert "'\"><" not in text, rule
        shown += text.count("onerror=alert(1)")
        if "/requests/1" in path:
            assert "{{7*7}}" in text  # as it was written, not worked out
    assert shown > 8


def test_every_form_needs_its_token(world: World, officer: FlaskClient) -> None:
    filled(world)
    officer.get("/console/")
    head = world.core.storage.ledger.head()
    walked = routes(world, "POST")
    assert len(walked) > 30
    for rule, path in walked:
        assert officer.post(path, data={"name": "x", "id": "1", "reason": "x"}).status_code == 400, rule
        forged = {"csrf_token": "forged", "name": "x", "id": "1", "reason": "x"}
        assert officer.post(path, data=forged).status_code == 400, rule
    assert world.core.storage.ledger.head() == head
    assert officer.get("/console/").status_code == 200  # not even signed out


def test_no_route_changes_anything_outside_the_walk(world: World) -> None:
    """Every method that may change something is a POST below ``/console/``, where the walk above finds it."""
    reading = {"GET", "HEAD", "OPTIONS"}
    changing = [(rule.rule, (rule.methods or set()) - reading) for rule in world.desk.url_map.iter_rules()]
    assert [
        rule for rule, methods in changing if methods and (methods != {"POST"} or not rule.startswith("/console/"))
    ] == []


def test_nothing_opens_without_signing_in(world: World) -> None:
    stranger = world.browser()
    token = csrf(stranger, "/console/login")
    for rule, path in routes(world, "GET"):
        if rule.endpoint not in OPEN:
            answer = stranger.get(path)
            assert (answer.status_code, answer.headers.get("Location", "")[:20]) == (303, "/console/login?next="), rule
    for rule, path in routes(world, "POST"):
        if rule.endpoint not in OPEN | {"logout"}:
            answer = stranger.post(path, data={"csrf_token": token})
            assert (answer.status_code, answer.headers["Location"]) == (303, "/console/login"), rule


@pytest.mark.parametrize("role", ["analyst", "auditor"])
def test_an_address_that_is_known_opens_nothing_more(world: World, role: str) -> None:
    """IDOR: whoever knows the number of a request, a hold or a token still needs the right."""
    filled(world)
    world.ask("accounts.put", name="kim", password=PASSWORD, role="officer")
    world.ask("accounts.put", name="lee", password=PASSWORD, role=role)
    browser = world.signed_in("lee", PASSWORD)
    token = csrf(browser, "/console/")
    opened = {path for _, path in routes(world, "GET") if browser.get(path).status_code == 200}
    persons = {"/console/requests/1", "/console/consent/receipts", "/console/access", "/console/sites"}
    assert not opened & persons
    if role == "analyst":
        console = {path for path in opened if not path.startswith(("/console/visits", "/console/preview/v1"))}
        assert console <= ANALYST | {"/console/login"}
    head = world.core.storage.ledger.head()
    own = ("/console/account", "/console/logout", "/console/login", "/console/visits")
    harmless = ("/console/policy/edit", "/console/policy/check", "/console/preview", "/console/ledger/verify")
    for rule, path in routes(world, "POST"):
        if not path.startswith(own) and not (role == "auditor" and path in (*harmless, "/console/audit/review")):
            assert browser.post(path, data={"csrf_token": token, "id": "1"}).status_code == 403, rule
    assert world.core.storage.ledger.head() == head


def test_no_page_can_be_framed_cached_or_sniffed(world: World, officer: FlaskClient) -> None:
    for rule, path in routes(world, "GET"):
        headers = officer.get(path).headers
        policy = headers["Content-Security-Policy"]
        ancestors = "'self'" if rule.endpoint == "preview.version" and "sandbox" in policy else "'none'"
        assert f"frame-ancestors {ancestors}" in policy, rule
        assert "unsafe" not in policy, rule
        assert "default-src 'none'" in policy, rule
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        if rule.endpoint != "static":
            assert headers["Cache-Control"] == "no-store", rule


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/vendor/../../app.py",
        "/static//etc/passwd",
        "/console/policy/versions/..%2f..%2fx",
        "/console/policy/versions/../../x/page/ko",
        "/console/consent/texts/..%2f..%2fetc%2fpasswd/ko",
        "/console/preview/versions/..%2fx",
        "/console/requests/..%2f1/letter",
        "/console/requests/1/package/../../../x",
    ],
)
def test_no_download_leads_out_of_its_folder(officer: FlaskClient, path: str) -> None:
    answer = officer.get(path, follow_redirects=True)
    assert answer.status_code in (404, 405)
    assert "create_desk" not in answer.text
    assert "root:" not in answer.text
