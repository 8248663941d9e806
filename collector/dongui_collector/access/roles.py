"""Who may do what in the console and through the desk's calls: the matrix of roles (S7.2, least privilege). Pure.

``docs/security.md`` prints it and a test holds the two together; docs/decisions/010 says why it is so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

ROLES = ("consumer", "officer", "analyst", "auditor", "admin")
CONSOLE_ROLES = ("officer", "analyst", "auditor", "admin")

# What there is to be allowed. "own": one's own account, which everybody sees to.
RIGHTS = ("own", "overview", "visits", "read", "approve", "holds", "requests", "export", "audit", "publish", "access")
MATRIX: Mapping[str, frozenset[str]] = {
    # Runs the installation: people, tokens, settings. Neither sees anybody's data nor approves destruction (S5.3) …
    "admin": frozenset({"own", "overview", "visits", "read", "access"}),
    "officer": frozenset(
        {"own", "overview", "visits", "read", "approve", "holds", "requests", "export", "audit", "publish"}
    ),
    "auditor": frozenset({"own", "overview", "read", "audit"}),
    "analyst": frozenset({"own", "overview", "visits", "export"}),
}


def may(role: str, right: str, *, deputy: bool = False) -> bool:
    """Whether a role has a right. ``deputy``: nobody is the officer, so the administrator stands in for one."""
    allowed = MATRIX.get(role, frozenset())
    if deputy and role == "admin":
        allowed |= MATRIX["officer"]
    return right in allowed


def without_officer(roles: Iterable[str]) -> bool:
    """Whether none of the enabled accounts' roles is the officer's: then an administrator is the deputy."""
    return "officer" not in set(roles)
