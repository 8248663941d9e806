"""Operations are types: what the front doors derive from them, and what is refused."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from datetime import date
from types import ModuleType
from typing import Any

import msgspec
import pytest
from dongui_collector.access.audit_log import RecordAccess
from dongui_collector.access.roles import RIGHTS
from dongui_collector.cli.derive import parameter
from dongui_collector.core.errors import CollectorError, Unknown
from dongui_collector.core.operations import Field, Request, described, from_form, named, of_request, operations, typed
from dongui_collector.retention.hold_operations import AddHold, ReleaseHold
from dongui_collector.rights.manual_disclosures import NoteDisclosure
from dongui_collector.runtime import operations as registering_modules

from tests.imports import modules

NAMES = sorted(operations)


def test_every_module_that_registers_operations_is_imported_by_the_root() -> None:
    registering = {
        module.name
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(d, ast.Call) and getattr(d.func, "id", "") == "operation" for d in node.decorator_list)
    }
    imported = [one for one in vars(registering_modules).values() if isinstance(one, ModuleType)]
    assert registering == {module.__name__ for module in imported}


@pytest.mark.parametrize("name", NAMES)
def test_an_operation_is_whole(name: str) -> None:
    known = operations[name]
    assert known.right in ("", *RIGHTS)
    assert known.request.__doc__
    assert known.answer.__doc__
    assert of_request(known.request) is known
    msgspec.json.schema(known.request)  # its types are such as JSON has
    for one in described(known.request):
        assert one.field is None or one.name in ("by", "site") or parameter(one) is not None
    if known.changes and known.right not in ("", "own", "read"):
        assert known.audit or name == "proof.seal", "whoever changes something is found again"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"reason": "a claim", "until": "SECRET"}, "until must be a day such as 2026-11-23"),
        ({"reason": "a claim", "until": 7}, "until must be a day such as 2026-11-23"),
        ({"reason": ["SECRET"]}, "AddHold: reason: Expected `str`, got `array`"),
        ({"reason": "a claim", "resaon": "SECRET"}, "AddHold: Object contains unknown field `resaon`"),
        ({}, "AddHold: Object missing required field `reason`"),
    ],
    ids=["no day", "a number", "a list", "unknown field", "missing field"],
)
def test_what_does_not_fit_is_refused_and_not_echoed(given: Mapping[str, Any], message: str) -> None:
    with pytest.raises(CollectorError) as refused:
        typed(AddHold, given)
    assert str(refused.value) == message


def test_there_is_no_operation_of_another_name() -> None:
    with pytest.raises(Unknown):
        named("holds.burn")


def form(**fields: Sequence[str] | str) -> Any:
    values = {name: [value] if isinstance(value, str) else list(value) for name, value in fields.items()}
    return lambda name: values.get(name, [])


def test_a_form_fills_a_request() -> None:
    filled = from_form(AddHold, form(reason=" a claim ", until="2026-01-31", statute=""), by="kim")
    assert filled == AddHold("a claim", until=date(2026, 1, 31), by="kim"), "what was left empty has its default"
    assert from_form(AddHold, form(), by="kim").reason == "", "what is needed is empty, so that the operation says so"


def test_a_form_fills_lists_flags_and_numbers() -> None:
    fields = form(
        recipient="Meta", what="a letter", purpose=["statistics", "marketing"], members="m-1\r\n m-2 \n", rows="3"
    )
    filled = from_form(NoteDisclosure, fields, by="kim")
    assert (filled.purposes, filled.members, filled.rows, filled.everyone) == (
        ["statistics", "marketing"],
        ["m-1", "m-2"],
        3,
        False,
    )
    with pytest.raises(CollectorError, match="rows must be a number"):
        from_form(NoteDisclosure, form(rows="three"), by="kim")


def test_a_form_decides_nothing_that_the_program_fills() -> None:
    """Who asks, from where, and what has no help is never the browser's to say."""
    fields = form(action="login", by="somebody else", reason="a reason", address="192.0.2.1", id="4")
    filled = from_form(RecordAccess, fields, action="policy.publish", by="kim")
    assert filled == RecordAccess("policy.publish", "kim")
    assert from_form(ReleaseHold, fields, id=3, by="kim") == ReleaseHold(3, by="kim")


def test_a_request_comes_back_from_its_json() -> None:
    request = AddHold("동의", until=date(2026, 1, 31), by="kim")
    assert msgspec.json.decode(msgspec.json.encode(request), type=AddHold) == request


def test_the_checks_can_fail() -> None:
    class Bare(Request[None], frozen=True):
        text: Any = Field("no annotation of a type")

    assert [one.field for one in described(Bare)] == [None]
