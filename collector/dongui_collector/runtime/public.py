"""The public door, whole: intake's own calls and those of the rooms above it."""

from __future__ import annotations

from functools import partial

from dongui_collector.intake.app import PublicApp
from dongui_collector.intake.routes import pages
from dongui_collector.retention.installation import Installation
from dongui_collector.rights.public_calls import PUBLIC_CALLS


def public_app(core: Installation, *, dev: bool = False) -> PublicApp:
    """What ``serve`` serves on the public port."""
    return PublicApp(core, partial(pages, more=PUBLIC_CALLS), dev=dev)
