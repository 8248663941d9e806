"""``manage.py check``: what would leave visitors unguarded."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from dongui.errors import ConfigurationError
from dongui.integrations.django.middleware import given_options
from dongui.web.options import resolve

MIDDLEWARE = "dongui.integrations.django.ConsentMiddleware"

# What sets cookies must stand below ours, or its cookies pass by the guard.
_SET_COOKIES = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
)


def check(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """The findings, each with a hint."""
    found: list[CheckMessage] = []
    try:
        given = given_options()
        if "client" not in given:
            resolve(given)
    except ConfigurationError as error:
        found.append(Error(f"settings.DONGUI: {error}", id="dongui.E001"))
    if MIDDLEWARE not in settings.MIDDLEWARE:
        hint = f'Put "{MIDDLEWARE}" first in MIDDLEWARE.'
        found.append(Error("Nothing guards the cookies of this site.", hint=hint, id="dongui.E002"))
        return found
    above = settings.MIDDLEWARE[: settings.MIDDLEWARE.index(MIDDLEWARE)]
    for name in _SET_COOKIES:
        if name in above:
            text = f"{name} stands above dongui's middleware: its cookies pass unseen."
            found.append(Warning(text, hint=f'Move "{MIDDLEWARE}" above it.', id="dongui.W001"))
    return found
