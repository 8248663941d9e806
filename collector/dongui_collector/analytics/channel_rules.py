"""Channel rules of one's own: what must hold of a visit's origin, and the channel that it then comes by. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dongui_collector.analytics.patterns import fits


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """``conditions`` are (field, pattern), all of which must hold, without regard to case; a star is any text."""

    conditions: tuple[tuple[str, str], ...]
    channel: str

    @classmethod
    def parse(cls, text: str) -> ChannelRule:
        """``medium:brandsearch -> paid_search``, as the settings have checked it."""
        left, _, channel = text.rpartition("->")
        pairs = [condition.strip().partition(":") for condition in left.split("&")]
        return cls(tuple((field, value.strip().lower()) for field, _, value in pairs), channel.strip())

    def holds(self, origin: Mapping[str, str | None]) -> bool:
        """Whether it holds of an origin's fields."""
        values = ((origin.get(field), pattern) for field, pattern in self.conditions)
        return all(value is not None and fits(pattern, value.lower()) for value, pattern in values)
