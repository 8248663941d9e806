"""The health page of the console: ``dongui doctor`` for people who sit before a browser."""

from __future__ import annotations

from flask import render_template

from dongui_collector.desk.pages import DeskPages, MenuLine
from dongui_collector.desk.shell import open_core
from dongui_collector.desk.vitals import vitals

pages = DeskPages("condition", __name__, url_prefix="/console/health")


@pages.get("", endpoint="health", nobody="numbers, settings that are amiss", menu=MenuLine("set_up", 6, "health"))
def health_page() -> str:
    return render_template("health.html", v=vitals(open_core()))
