"""What a draft of a policy amounts to: what is wrong with it, what it changes, whether it may be published. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from dongui.errors import PolicyError
from dongui.policy import Diff, Finding, Policy, check, diff
from dongui.policy.undeclared import as_lines

from dongui_collector.analytics.cookie_inventory import missing_of
from dongui_collector.ledger.notices import earliest_effective


@dataclass(frozen=True, slots=True)
class Draft:
    """A text and what is to be said of it. ``taken``: its version is published already, with another text;
    ``unchanged``: with this very one. ``changes`` are those from the notice in force, None without one. ``earliest`` is
    the first date that it may have, where it would never come into force with its own."""

    text: str
    policy: Policy | None
    findings: Sequence[Finding]
    changes: Diff | None
    taken: bool
    unchanged: bool
    earliest: date | None = None


def judged(
    text: str, in_force: Policy | None, published: Mapping[str, str], now: int, *, parse: Callable[[str], Policy]
) -> Draft:
    """What a text amounts to.

    :param in_force: the policy in force at ``now`` (epoch ms); None where the draft would be the first version.
    :param published: the site's versions with their texts.
    :param parse: reads a text, or raises :class:`PolicyError`.
    """
    try:
        policy = parse(text)
    except PolicyError as error:
        return Draft(text, None, list(error.problems), None, taken=False, unchanged=False)
    same = published.get(policy.notice.version)
    return Draft(
        text,
        policy,
        check(policy),
        diff(in_force, policy) if in_force else None,
        taken=same is not None and same != text,
        unchanged=same == text,
        earliest=earliest_effective(policy, in_force, now) if in_force and same is None else None,
    )


def with_cookie(text: str, policy: Policy, name: str, host: str) -> str:
    """The text with the lines that would declare a cookie put at its end; as it is when nothing is missing."""
    missing = missing_of(policy, name, host)
    return f"{text.rstrip()}\n\n{as_lines(missing)}" if missing else text
