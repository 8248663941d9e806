"""Logins and refused ones, recorded as Django's own signals tell of them: ``DONGUI = {"logins": "abuse", …}``.

The value is the record class of the policy that keeps them (S3.1). Of a refused login no name is recorded: what people
type there by mistake is often their password.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.http import HttpRequest

from dongui.integrations.django.middleware import client
from dongui.web.page_view import address_of


def connect() -> None:
    """Listens from now on."""
    user_logged_in.connect(_logged_in, dispatch_uid="dongui")
    user_login_failed.connect(_refused, dispatch_uid="dongui")


def _logged_in(sender: Any, request: HttpRequest | None, user: Any, **_: Any) -> None:
    _record(str(user.pk), True, request)


def _refused(sender: Any, request: HttpRequest | None = None, **_: Any) -> None:
    _record("unknown", False, request)


def _record(subject: str, succeeded: bool, request: HttpRequest | None) -> None:
    class_ = getattr(settings, "DONGUI", {}).get("logins")
    if not class_:
        return
    here = client()
    ip = None
    if request is not None:
        get = request.META.get
        ip = address_of(get("REMOTE_ADDR", ""), get("HTTP_X_FORWARDED_FOR", ""), here.options.trusted_proxies)
    here.login(subject, succeeded=succeeded, ip=ip, class_=class_)
