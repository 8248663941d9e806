"""The reports over visits, and by which columns their rows are told apart. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from dongui_collector.analytics.sessions import METRICS

# Reports that are a breakdown by these dimensions, in this order.
BREAKDOWNS: Mapping[str, tuple[str, ...]] = {
    "sources": ("source", "channel"),
    "channels": ("channel",),
    "referrers": ("referrer",),
    "campaigns": ("campaign", "source", "medium"),
    "mediums": ("medium",),
    "terms": ("term",),
    "contents": ("content",),
    "click_ids": ("click_id",),
    "countries": ("country",),
    "locations": ("country", "city"),
    "devices": ("device",),
    "browsers": ("browser",),
    "os": ("os",),
    "languages": ("language",),
    "screens": ("screen",),
}
PAGE_REPORTS = ("pages", "entry_pages", "exit_pages")
NAMES: Mapping[str, tuple[str, ...]] = {
    "overview": (),
    "timeseries": ("time",),
    **dict.fromkeys(PAGE_REPORTS, ("page",)),
    "events": ("event",),
    "searches": ("search",),
    **BREAKDOWNS,
}
NEIGHBOURS = ("previous_pages", "next_pages")
OTHERS = (
    "now",
    "weekdays",
    *NEIGHBOURS,
    "funnel",
    "retention",
    "vitals",
    "properties",
    "property_values",
    "property_numbers",
)  # they do not outlive their day
# Whose rows are visits of which some may have met a goal; by headline figures also what that was worth.
OF_GOALS = (*NAMES, "properties", "property_values")
OF_VALUES = ("overview", "timeseries", "entry_pages", *BREAKDOWNS)
# Whose rows are the same ones in another period.
_NOT_COMPARED = ("timeseries", "now", "retention", "vitals", "property_numbers")
COMPARED = tuple(name for name in (*NAMES, *OTHERS) if name not in _NOT_COMPARED)
# What does not add up over visitors: of samples, and what tells its rows apart.
SAMPLED: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "vitals": (("page",), ("samples", *(metric.lower() for metric in METRICS))),
    "property_numbers": (("event", "property"), ("samples", "sum", "average", "p50", "p75", "p95")),
}
REPORTS = (*NAMES, *OTHERS, "consent")
