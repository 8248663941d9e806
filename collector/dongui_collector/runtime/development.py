"""``dongui serve --dev``: where it may run, what it says, and the policy file that it publishes when it is saved."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Collection
from pathlib import Path

from dongui.errors import DonguiError
from dongui.policy import parse

from dongui_collector.core.errors import NotAllowed, SettingsError
from dongui_collector.core.loopback import is_loopback
from dongui_collector.core.operations import execute
from dongui_collector.core.settings import Settings
from dongui_collector.intake.origins import has_https
from dongui_collector.retention.installation import Installation
from dongui_collector.retention.publishing import PublishPolicy

log = logging.getLogger("dongui.dev")

WARNING = (
    "DEVELOPMENT (--dev): every page that this machine serves (localhost, 127.0.0.1, [::1], any port) may write here.\n"
    "         Never for visitors: without --dev only the listed origins may."
)
_LOOK_EVERY_S = 0.25
_VERSION = re.compile(r"""^(\s*version\s*=\s*)(["'])[A-Za-z0-9-]+\2""", re.M)


def refuse_reachable(settings: Settings) -> None:
    """Raise :class:`SettingsError` where another machine could reach the door or the desk."""
    for option, host in (("--host", settings.host), ("desk_host", settings.desk_host)):
        if not is_loopback(host):
            raise SettingsError(f"--dev listens on loopback alone: {option} must be 127.0.0.1, ::1 or localhost")


def refuse_visitors(core: Installation) -> None:
    """Raise :class:`NotAllowed` where a published site has an https origin, so that it may have visitors."""
    if any(has_https(site) for site in core.registry.published()):
        raise NotAllowed(
            "--dev is not for a published site with an https origin; start without --dev, or make an installation for"
            " development: dongui init DIR"
        )


def unused_version(text: str, used: Collection[str]) -> str:
    """The policy under a version of its own: ``v1`` that is used already becomes ``v1-dev-2``, and so on.

    Raises :class:`~dongui.errors.PolicyError` for a text that is no policy, :class:`NotAllowed` where the version does
    not stand on a line of its own.
    """
    version = parse(text).notice.version
    if version not in used:
        return text
    number = next(n for n in range(2, len(used) + 3) if f"{version[:50]}-dev-{n}" not in used)
    fresh = f"{version[:50]}-dev-{number}"
    renamed = _VERSION.sub(rf"\g<1>\g<2>{fresh}\g<2>", text, count=1)
    if parse(renamed).notice.version != fresh:
        raise NotAllowed(f"version {version} is published already; write notice.version anew")
    return renamed


class PolicyFile:
    """The policy file beside the settings, published when it was saved. While it is broken the old version stays."""

    def __init__(self, core: Installation, file: Path) -> None:
        self._core, self._file = core, file
        self._loaded = self._seen = self._read()

    async def watch(self) -> None:
        """Look at it four times a second, until this task is cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            if said := await asyncio.to_thread(self.look):
                print(f"policy   {said}", flush=True)

    def look(self) -> str:
        """Publish a text that is new and was the same at two looks, so that none counts that is written at this moment.

        Returns what there is to say of it.
        """
        seen, self._seen = self._seen, self._read()
        if self._seen != seen or seen == self._loaded:
            return ""
        self._loaded = seen
        try:
            return self._publish(seen)
        except (DonguiError, UnicodeDecodeError) as error:
            return f"{self._file} is not loaded, what was in force stays: {error}"
        except Exception as error:
            log.error("the policy file could not be loaded", exc_info=error)
            return f"{self._file} is not loaded, what was in force stays; the log says more"

    def _read(self) -> bytes:
        try:
            return self._file.read_bytes()
        except OSError:
            return b""

    def _publish(self, content: bytes) -> str:
        if not content:
            raise NotAllowed("it is missing, empty or cannot be read")
        registry = self._core.registry
        if len(registry.sites()) != 1:
            raise NotAllowed("there are several sites; use dongui policy publish FILE --site NAME")
        site = registry.sites()[0]
        if has_https(site):
            raise NotAllowed("the site has an https origin; publish with dongui policy publish FILE")
        used = {notice.version for notice in registry.notices(site.ref)}
        done = execute(self._core, PublishPolicy(unused_version(content.decode("utf-8"), used), site.id))
        return f"{self._file} is loaded: version {done.version}, in force from {done.effective}"
