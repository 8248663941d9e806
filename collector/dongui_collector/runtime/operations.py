"""Every module that registers operations, imported for that alone. Whoever opens an installation imports this one."""

# ruff: noqa: F401

from __future__ import annotations

from dongui_collector.access import accounts, audit_log, own_account, sessions
from dongui_collector.analytics import saved_views, shared_links, weekly_mail
from dongui_collector.evidence import operations as evidence
from dongui_collector.exports import tokens
from dongui_collector.keys import operations as keys
from dongui_collector.ledger import refused_origins, sites
from dongui_collector.retention import hold_operations, publishing
from dongui_collector.retention import operations as retention
from dongui_collector.rights import (
    answering,
    breach,
    channels,
    correction,
    delivery,
    disclosures,
    export_operations,
    filing,
    identity,
    investigations,
    letters,
    manual_disclosures,
    profiles,
    receipts,
    request_list,
    request_view,
    transfers,
)
from dongui_collector.runtime import control_server, doctor, event_import
from dongui_collector.webhooks import operations as webhooks
