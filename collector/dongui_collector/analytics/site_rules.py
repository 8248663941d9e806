"""What an installation's settings say about how a site's visits are counted. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dongui_collector.analytics.channel_rules import ChannelRule
from dongui_collector.core.addresses import parts_of, readable_path


@dataclass(frozen=True, slots=True)
class SiteRules:
    """``hosts`` are the site's own, which are nobody's source. ``channels`` are rules that go before ours.

    ``one_slash``: a page with and without a slash at its end is one page, named without.
    """

    hosts: frozenset[str] = frozenset()
    one_slash: bool = False
    channels: tuple[ChannelRule, ...] = ()

    @classmethod
    def of(cls, origins: Iterable[str], *, trailing_slash: str, channel_rules: Iterable[str]) -> SiteRules:
        """The rules of a site with these origins under the settings of those names."""
        hosts = (parts_of(origin)[0] for origin in origins)
        rules = tuple(map(ChannelRule.parse, channel_rules))
        return cls(frozenset(host for host in hosts if host), trailing_slash == "ignore", rules)

    def page(self, url: str | None) -> str | None:
        """The page that an address leads to, under its one readable name; None for what is no address."""
        path = parts_of(url)[1]
        return None if path is None else self.named(path)

    def named(self, path: str) -> str:
        """The one name of a page whose path, or whose pattern with stars, is written like this."""
        path = readable_path(path)
        return path.rstrip("/") or "/" if self.one_slash and path else path
