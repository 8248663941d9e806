"""Whether a policy may be published: errors for what cannot be executed or is unlawful, warnings for the rest.

The product judges files, never companies: no finding means that these rules found nothing, not that a site "is
compliant".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import partial

from dongui.errors import PolicyError
from dongui.policy.findings import Finding, Level, Rule
from dongui.policy.lawfulness import ERRORS
from dongui.policy.load import parse
from dongui.policy.model import Policy
from dongui.policy.warnings import WARNINGS, past_date


def check(policy: Policy | str, *, name: str = "policy.toml", today: date | None = None) -> list[Finding]:
    """Every finding about a policy or a policy file's text, errors first. One that does not load has those alone.

    ``name`` is what findings call a text; a loaded policy brings its own. ``today`` is given of a policy that is yet to
    be published, whose date should not have passed. Never raises.
    """
    if isinstance(policy, str):
        try:
            policy = parse(policy, name=name)
        except PolicyError as error:
            return list(error.problems)
    found = [*_findings("error", ERRORS, policy), *_findings("warning", WARNINGS, policy)]
    if today is not None:
        found += _findings("warning", [partial(past_date, today=today)], policy)
    return found


def _findings(level: Level, rules: Iterable[Rule], policy: Policy) -> Iterator[Finding]:
    for rule in rules:
        for key, message, remedy, cited in rule(policy):
            yield Finding(level, key, message, remedy, policy.name, cited)
