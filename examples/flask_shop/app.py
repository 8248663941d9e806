"""The shop: a plain Flask application. All that dongui asks is the line marked below and a script tag in the pages.

Two things here only show that the guard works: ``set_statistics_cookie`` tries to set ``_ga_server`` on every page, as
a tag manager on the server would, and ``browser.json`` tells the live page which cookies reached the server.
"""

from __future__ import annotations

import secrets
from typing import Any

from dongui import ConsentMiddleware
from flask import Flask, abort, g, jsonify, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from .goods import BY_SLUG, GOODS, KINDS, find, shelf
from .words import LIVE, WORDS

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_shop(*, site: str, collector: str, secret_key: str, **options: Any) -> Flask:
    """The shop, guarded. ``options`` go to the middleware (a policy file, the number of trusted proxies, …).

    Pages that are loaded are counted here, categories that change without a load by the snippet; neither twice.
    """
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=secrets.token_bytes(32),
        SESSION_COOKIE_NAME="shop_session",
        SESSION_COOKIE_SAMESITE="Lax",
        SITE=site,
    )
    _catalogue(app)
    _cart(app)
    _account(app)
    _around(app)
    # The one line:
    app.wsgi_app = ConsentMiddleware(  # type: ignore[method-assign]
        app.wsgi_app, site=site, collector=collector, secret_key=secret_key, **options
    )
    return app


def _catalogue(app: Flask) -> None:
    @app.get("/")
    @app.get("/live")
    def enter() -> Response:
        lang = request.accept_languages.best_match(list(WORDS), "ko")
        path = f"/{lang}/live" if request.path == "/live" else f"/{lang}/"
        answer = redirect(f"{path}?{request.query_string.decode('latin-1')}" if request.query_string else path)
        answer.vary.add("Accept-Language")
        return answer

    @app.get("/<lang>/")
    def home(lang: str) -> str:
        return render_template("shelf.html", goods=GOODS, kind=None)

    @app.get("/<lang>/shelf/<kind>")
    def kind(lang: str, kind: str) -> str:
        if kind not in KINDS:
            abort(404)
        return render_template("shelf.html", goods=shelf(kind), kind=kind)

    @app.get("/<lang>/goods/<slug>")
    def good(lang: str, slug: str) -> str:
        if slug not in BY_SLUG:
            abort(404)
        return render_template("good.html", good=BY_SLUG[slug])

    @app.get("/<lang>/search")
    def search(lang: str) -> str:
        wanted = request.args.get("q", "")[:100]
        return render_template("shelf.html", goods=find(wanted, lang), kind=None, wanted=wanted)

    @app.get("/<lang>/live")
    def live(lang: str) -> str:
        return render_template("live.html", live=LIVE[lang])

    @app.get("/<lang>/browser.json")
    def browser(lang: str) -> Response:
        consent = request.environ["dongui.consent"]
        held_back = [] if consent.granted("statistics") else ["_ga_server"]
        return jsonify(cookies=sorted(request.cookies), held_back=held_back)


def _cart(app: Flask) -> None:
    @app.get("/<lang>/cart")
    def cart(lang: str) -> str:
        goods = [(BY_SLUG[slug], n) for slug, n in session.get("cart", {}).items()]
        return render_template("cart.html", goods=goods, total=sum(good.price * n for good, n in goods))

    @app.post("/<lang>/cart/<slug>")
    def put(lang: str, slug: str) -> Response:
        if slug not in BY_SLUG:
            abort(404)
        cart = dict(session.get("cart", {}))
        cart[slug] = min(9, cart.get(slug, 0) + 1)
        session["cart"] = cart
        return redirect(url_for("cart"), 303)

    @app.post("/<lang>/cart/<slug>/remove")
    def remove(lang: str, slug: str) -> Response:
        session["cart"] = {kept: n for kept, n in session.get("cart", {}).items() if kept != slug}
        return redirect(url_for("cart"), 303)

    @app.post("/<lang>/order")
    def order(lang: str) -> str:
        cart = session.pop("cart", {})
        # An event of the server's own: recorded as far as this visitor's consent covers it, sent in the background.
        app.wsgi_app.client.track(request.environ["dongui.consent"], "purchase", props={"goods": sum(cart.values())})
        return render_template("ordered.html")


def _account(app: Flask) -> None:
    @app.route("/<lang>/login", methods=["GET", "POST"])
    def login(lang: str) -> str | Response | tuple[str, int]:
        if request.method == "GET":
            return render_template("login.html", refused=False)
        nickname = request.form.get("nickname", "").strip()[:40]
        if not nickname or not request.form.get("password"):
            return render_template("login.html", refused=True), 400
        session["nickname"] = nickname
        return redirect(url_for("home"), 303)

    @app.post("/<lang>/logout")
    def logout(lang: str) -> Response:
        session.pop("nickname", None)
        return redirect(url_for("home"), 303)


def _around(app: Flask) -> None:
    """What surrounds every page: its language, its words, its headers."""

    @app.url_value_preprocessor
    def language(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.lang = (values or {}).get("lang", "ko")
        if g.lang not in WORDS:
            g.lang = "ko"
            abort(404)

    @app.url_defaults
    def keep_language(endpoint: str, values: dict[str, Any]) -> None:
        if "lang" not in values and app.url_map.is_endpoint_expecting(endpoint, "lang"):
            values["lang"] = g.lang

    @app.before_request
    def own_forms_only() -> None:
        origin = request.headers.get("Origin")
        if request.method == "POST" and origin not in (None, request.host_url.rstrip("/")):
            abort(403)

    @app.context_processor
    def words() -> dict[str, Any]:
        lang = g.get("lang", "ko")
        count = sum(session.get("cart", {}).values())
        return {"lang": lang, "w": WORDS[lang], "kinds": KINDS, "site": app.config["SITE"], "in_cart": count}

    @app.template_filter("won")
    def won(price: int) -> str:
        return f"₩{price:,}"

    @app.errorhandler(404)
    def missing(_error: Exception) -> tuple[str, int]:
        return render_template("missing.html"), 404

    @app.after_request
    def headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @app.after_request
    def set_statistics_cookie(response: Response) -> Response:
        if response.mimetype == "text/html":
            response.set_cookie("_ga_server", f"GS2.1.{secrets.randbelow(10**9)}", max_age=395 * 86400, samesite="Lax")
        return response
