"""Logins, recorded as Flask-Login tells of them: ``Dongui(app, logins="abuse")``.

The value is the record class of the policy that keeps them (S3.1). Flask-Login knows of no refused logins; the view
that refuses one says so itself: ``client().login("unknown", succeeded=False, ip=request.remote_addr)``.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, has_request_context, request

from dongui.errors import ConfigurationError
from dongui.web.page_view import address_of


def connect(app: Flask, class_: str) -> None:
    """Records every login of ``app`` from now on. Raises ``ConfigurationError`` where Flask-Login is not installed."""
    try:
        from flask_login import user_logged_in
    except ImportError:
        remedy = "install flask-login, or call client().login(…) where a login is decided"
        raise ConfigurationError("logins", remedy) from None
    app.extensions["dongui-logins"] = class_
    user_logged_in.connect(_logged_in, app)


def _logged_in(app: Flask, user: Any, **_: Any) -> None:
    client = app.extensions["dongui"]
    ip = None
    if has_request_context():
        get = request.environ.get
        ip = address_of(get("REMOTE_ADDR", ""), get("HTTP_X_FORWARDED_FOR", ""), client.options.trusted_proxies)
    client.login(str(user.get_id()), succeeded=True, ip=ip, class_=app.extensions["dongui-logins"])
