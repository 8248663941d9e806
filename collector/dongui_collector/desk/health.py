"""``/healthz`` and ``/metrics`` of the desk. Numbers only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from flask import current_app, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from werkzeug.wrappers import Response

from dongui_collector.analytics.columns.engine import Engine
from dongui_collector.desk.access import OPERATORS, authorised
from dongui_collector.desk.hosts import is_local
from dongui_collector.desk.pages import DeskPages
from dongui_collector.retention.deadlines import urgencies
from dongui_collector.retention.installation import Installation
from dongui_collector.webhooks.operations import ListWebhooks, list_webhooks

pages = DeskPages("health", __name__, signed_in=False)


class Gauges(Collector):
    """What the desk can tell from the folder alone, read anew for each scrape."""

    def __init__(self, core: Installation) -> None:
        self._core = core

    def collect(self) -> Iterator[Metric]:
        storage = self._core.storage
        yield GaugeMetricFamily("dongui_desk_ledger_records", "Links of the ledger's chain.", storage.ledger.head()[0])
        yield GaugeMetricFamily("dongui_desk_days", "Days that hold rows.", len(storage.events.days()))
        yield GaugeMetricFamily(
            "dongui_desk_open_endings", "Endings decided but not finished.", len(storage.ledger.intents())
        )
        yield GaugeMetricFamily("dongui_desk_holds", "Legal holds in force.", len(storage.admin.holds()))
        stores = Engine.of(self._core).held()
        yield GaugeMetricFamily(
            "dongui_desk_report_bytes", "Memory that reports take.", sum(store.nbytes for store in stores)
        )
        yield GaugeMetricFamily(
            "dongui_desk_report_days",
            "Days in memory for reports, of every set of purposes.",
            sum(store.days for store in stores),
        )
        waiting = storage.admin.destructions(("selected",))
        yield GaugeMetricFamily(
            "dongui_desk_destructions_waiting", "Destructions that wait for approval.", len(waiting)
        )
        # K3: alert from the third day on, overdue from the fifth.
        urgent = urgencies(waiting, self._core.retention.today())
        pressing = GaugeMetricFamily(
            "dongui_desk_destructions_pressing", "Waiting destructions by how urgent they are.", labels=["urgency"]
        )
        for word, number in urgent.items():
            pressing.add_metric([word], number)
        yield pressing
        told = GaugeMetricFamily("dongui_desk_webhooks", "Webhooks by how they fare.", labels=["state"])
        states = Counter(hook.state for hook in list_webhooks(self._core, ListWebhooks()))
        for state in ("working", "failing", "paused"):
            told.add_metric([state], states[state])
        yield told
        yield GaugeMetricFamily(
            "dongui_desk_versions_unsigned",
            "Policy versions with a period that no standing approval covers.",
            len(self._core.retention.standing.unsigned()),
        )


@pages.get("/healthz", nobody="whether it runs")
def healthz() -> dict[str, bool]:
    return {"alive": True}


@pages.get("/metrics", nobody="numbers")
def metrics() -> Response:
    """On loopback for whoever asks; from elsewhere under an operator's token."""
    core: Installation = current_app.extensions["dongui"]
    if not is_local(request.environ):
        authorised(core, OPERATORS)
    registry = CollectorRegistry()
    registry.register(Gauges(core))
    return Response(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")
