"""The inventory of cookies, declared and not. Names alone: no value was ever kept."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import render_template

from dongui_collector.analytics.cookie_inventory import inventory
from dongui_collector.desk.frame import chosen_site
from dongui_collector.desk.pages import DeskPages, MenuLine
from dongui_collector.desk.shell import open_core
from dongui_collector.storage.contract.values import Site

pages = DeskPages("cookies", __name__, url_prefix="/console/cookies")


@pages.get("", nobody="names of cookies, never values, nobody's", menu=MenuLine("set_up", 2, "cookies"))
def cookies() -> str:
    core, site = open_core(), chosen_site()
    policy = core.registry.in_force(site.ref, core.clock.now()).policy
    found = inventory(policy, core.storage.admin.cookie_inventory(site.ref), host_of(site))
    return render_template("cookies.html", site=site, policy=policy, found=found)


def host_of(site: Site) -> str:
    """The host that a site is known by: its first origin's."""
    return urlsplit(site.origins[0]).hostname or "" if site.origins else ""
