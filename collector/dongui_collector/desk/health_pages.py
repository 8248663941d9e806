"""The health page of the console: ``dongui doctor`` for people who sit before a browser."""

from __future__ import annotations

from flask import Blueprint, render_template

from dongui_collector.desk.shell import guard, open_core
from dongui_collector.desk.vitals import vitals

pages = Blueprint("condition", __name__, url_prefix="/console/health")

guard(pages, {})


@pages.get("", endpoint="health")
def health_page() -> str:
    return render_template("health.html", v=vitals(open_core()))
