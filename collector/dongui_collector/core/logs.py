"""Logs: JSON lines on standard error. No request log at all, so none with addresses."""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from datetime import UTC, datetime
from types import TracebackType

from dongui_collector.core.clock import Clock

_FIELDS = ("kind", "seq", "work", "url", "day", "pid", "destruction", "webhook", "what")


class JsonLines(logging.Formatter):
    """One JSON object a line. Of an exception only its type and the places it passed: its text may quote data."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._offset_s = clock.offset_ms / 1000

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created + self._offset_s, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        entry |= {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[0]:
            entry["exception"] = record.exc_info[0].__name__
            entry["places"] = [
                f"{f.filename.rpartition('/')[2]}:{f.lineno} {f.name}" for f in traceback.extract_tb(record.exc_info[2])
            ]
        return json.dumps(entry, ensure_ascii=False, default=str)


def set_up(level: str, clock: Clock) -> None:
    """Send everything to standard error as JSON lines, also what ends the process or one of its threads."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(clock))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("_granian").setLevel("ERROR")
    logging.getLogger("granian").setLevel("ERROR")
    sys.excepthook = _ended_by
    threading.excepthook = _thread_ended


def _ended_by(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("dongui").critical("ended by an error", exc_info=(kind, error, trace))


def _thread_ended(raised: threading.ExceptHookArgs) -> None:
    if raised.exc_value is not None:
        _ended_by(raised.exc_type, raised.exc_value, raised.exc_traceback)
