"""Prometheus metrics of the public door. Numbers only: no site names, no addresses, no paths with values in them."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.registry import Collector


class DoorMetrics:
    """All of them, with their help texts. Kept apart from the process-wide registry, so that tests can have many."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self._requests = Counter("dongui_requests", "Answers of the public door.", ["path", "status"], registry=r)
        self._recorded = Counter("dongui_events_recorded", "Events that are on disk.", registry=r)
        self._refused = Counter("dongui_events_refused", "Events refused, by reason.", ["reason"], registry=r)
        self.ending_failures = Counter(
            "dongui_ending_failures", "Withdrawals or erasures that failed and were tried again.", registry=r
        )
        self.retention_failures = Counter(
            "dongui_retention_failures", "Background work that ends data and failed.", registry=r
        )
        self.background_failures = Counter(
            "dongui_background_failures", "Other background work that failed, by work.", ["work"], registry=r
        )
        self.days_without_numbers = Counter(
            "dongui_days_without_numbers", "Ended days whose numbers could not be frozen in time.", registry=r
        )
        self.retention_age = Gauge(
            "dongui_retention_age_seconds", "Seconds since the last ageing-out that succeeded.", registry=r
        )
        self.open_endings = Gauge("dongui_open_endings", "Endings decided but not finished.", registry=r)
        self.days = Gauge("dongui_days", "Days that hold rows.", registry=r)
        self.disk_reserve = Gauge(
            "dongui_disk_reserve", "1 while the space for withdrawals on a full disk is put by.", registry=r
        )
        self.places_built = Gauge(
            "dongui_geoip_built_timestamp_seconds",
            "When the GeoIP database in use was built; 0 without one.",
            registry=r,
        )
        self._privacy_requests = Gauge(
            "dongui_privacy_requests", "Privacy requests that are open, due soon or overdue.", ["urgency"], registry=r
        )
        self._webhooks = Counter(
            "dongui_webhook_deliveries", "Deliveries of webhooks, by outcome.", ["outcome"], registry=r
        )
        # Counted up on the hot path, handed over when somebody looks.
        self._recorded_now = 0
        self._answered_now: dict[tuple[str, int], int] = {}

    def answered(self, path: str, status: int) -> None:
        """Count an answer. ``path`` is one of the routes, never what was asked for."""
        self._answered_now[path, status] = self._answered_now.get((path, status), 0) + 1

    def events(self, recorded: int, refused: Mapping[str, int]) -> None:
        """Count one request's events."""
        self._recorded_now += recorded
        for reason, n in refused.items():
            self._refused.labels(reason).inc(n)

    def requests(self, counts: Mapping[str, int]) -> None:
        """How many privacy requests wait, by urgency."""
        for urgency, number in counts.items():
            self._privacy_requests.labels(urgency).set(number)

    def webhook(self, outcome: str) -> None:
        """Count a delivery: ``delivered``, ``failed``, or ``paused`` after too many in vain."""
        self._webhooks.labels(outcome).inc()

    def add(self, collector: Collector) -> None:
        self.registry.register(collector)

    def text(self) -> bytes:
        """The exposition format."""
        self._recorded.inc(self._recorded_now)
        self._recorded_now = 0
        answered, self._answered_now = self._answered_now, {}
        for (path, status), n in answered.items():
            self._requests.labels(path, str(status)).inc(n)
        return generate_latest(self.registry)
