"""``dongui investigation``: a demand of an investigator or court (S4.2c): recorded first, then exactly that."""

from __future__ import annotations

from dongui_collector.cli.derive import command, group
from dongui_collector.cli.handover import handing_over
from dongui_collector.rights.investigations import BeginInvestigation, RecordDemand, demanded

investigation = group(
    "investigation",
    "Record a demand for data by law, and hand over exactly what it asks for.",
    command("record", RecordDemand),
    handing_over(
        BeginInvestigation, demanded, "Hand over what demand ID asks for, as NDJSON: its days, its persons, its items."
    ),
)
