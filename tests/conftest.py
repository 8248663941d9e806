"""For all tests: a property holds on a busy machine too, so no example of Hypothesis is held to a time."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
