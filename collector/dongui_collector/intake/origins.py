"""Which origins' pages may write here, and read the answer."""

from __future__ import annotations

from dataclasses import dataclass

from dongui_collector.core.loopback import is_loopback_origin
from dongui_collector.ledger.notices import NoticeRegistry
from dongui_collector.storage.contract.values import Site


@dataclass(frozen=True, slots=True)
class Origins:
    """The listed ones; with ``dev`` (``dongui serve --dev``) also every loopback origin, of sites without https.

    A site that lists an https origin has visitors. It may come to have one while ``serve --dev`` runs, so each call
    asks anew.
    """

    registry: NoticeRegistry
    dev: bool = False

    def may_write(self, site: Site, origin: str) -> bool:
        """Whether pages of ``origin`` may write for ``site``."""
        return origin in site.origins or (self.dev and not has_https(site) and is_loopback_origin(origin))

    def may_read(self, origin: str) -> bool:
        """Whether pages of ``origin`` may read answers (CORS): those that may write for some site."""
        if origin in self.registry.origins:
            return True
        return self.dev and any(self.may_write(site, origin) for site in self.registry.sites())


def has_https(site: Site) -> bool:
    """Whether a site lists an https origin."""
    return any(origin.startswith("https:") for origin in site.origins)
