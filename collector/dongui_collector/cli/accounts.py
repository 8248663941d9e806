"""``dongui accounts``: who may sign in to the console."""

from __future__ import annotations

from pathlib import Path

import click

from dongui_collector.access.roles import CONSOLE_ROLES
from dongui_collector.cli.common import (
    CommandGroup,
    acting_user,
    config_option,
    control,
    emit,
    json_option,
    reading,
)


@click.group(cls=CommandGroup)
def accounts() -> None:
    """List and change the accounts of the console."""


@accounts.command("list")
@config_option
@json_option
def list_(config: Path, as_json: bool) -> None:
    """List the accounts: role, second factor, open sessions."""
    from dongui_collector.access.accounts import shown

    with reading(config) as core:
        people = core.storage.people
        rows = [shown(account) | {"sessions": len(people.sessions(account["id"]))} for account in people.accounts()]
    emit(rows, as_json, ["name", "role", "second_factor", "disabled", "locked", "sessions"])


@accounts.command()
@click.argument("name")
@click.option("--role", type=click.Choice(CONSOLE_ROLES), required=True)
@config_option
@json_option
def add(name: str, role: str, config: Path, as_json: bool) -> None:
    """Make an account. Its password is shown this once; whoever uses it changes it in the console."""
    from dongui_collector.access.secrets import new_password
    from dongui_collector.core.errors import CollectorError

    with reading(config) as core:
        if core.storage.people.account(name):
            raise CollectorError(f"there is an account {name!r} already; see `dongui accounts reset` and `role`")
    password = new_password()
    made = control(config).ask("accounts.put", name=name, password=password, role=role, by=acting_user())
    emit({**made, "password": password}, as_json)


@accounts.command()
@click.argument("name")
@click.argument("role", type=click.Choice(CONSOLE_ROLES))
@config_option
@json_option
def role(name: str, role: str, config: Path, as_json: bool) -> None:
    """Give an account another role. Its sessions end."""
    emit(control(config).ask("accounts.role", name=name, role=role, by=acting_user()), as_json)


@accounts.command()
@click.argument("name")
@config_option
@json_option
def disable(name: str, config: Path, as_json: bool) -> None:
    """Shut an account out until it is enabled again."""
    emit(control(config).ask("accounts.disable", name=name, by=acting_user()), as_json)


@accounts.command()
@click.argument("name")
@config_option
@json_option
def enable(name: str, config: Path, as_json: bool) -> None:
    """Let a disabled account in again."""
    emit(control(config).ask("accounts.disable", name=name, disabled=False, by=acting_user()), as_json)


@accounts.command()
@click.argument("name")
@config_option
@json_option
def reset(name: str, config: Path, as_json: bool) -> None:
    """Give an account a new password, shown this once, and take its second factor away."""
    emit(control(config).ask("accounts.reset", name=name, by=acting_user()), as_json)


@accounts.command()
@click.argument("name")
@config_option
@json_option
def remove(name: str, config: Path, as_json: bool) -> None:
    """Remove an account; what it did stays on the ledger under its name."""
    emit(control(config).ask("accounts.remove", name=name, by=acting_user()), as_json)
