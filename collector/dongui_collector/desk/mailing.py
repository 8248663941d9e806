"""Sending the weekly mail: when it is due, and by which server. In the desk's own process."""

from __future__ import annotations

import logging
import smtplib
import ssl
import threading
from datetime import datetime
from email.message import EmailMessage

from flask import Flask

from dongui_collector.analytics.weekly_mail import ClaimWeek, UnclaimWeek
from dongui_collector.core.errors import CollectorError
from dongui_collector.core.settings import Settings
from dongui_collector.desk.visits.weekly import mail, receivers, week_before
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.values import Site

log = logging.getLogger("dongui.desk")
_HOUR = 8
_LOOK_EVERY_S = 300.0
_PATIENCE_S = 30.0


def is_on(settings: Settings) -> bool:
    """Whether there is anybody to send to, and a server to send by."""
    return bool(settings.smtp_host and receivers(settings.mail_to))


def is_due(now: datetime) -> bool:
    """Whether it is Monday, from eight o'clock on."""
    return now.weekday() == 0 and now.hour >= _HOUR


def send_week(app: Flask, core: Installation, only: Site | None = None) -> int:
    """Send the mail of the week before today; to how many. Raises :class:`CollectorError` naming what is missing."""
    settings = core.settings
    if not is_on(settings):
        raise CollectorError("the weekly mail needs smtp_host and mail_to in the settings")
    message = mail(app, core, week_before(core.clock.today(settings.zone)), only)
    try:
        _send(settings, message)
    except (OSError, smtplib.SMTPException) as error:
        raise CollectorError(
            f"the mail server {settings.smtp_host} did not take the mail ({type(error).__name__}); "
            "look at the smtp_ settings"
        ) from None
    return len(receivers(settings.mail_to))


def _send(settings: Settings, message: EmailMessage) -> None:
    context = ssl.create_default_context()
    where = (settings.smtp_host, settings.smtp_port)
    server = (
        smtplib.SMTP_SSL(*where, timeout=_PATIENCE_S, context=context)
        if settings.smtp_security == "tls"
        else smtplib.SMTP(*where, timeout=_PATIENCE_S)
    )
    with server:
        if settings.smtp_security == "starttls":
            server.starttls(context=context)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password)
        server.send_message(message)


def watch(app: Flask, core: Installation, ended: threading.Event, every: float = _LOOK_EVERY_S) -> None:
    """Look every few minutes whether the mail is due, until ``ended``; a failure is tried again at the next look.

    Whatever it is: a thread that ended by one would send nothing any more, and nobody would be told.
    """
    while not ended.wait(every):
        try:
            send_if_due(app, core)
        except Exception as error:
            log.warning("the weekly mail was not sent", extra={"kind": type(error).__name__})


def send_if_due(app: Flask, core: Installation) -> bool:
    """Send it where it is due and was not sent for this week. Whether it was sent now."""
    now = datetime.fromtimestamp(core.clock.now() / 1000, core.settings.zone)
    week = week_before(now.date())[0].isoformat()
    if not is_on(core.settings) or not is_due(now) or not core.control(ClaimWeek(week)):
        return False
    try:
        send_week(app, core)
    except BaseException:
        core.control(UnclaimWeek(week))
        raise
    return True
