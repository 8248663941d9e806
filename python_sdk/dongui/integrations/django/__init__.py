"""Django: middleware, settings, system checks, a template filter and a management command.

``INSTALLED_APPS += ["dongui.integrations.django"]``, ``"dongui.integrations.django.ConsentMiddleware"`` first in
``MIDDLEWARE``, and ``DONGUI = {"site": "…", "collector": "…", "secret_key": "…"}``.
"""

from dongui.integrations.django.middleware import ConsentMiddleware, client, requires_consent

__all__ = ["ConsentMiddleware", "client", "requires_consent"]
