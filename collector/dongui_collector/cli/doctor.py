"""``dongui doctor``: what is misconfigured, and how to mend it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dongui_collector.cli.common import config_option, emit, json_option, reading, settings_of


@click.command()
@click.option("--pages", is_flag=True, help="Ask each site's first pages too, and say what check-site finds there.")
@config_option
@json_option
def doctor(config: Path, as_json: bool, pages: bool) -> None:
    """Say what is misconfigured, and how to mend it.

    Exit code 1 when something keeps the product from doing its work; warnings alone leave it at 0.
    """
    from dongui_collector.runtime.doctor import examine, examine_settings
    from dongui_collector.runtime.doctor_pages import examine_pages

    found = examine_settings(settings_of(config))
    with reading(config) as core:
        found += examine(core)
        found += examine_pages(core) if pages else ()
    rows = [symptom.json() for symptom in sorted(found, key=lambda symptom: symptom.level)]
    emit(rows, as_json, _text)
    raise SystemExit(1 if any(row["level"] == "error" for row in rows) else 0)


def _text(rows: list[dict[str, Any]]) -> str:
    colours = {"error": "red", "warning": "yellow"}
    lines = [
        f"{click.style(row['level'], fg=colours[row['level']])}: {row['what']}\n    {row['remedy']}" for row in rows
    ]
    return "\n".join(lines) or "Nothing to mend."
