"""Rotating the master key without a pause: the keys are rewrapped, then its source is switched, then the bridge goes.

Where the source is a file, all of it happens at once. Where it is the environment or a command, the new key has to be
put there by hand; until ``serve`` has been started with it the old one still opens everything.
"""

from __future__ import annotations

import base64
import logging
import os

from dongui_collector.core.errors import NotAllowed
from dongui_collector.core.settings import Settings
from dongui_collector.keys.keyring import KeyRing, decode_master, new_master, replace_master, source

log = logging.getLogger("dongui.keys")

_WHERE = {"environment": "the environment variable DONGUI_MASTER_KEY", "command": "what master_key_command prints"}


def rotate_master(settings: Settings, keyring: KeyRing, text: str | None = None) -> tuple[int, bool]:
    """Give the installation another master key: ``text`` (base64), or a fresh one where the source is a file.

    Returns how many keys were rewrapped, and whether it is finished. Safe against a crash at any moment: the next start
    goes on. Raises :class:`NotAllowed` without a key where nobody but the operator can put it in place.
    """
    if text is None and source(settings) != "file":
        raise NotAllowed(
            f"the master key comes from {_WHERE[source(settings)]}: make one (base64 of 32 random bytes), hand it over"
            " with --new-key FILE, and put it there afterwards"
        )
    folder = (settings.folder / settings.master_key_file).parent
    if source(settings) == "file" and not os.access(folder, os.W_OK):
        raise NotAllowed(f"{folder} cannot be written by this user, so the master key in it cannot be replaced")
    count = keyring.rotate(decode_master(new_master() if text is None else text, "the new master key"))
    return count, _switch(settings, keyring)


def resume_rotation(settings: Settings, keyring: KeyRing) -> None:
    """At every start: go on with a rotation that a crash interrupted, or whose new key has now been put in place."""
    if not keyring.pending:
        return
    if not keyring.bridged:
        keyring.finish()
    elif not _switch(settings, keyring):
        log.warning("the master key was rotated, but its source still gives the old one")


def _switch(settings: Settings, keyring: KeyRing) -> bool:
    if source(settings) != "file":
        return False
    replace_master(settings.folder / settings.master_key_file, base64.b64encode(keyring.master).decode())
    keyring.finish()
    return True
