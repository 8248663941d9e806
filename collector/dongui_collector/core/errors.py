"""The collector's exceptions. One root; the facts are attributes; each message says what, where and the remedy."""

from __future__ import annotations

from dongui.errors import DonguiError


class CollectorError(DonguiError):
    """Root of everything the collector raises on purpose."""


class SettingsError(CollectorError):
    """The settings file or the environment says something that cannot be used."""


class StorageError(CollectorError):
    """The data folder cannot be used as it is."""


class StorageFull(StorageError):
    """Nothing more can be written; nothing was acknowledged."""


class StorageDamaged(StorageError):
    """What is stored cannot be read or written: its pages are damaged, or it is not what this version knows."""


class FolderBusy(StorageError):
    """Another process serves this folder."""

    def __init__(self, folder: str, pid: int | None) -> None:
        super().__init__(
            f"{folder} is in use by process {pid or 'unknown'}; stop it, or talk to it instead of opening its folder"
        )
        self.folder = folder
        self.pid = pid


class NotAllowed(CollectorError):
    """The rule or the law does not allow what was asked."""


class TooManyEntries(CollectorError):
    """A visitor's entries on the ledger are at their ceiling; what takes away is never refused for it."""


class Unknown(CollectorError):
    """A site, notice, visitor, class or id that is not there."""


class NotPublished(Unknown):
    """The policy of a site is still a draft, so nothing is asked for and nothing recorded."""

    REMEDY = "make the draft your own, then `dongui policy publish FILE`"

    def __init__(self, site: str) -> None:
        super().__init__(f"site {site} has no published policy; {self.REMEDY}")
