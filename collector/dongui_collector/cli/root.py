"""The root of the command line: which commands there are, and how an error reaches the person.

Modules are loaded on demand, so that ``dongui policy check`` starts in a blink and needs no web framework.
"""

from __future__ import annotations

import errno
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any

import click
from dongui.errors import DonguiError

from dongui_collector.cli.common import CommandGroup

# Name → (module, the command in it, what it does). In the order in which one meets them.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "init": ("init", "init", "Make an installation: settings, policy, data, keys, a first site."),
    "serve": ("serve", "serve", "Run the collector: the public door and, on loopback, the desk."),
    "demo": ("demo", "demo", "Show everything on this machine: collector, example shop and console."),
    "sites": ("sites", "sites", "Add and list web sites."),
    "snippet": ("snippet", "snippet", "Print the lines that a site needs."),
    "check-site": ("check_site", "check_site", "Look at a page: ✓ or the remedy for each step of the set-up."),
    "policy": ("policy", "policy", "Check, render, compare and publish privacy policies."),
    "scan": ("scan", "scan", "Visit a page and name the cookies that the policy does not declare."),
    "webhooks": ("webhooks", "webhooks", "Tell other systems of withdrawals and privacy requests."),
    "tokens": ("tokens", "tokens", "Create, list and revoke access tokens."),
    "accounts": ("accounts", "accounts", "List and change the accounts of the console."),
    "audit": ("audit", "audit", "Read the access log, and review it monthly."),
    "import": ("importing", "importing", "Import events, or another product's daily numbers."),
    "reports": ("reports", "reports", "Count visits, pages and sources, from what one's purposes cover."),
    "export": ("export", "export", "Export what one's purposes cover."),
    "sync": ("sync", "sync", "Keep a copy true in an SQLite file or a folder of Parquet, erasures applied."),
    "retention": ("retention", "retention", "Plan or run the ageing-out."),
    "destruction": ("destruction", "destruction", "List, approve and show destructions."),
    "holds": ("holds", "holds", "Add, list and release legal holds."),
    "archive": ("archive", "archive", "List what is kept apart under other law, and read it for that obligation."),
    "requests": ("requests", "requests", "List, show and answer privacy requests."),
    "disclosures": ("disclosures", "disclosures", "List what was handed to whom, and note what left another way."),
    "profiles": ("profiles", "profiles", "Whether a member's profile may be seen by corporate members."),
    "transfer": ("transfer", "transfer", "A business transfer: plan, notices, opting out, hand-over."),
    "investigation": ("investigation", "investigation", "A demand by law: record it, hand over exactly that."),
    "breach": ("breach", "breach", "Whom a breach concerns, and what must be told to whom by when."),
    "channels": ("channels", "channels", "Who must be told of a consent to receive advertising, and by when."),
    "verify": ("verify", "verify", "Verify the chain, the certificates and the basis of every item."),
    "checkpoint": ("verify", "checkpoint", "Fix the ledger as it is now, to be kept elsewhere."),
    "backup": ("backup", "backup", "Back up an installation."),
    "restore": ("backup", "restore", "Restore a backup, less what was destroyed since."),
    "keys": ("keys", "keys", "Rotate the master key, copy and restore the keys."),
    "doctor": ("doctor", "doctor", "Say what is misconfigured, and how to mend it."),
}


class UsageProblem(click.ClickException):
    """An error with a remedy: one clear line on standard error, exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(f"dongui: {self.format_message()}", err=True)


class LazyRoot(CommandGroup):
    """Finds commands by the table above; one whose module is not installed is simply not there."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, (module, _, _) in COMMANDS.items() if find_spec(f"dongui_collector.cli.{module}")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        found: click.Command = getattr(import_module(f"dongui_collector.cli.{module}"), attribute)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DonguiError as error:
            raise UsageProblem(str(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE or error.filename is None:
                raise
            raise UsageProblem(f"{error.filename}: {error.strerror}") from error


@click.group(cls=LazyRoot, name="dongui", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(metadata.version("dongui"), prog_name="dongui")
def cli() -> None:
    """Consent-first tracking: nothing is recorded without a consent on record, and everything ages out on schedule."""
