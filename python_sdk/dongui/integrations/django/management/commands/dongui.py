"""``manage.py dongui``: whether the collector answers, and which of Django's own cookies the policy declares."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dongui.integrations.django.middleware import site
from dongui.rules.cookies import NECESSARY


class Command(BaseCommand):
    """Exit code 1 when no policy is known: then nothing is granted to anybody."""

    help = "Shows the policy in force and how it sees the cookies that Django sets."

    def handle(self, *_: Any, **__: Any) -> None:
        """Prints to standard output."""
        here = site()
        terms = here.knowledge.terms
        if not terms.known:
            raise CommandError(f"No policy from {here.options.collector}: is the collector running, the site id right?")
        self.stdout.write(f"policy {terms.version}; asked for: {', '.join(sorted(terms.asked)) or 'nothing'}")
        for name in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.LANGUAGE_COOKIE_NAME):
            purpose = terms.purpose_of(name)
            self.stdout.write(f"cookie {name}: {_seen(purpose, here.options.strict)}")


def _seen(purpose: str | None, strict: bool) -> str:
    if purpose == NECESSARY:
        return "necessary, so nobody is asked for it"
    if purpose:
        return f"declared for {purpose}"
    return f'not declared; {"dropped" if strict else "passes and is counted by name"}; declare it: necessary = "…"'
