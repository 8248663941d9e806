"""The Django application: registers the system checks."""

from __future__ import annotations

from django.apps import AppConfig, apps
from django.core import checks


class DonguiConfig(AppConfig):
    """Found by Django through ``INSTALLED_APPS``."""

    name = "dongui.integrations.django"
    label = "dongui"
    verbose_name = "dongui (동의)"

    def ready(self) -> None:
        """Called once the applications are loaded."""
        from dongui.integrations.django.checks import check

        checks.register(check)
        if apps.is_installed("django.contrib.auth"):
            from dongui.integrations.django.logins import connect

            connect()
