"""Every module that registers operations. Whoever opens an installation imports this one."""

from __future__ import annotations

from dongui_collector.access import accounts, audit_log, own_account, sessions
from dongui_collector.analytics import saved_views, shared_links, weekly_mail
from dongui_collector.evidence import operations as evidence
from dongui_collector.exports import tokens
from dongui_collector.keys import operations as keys
from dongui_collector.ledger import sites
from dongui_collector.retention import hold_operations, publishing
from dongui_collector.retention import operations as retention
from dongui_collector.rights import (
    breach,
    channels,
    correction,
    delivery,
    disclosures,
    export_operations,
    investigations,
    letters,
    manual_disclosures,
    profiles,
    receipts,
    requests,
    transfers,
)
from dongui_collector.runtime import control_server, doctor, event_import
from dongui_collector.webhooks import operations as webhooks

MODULES = (
    accounts,
    audit_log,
    breach,
    channels,
    control_server,
    correction,
    delivery,
    disclosures,
    doctor,
    event_import,
    evidence,
    export_operations,
    hold_operations,
    investigations,
    keys,
    letters,
    manual_disclosures,
    profiles,
    publishing,
    receipts,
    requests,
    retention,
    saved_views,
    own_account,
    sessions,
    shared_links,
    sites,
    tokens,
    transfers,
    webhooks,
    weekly_mail,
)
