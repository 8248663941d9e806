"""Handing an access package over: only after the identity was checked, and written in the access log first (S9.6, K12).

The look is asked of the collector, which alone writes; whoever asked then builds the package from a read-only
installation. Nothing of it is written anywhere but where it is sent.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from dongui_collector.access import audit_log
from dongui_collector.core.errors import CollectorError, NotAllowed
from dongui_collector.core.operations import AccessRequest, Field, operation
from dongui_collector.core.private_files import private
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import access_package, access_package_page, files
from dongui_collector.rights.grounds import kind_of
from dongui_collector.rights.identity import must_be_proved
from dongui_collector.rights.subjects import Subject, subject_of

_KINDS = ("access", "correction")
_WHOLE = access_package.AccessScope(whole=True)

Pieces = Callable[[], Iterator[bytes]]


class PackageOpened(msgspec.Struct, frozen=True):
    """The request whose package may be written now."""

    id: int


class OpenPackage(AccessRequest[PackageOpened], frozen=True):
    """Allow the access package of a request to be written. The look is audited."""

    id: Annotated[int, Field(argument=True)]


@operation("requests.package", right="requests", audit="request.package")
def look(core: Installation, form: OpenPackage) -> PackageOpened:
    """Allow a package and write the look down, the archive's too. Raises :class:`NotAllowed` as :func:`whose` does."""
    subject = whose(core, form.id)
    reason, visitor = f"privacy request {form.id}", next(iter(subject.keys), None)
    what = {"visitors": len(subject.visitors), "archive": True}
    site = subject.site_ref
    audit_log.record_request(core, form, "request.package", reason, site_ref=site, visitor=visitor, what=what)
    return PackageOpened(id=form.id)


def whose(core: Installation, id: int) -> Subject:
    """Whose package answers a request. Raises :class:`NotAllowed` before the identity was confirmed, for a request of
    another kind than access or correction, and for one that was refused."""
    request = files.load(core, id)
    must_be_proved(request)
    if kind_of(request.kind) not in _KINDS:
        raise NotAllowed("a package answers a request for access; this one asks for something else")
    if request.state == "refused":
        raise NotAllowed(f"request {id} was refused; see `dongui requests show {id}`")
    return subject_of(core, request)


def parts(core: Installation, id: int) -> dict[str, Pieces]:
    """The package's files by name: one JSON, and a page in each of the policy's languages."""
    subject = whose(core, id)
    languages = core.registry.in_force(subject.site_ref, core.clock.now()).policy.notice.languages

    def page(lang: str) -> Pieces:
        return lambda: access_package_page.as_html(core, subject, _WHOLE, lang)

    made: dict[str, Pieces] = {f"access-{id}.json": lambda: access_package.as_json(core, subject, _WHOLE)}
    return made | {f"access-{id}.{lang}.html": page(lang) for lang in languages}


def write(core: Installation, id: int, target: Path) -> list[Path]:
    """Write a package into ``target``: a new zip where it ends in ``.zip``, else a folder. For the owner's eyes only.

    Raises :class:`CollectorError` rather than replace a file.
    """
    try:
        if target.suffix == ".zip":
            with open(target, "xb", opener=private) as file:
                for piece in zipped(core, id):
                    file.write(piece)
            return [target]
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        paths = []
        for name, pieces in parts(core, id).items():
            path = target / name
            with open(path, "xb", opener=private) as file:
                for piece in pieces():
                    file.write(piece)
            paths.append(path)
        return paths
    except FileExistsError as error:
        raise CollectorError(f"{error.filename} is there already; name another place with -o") from None


def zipped(core: Installation, id: int) -> Iterator[bytes]:
    """The package as a zip, in pieces: no temporary file ever holds any of it."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for name, pieces in parts(core, id).items():
            with archive.open(name, "w", force_zip64=True) as file:
                for piece in pieces():
                    file.write(piece)
                    yield sink.taken()
    yield sink.taken()


class _Sink:
    """A file that can only be written, for a zip that is sent while it is made."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._waiting.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing to do: what was written is taken by :meth:`taken`."""

    def taken(self) -> bytes:
        taken, self._waiting = b"".join(self._waiting), []
        return taken
