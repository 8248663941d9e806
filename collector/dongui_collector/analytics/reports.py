"""The reports over visits, and by which columns their rows are told apart. Pure."""

from __future__ import annotations

from collections.abc import Mapping

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
OTHERS = ("now", "funnel", "retention", "vitals", "properties", "property_values")  # they do not outlive their day
REPORTS = (*NAMES, *OTHERS, "consent")
