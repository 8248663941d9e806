"""``dongui policy``: check, render, compare and publish policy files. Only ``publish`` needs an installation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import click
from dongui.errors import PolicyError
from dongui.policy import Diff, Finding, Policy, check, diff, load, pick_language, render

from dongui_collector.cli.common import (
    CommandGroup,
    acting_user,
    config_option,
    control,
    emit,
    json_option,
    site_option,
)
from dongui_collector.cli.reconfirm import reconfirm
from dongui_collector.core.clock import Clock
from dongui_collector.core.operations import plain

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
# Accepted, so that it can be appended to every command; these need no installation.
_unused_config = click.option("--config", type=click.Path(path_type=Path), expose_value=False, hidden=True)


@click.group(cls=CommandGroup)
def policy() -> None:
    """Check, render, compare and publish privacy policies."""


@policy.command("check")
@click.argument("file", type=_FILE)
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@_unused_config
@json_option
@click.pass_context
def check_(ctx: click.Context, file: Path, strict: bool, as_json: bool) -> None:
    """Say what in FILE cannot be executed or is unlawful (errors), and what to look at (warnings).

    Exit code 1 when there are errors.
    """
    findings = _findings(file)
    emit(_report(file, findings), as_json, _findings_text)
    if any(strict or finding.level == "error" for finding in findings):
        ctx.exit(1)


def _findings(file: Path) -> list[Finding]:
    try:
        loaded = load(file)
        return check(loaded, today=Clock().today(ZoneInfo(loaded.notice.timezone)))
    except PolicyError as error:
        return list(error.problems)


def _report(file: Path, findings: Sequence[Finding]) -> dict[str, Any]:
    errors = sum(finding.level == "error" for finding in findings)
    listed = [asdict(finding) for finding in findings]
    return {
        "file": str(file),
        "ok": not errors,
        "errors": errors,
        "warnings": len(findings) - errors,
        "findings": listed,
    }


def _findings_text(report: dict[str, Any]) -> str:
    lines = [
        f"{finding['level']}: {finding['key'] or '(file)'}: {finding['message']}"
        + (f" [{finding['rule']}]" if finding["rule"] else "")
        + f"\n    {finding['remedy']}"
        for finding in report["findings"]
    ]
    return "\n".join([*lines, f"{report['file']}: {report['errors']} errors, {report['warnings']} warnings"])


@policy.command("render")
@click.argument("file", type=_FILE)
@click.option("--lang", help="One of the policy's languages [default: its first].")
@click.option("--format", type=click.Choice(["html", "markdown"]), default="html", show_default=True)
@click.option("--earlier", type=_FILE, multiple=True, help="An earlier version, to be linked; may be repeated.")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file.")
@_unused_config
@json_option
def render_(
    file: Path,
    lang: str | None,
    format: Literal["html", "markdown"],
    earlier: tuple[Path, ...],
    output: Path | None,
    as_json: bool,
) -> None:
    """Print the page that FILE publishes, as the collector serves it at /policy."""
    loaded = load(file)
    if lang is not None and lang not in loaded.notice.languages:
        raise click.BadParameter(f"the policy has {', '.join(loaded.notice.languages)}", param_hint="--lang")
    chosen = pick_language(loaded, lang)
    versions = [(other.notice.version, other.notice.effective) for other in map(load, earlier)]
    text = render(loaded, chosen, format=format, earlier=versions)
    if output is not None:
        output.write_text(text, encoding="utf-8")
    if as_json:
        page = {} if output else {"text": text}
        emit({"version": loaded.notice.version, "lang": chosen, "format": format, "output": output, **page}, True)
    elif output is None:
        click.echo(text, nl=False)


@policy.command("diff")
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
@_unused_config
@json_option
def diff_(old: Path, new: Path, as_json: bool) -> None:
    """Say what changed from OLD to NEW, and whether visitors must be asked again."""
    before, after = load(old), load(new)
    emit(_difference(before, after, diff(before, after)), as_json, _difference_text)


def _difference(before: Policy, after: Policy, found: Diff) -> dict[str, Any]:
    return {
        "old": before.notice.version,
        "new": after.notice.version,
        "needs_consent": found.needs_consent,
        "purposes": list(found.purposes),
        "changes": [asdict(change) for change in found.changes],
    }


def _difference_text(difference: dict[str, Any]) -> str:
    lines = [
        f"{change['kind']:8} {change['key']}: {change['text']}" + (" (asks again)" if change["needs_consent"] else "")
        for change in difference["changes"]
    ]
    verdict = "Visitors are not asked again."
    if difference["needs_consent"]:
        verdict = f"Visitors must be asked again, for: {', '.join(difference['purposes'])}."
    return "\n".join([*lines, f"{difference['old']} → {difference['new']}: {len(lines)} changes. {verdict}"])


@policy.command("publish")
@click.argument("file", type=_FILE)
@click.option("--sign", is_flag=True, help="Sign its periods for routine ageing-out too, as the privacy officer.")
@site_option
@config_option
@json_option
@click.pass_context
def publish_(ctx: click.Context, file: Path, sign: bool, site: str | None, config: Path, as_json: bool) -> None:
    """Publish FILE as a new notice version of a site. A version never changes once it is published.

    Its date decides when it takes effect. Exit code 1, and nothing published, when the check finds errors.
    """
    findings = _findings(file)
    if any(finding.level == "error" for finding in findings):
        emit(_report(file, findings), as_json, _findings_text)
        ctx.exit(1)
    from dongui_collector.retention.publishing import PublishPolicy

    request = PublishPolicy(load(file).text, site, sign, acting_user() if sign else "")
    emit(plain(control(config)(request)), as_json, _published_text)


policy.add_command(reconfirm)


def _published_text(done: dict[str, Any]) -> str:
    what = f"version {done['version']} of {done['site']}"
    if not done["published"]:
        lines = [f"{what} was published before with this text; nothing changed"]
    else:
        asked = "visitors are asked again" if done["needs_consent"] else "no visitor is asked again"
        lines = [f"{what} is published; it counts from {done['effective']}; {asked}"]
    for one in done["unsigned"]:
        periods = ", ".join(f"{class_id} {keep}" for class_id, keep, _ in one["schedule"])
        lines.append(
            f"nobody signed these periods of {one['site']}, version {one['version']}: {periods}. What they end waits"
            f" for an approval; sign with `dongui destruction grant --version {one['version']}`"
        )
    return "\n".join(lines)
