"""``manage.py check``: what would leave visitors unguarded."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from dongui.errors import ConfigurationError
from dongui.http.checkup import collector_findings
from dongui.integrations.django.middleware import given_options
from dongui.web.options import Options, resolve, unknown_variables

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
            found += _of_options(resolve(given))
    except ConfigurationError as error:
        found.append(Error(f"settings.DONGUI: {error}", id="dongui.E001"))
    for name, remedy in unknown_variables():
        found.append(Warning(f"The environment variable {name} is no option.", hint=remedy, id="dongui.W002"))
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


def _of_options(options: Options) -> list[CheckMessage]:
    """The collector as it answers now, and what Django's own settings say of a proxy."""
    found: list[CheckMessage] = []
    if options.policy is None:
        for what, remedy in collector_findings(options.site, options.collector, options.secret_key):
            found.append(Warning(f"{what}.", hint=remedy, id="dongui.W003"))
    proxied = [name for name in ("SECURE_PROXY_SSL_HEADER", "USE_X_FORWARDED_HOST") if getattr(settings, name, None)]
    if proxied and not options.trusted_proxies:
        text = f"settings.{proxied[0]} tells of a proxy, and trusted_proxies is 0: every visitor has its address."
        hint = 'Set DONGUI["trusted_proxies"] to the number of proxies.'
        found.append(Warning(text, hint=hint, id="dongui.W004"))
    return found
