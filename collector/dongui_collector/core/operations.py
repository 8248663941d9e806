"""Operations: what may be asked of an installation, each of them a type.

A :class:`Request` is a Struct of what is asked and names the type of what comes back; :func:`operation` registers the
function that answers it, with the right that a role needs for it. The command line (``cli/derive.py``), the console's
forms (:func:`from_form`), the control socket (``core/control.py``) and the OpenAPI description are made from these
types. Registration happens by import: ``runtime/operations.py`` imports every module that registers something.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from dongui_collector.core.errors import CollectorError, Unknown

R = TypeVar("R")
Q = TypeVar("Q", bound="Request[Any]")
F = TypeVar("F", bound=Callable[..., Any])
COMMAND_LINE = "command line"
Source = Literal["value", "person", "people", "text", "secret", "password", "lines", "file", "first_line", "json"]


class Request(msgspec.Struct, Generic[R], frozen=True, forbid_unknown_fields=True):
    """What is asked of an installation; the answer is an ``R``. Its docstring is what people read as help."""


@dataclass(frozen=True, slots=True)
class Field:
    """How a person fills a field of a request, as the metadata of its ``Annotated`` type.

    :param help: what it means, for the command line's help and the OpenAPI description.
    :param option: the name on the command line and in forms, where it is not the field's own.
    :param argument: whether the command line takes it by position.
    :param reads: where the command line takes the value from. ``person`` and ``people``: ``-`` stands for lines of
        the standard input; ``text``: ``-`` stands for all of it; ``secret``: ``-`` asks without an echo; ``lines``,
        ``file``, ``first_line`` and ``json``: a file's lines, text, first line (``-``: the standard input), or JSON
        object; ``password``: taken as it is, white space and all.

    A field without it is filled by the program: ``by`` with who asks, ``address`` with from where.
    """

    help: str = ""
    option: str = ""
    metavar: str | None = None
    choices: Sequence[str] = ()
    argument: bool = False
    reads: Source = "value"
    default: Any = None  # what the command line says where nothing is given; a function is called for it


By = Annotated[str, Field("Who decides; by default the user of this command.", metavar="TEXT")]
SiteName = Annotated[str | None, Field("The site's id or name; needed where there are several.", metavar="SITE")]
Day = date | None


class AttributedRequest(Request[R], Generic[R], frozen=True, kw_only=True):
    """A request that names who asks; the program fills it in."""

    by: str = COMMAND_LINE


class SignedRequest(Request[R], Generic[R], frozen=True, kw_only=True):
    """A request that names who decides, which the command line may say."""

    by: By = COMMAND_LINE


class AccessRequest(SignedRequest[R], Generic[R], frozen=True, kw_only=True):
    """A request to look at personal data: who does, and from which address, stands in the access log."""

    address: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """A registered operation. ``right`` is one of ``access/roles.py``; empty where no role is asked for one.

    ``audit`` is the kind of ledger record, or the action in the access log, by which it is found again; empty where
    nothing is written down. ``changes`` is false for what only reads.
    """

    name: str
    request: type[Request[Any]]
    reply: Any
    answer: Callable[[Any, Any], Any]
    right: str = ""
    audit: str = ""
    changes: bool = True


operations: dict[str, Operation] = {}
_by_request: dict[type, Operation] = {}


def operation(name: str, *, right: str = "", audit: str = "", changes: bool = True) -> Callable[[F], F]:
    """Register a function ``(installation, request) -> reply`` under a name such as ``policy.publish``.

    The types of request and reply are those of its annotations.
    """

    def register(function: F) -> F:
        hints = get_type_hints(function, include_extras=True)
        known = Operation(name, hints[list(hints)[1]], hints["return"], function, right, audit, changes)
        operations[name] = _by_request[known.request] = known
        return function

    return register


def named(name: str) -> Operation:
    """The operation of that name. Raises :class:`Unknown`."""
    if name not in operations:
        raise Unknown(f"there is no operation {name!r}")
    return operations[name]


def of_request(kind: type[Request[Any]]) -> Operation:
    """The operation that answers requests of a type. Raises :class:`KeyError` for one that no module registered."""
    return _by_request[kind]


def execute(installation: Any, request: Request[R]) -> R:
    """Answer a request in an open installation (a writable one, for what changes something)."""
    reply: R = of_request(type(request)).answer(installation, request)
    return reply


def perform(installation: Any, name: str, arguments: Mapping[str, Any]) -> Any:
    """Answer a request that came as plain values. Returns the reply as plain values, as JSON has them.

    Raises :class:`Unknown` for a name that nobody registered, :class:`CollectorError` for arguments that do not fit.
    """
    known = named(name)
    return plain(known.answer(installation, typed(known.request, arguments)))


def plain(reply: Any) -> Any:
    """A reply as plain values: dictionaries, lists, texts and numbers."""
    return msgspec.to_builtins(reply)


def typed(kind: type[Q], arguments: Mapping[str, Any]) -> Q:
    """A request from plain values. Raises :class:`CollectorError` naming the field and what it takes."""
    try:
        request: Q = msgspec.convert(arguments, kind)
    except msgspec.ValidationError as error:
        raise refusal(kind, error) from None
    return request


def refusal(kind: type[Request[Any]], error: msgspec.ValidationError) -> CollectorError:
    """What is wrong with a request, without an echo of what was given."""
    reason, _, path = str(error).partition(" - at `$.")
    field = path.rstrip("`").split("[")[0].split(".")[0]
    hint = get_type_hints(kind).get(field)
    if hint is not None and date in (hint, *get_args(hint)):
        return CollectorError(f"{field} must be a day such as 2026-11-23")
    if reason.startswith("Invalid enum value"):
        return CollectorError(f"{field} must be one of {', '.join(map(str, literals(hint)))}")
    return CollectorError(f"{kind.__name__}: {field + ': ' if field else ''}{reason[:200]}")


# --- what the front doors derive -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Described:
    """A field of a request for those who fill it: ``field`` is None where the program does."""

    name: str
    type: Any
    required: bool
    default: Any
    field: Field | None

    @property
    def many(self) -> bool:
        """Whether it takes several values."""
        origin = get_origin(self.type)
        return isinstance(origin, type) and issubclass(origin, Sequence)

    @property
    def form_name(self) -> str:
        """Its name in a form."""
        if self.field and self.field.option and self.many and self.field.reads == "value":
            return self.field.option.lstrip("-").replace("-", "_")  # one of several, such as a check box
        return self.name


def described(kind: type[Request[Any]]) -> list[Described]:
    """The fields of a request, in their order."""
    hints = get_type_hints(kind, include_extras=True)
    found = []
    for field in msgspec.structs.fields(kind):
        hint, metadata = hints[field.name], None
        if get_origin(hint) is Annotated:
            metadata = next((m for m in hint.__metadata__ if isinstance(m, Field)), None)
            hint = get_args(hint)[0]
        default = field.default if field.default is not msgspec.NODEFAULT else None
        found.append(Described(field.name, _without_none(hint), field.required, default, metadata))
    return found


def from_form(kind: type[Q], getlist: Callable[[str], Sequence[str]], /, **fixed: Any) -> Q:
    """A request from a form's fields; ``fixed`` are the values that the form does not decide.

    A text that was left empty is left out, so that its default counts; where there is none it stays empty, so that the
    operation says what is missing. Raises :class:`CollectorError`.
    """
    values = dict(fixed)
    for one in described(kind):
        if one.name in fixed or one.field is None:
            continue
        given = [text if one.field.reads == "password" else text.strip() for text in getlist(one.form_name)]
        if one.type is bool:
            values[one.name] = bool(given and given[0])
        elif one.many:
            lines = [line.strip() for text in given for line in text.splitlines()]
            values[one.name] = [line for line in lines if line]
        elif given and given[0]:
            values[one.name] = _number(one.name, given[0]) if one.type is int else given[0]
        elif one.required:
            values[one.name] = ""
    return typed(kind, values)


def literals(hint: Any) -> tuple[Any, ...]:
    """The values of a ``Literal``, also of one that may be None."""
    hint = _without_none(hint)
    return get_args(hint) if get_origin(hint) is Literal else ()


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise CollectorError(f"{name} must be a number")
    return int(text)


def _without_none(hint: Any) -> Any:
    """The type of a field that may be None."""
    if get_origin(hint) in (Union, types.UnionType):
        inner = [one for one in get_args(hint) if one is not types.NoneType]
        if len(inner) == 1:
            return _without_none(inner[0])
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint
