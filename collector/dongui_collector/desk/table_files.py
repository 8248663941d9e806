"""Reports as files that a spreadsheet opens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from werkzeug.wrappers import Response

from dongui_collector.analytics.report_table import columns_of, rows_of
from dongui_collector.exports.formats import MEDIA_TYPES, table_csv


def as_download(answer: Mapping[str, Any]) -> Response:
    """An answer of a report as a CSV file."""
    name = f"{answer['report']}-{answer['from']}-{answer['to']}"
    return table_file(name, columns_of(answer), rows_of(answer))


def table_file(name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Response:
    """Rows as a CSV file under a name of ours, without its ending."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(table_csv(columns, rows), headers=headers, content_type=MEDIA_TYPES["csv"])
