"""Publishing a notice version, and signing its periods for routine ageing-out (S5.3)."""

from __future__ import annotations

import msgspec

from dongui_collector.core.operations import Request, SiteName, operation
from dongui_collector.ledger import sites
from dongui_collector.retention.installation import Installation
from dongui_collector.retention.standing_approval import UnsignedVersion


class PublishedNotice(sites.Published, frozen=True, kw_only=True):
    """``unsigned`` are the versions whose periods no standing approval covers."""

    unsigned: list[UnsignedVersion]


class PublishPolicy(Request[PublishedNotice], frozen=True):
    """Publish a policy as a new notice version of a site; with ``sign`` whoever publishes signs its periods too."""

    text: str
    site: SiteName = None
    sign: bool = False
    by: str = ""


@operation("policy.publish", right="publish", audit="notice")
def publish(core: Installation, request: PublishPolicy) -> PublishedNotice:
    """Publish and, where asked, sign. Raises what :func:`dongui_collector.ledger.sites.publish` raises."""
    found = sites.find_site(core, request.site)
    first = not core.registry.notices(found.ref)
    with core.storage.ledger.writing():
        done = sites.publish(core, found, request.text)
    core.registry.reload()
    if request.sign:
        core.retention.standing.grant(request.by, site_ref=found.ref, version=done.version)
    elif first and (standing := core.retention.standing.current()) and not standing.versions:
        # `dongui init` approved the routine before there was anything to approve: it meant this.
        core.retention.standing.grant(standing.by, site_ref=found.ref, version=done.version)
    return PublishedNotice(**msgspec.structs.asdict(done), unsigned=core.retention.standing.unsigned())
