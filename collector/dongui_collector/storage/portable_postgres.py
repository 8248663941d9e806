"""A PostgreSQL schema that is kept as a copy of rows, whose table is written anew where rows end.

PostgreSQL leaves the bytes of a deleted row in its page, also after ``VACUUM``. So what ends is erased by writing the
living rows into a file of their own and dropping the old one, in one transaction, which unlike ``VACUUM FULL`` leaves
nothing behind for somebody's old snapshot. No value reaches the planner's statistics, where it would outlive its row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, LiteralString
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from dongui.version import how_to_install

from dongui_collector.core.errors import CollectorError

if TYPE_CHECKING:
    import psycopg

Values = Sequence[object]
_SCHEMA = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}")
_ROWS = 1000  # deleted and written by one statement
_PATIENCE = "10s"  # for another run, and for readers of the table, which none may read while it is written anew
_LOCK = 0x646F6E67
_DEFAULTS = {"connect_timeout": "10", "application_name": "dongui sync"}


def copy_address(address: str) -> tuple[str, str, str]:
    """An address without its ``schema``, the schema, and what may be shown of the address: no password, no options.

    Raises :class:`CollectorError` for an address or a schema's name that cannot be one; neither is repeated.
    """
    try:
        url = urlsplit(address)
        options = parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query))
    except ValueError:
        raise CollectorError("DEST is no address of PostgreSQL: postgresql://USER@HOST:PORT/DATABASE") from None
    schema = next((value for name, value in reversed(options) if name == "schema"), "dongui")
    if not _SCHEMA.fullmatch(schema):
        raise CollectorError("schema= names no schema: small letters, digits and _, at most 63, not pg_…")
    rest = urlencode([(name, value) for name, value in options if name != "schema"])
    user, _, host = url.netloc.rpartition("@")
    named = user.partition(":")[0]
    shown = urlunsplit((url.scheme, f"{named}@{host}" if named else host, url.path, "", ""))
    return urlunsplit(url._replace(query=rest)), schema, shown


class PostgresCopy:
    """``columns`` are names, types and meanings, the first of which is the key. ``events`` holds the rows, for people.

    :param address: ``postgresql://…`` as libpq has it, with ``schema=NAME`` besides; a password is best kept elsewhere
        (``~/.pgpass``, ``PGPASSFILE``, a service).
    """

    def __init__(self, address: str, columns: Mapping[str, tuple[str, str]]) -> None:
        conninfo, self._schema, self.shown = copy_address(address)
        self._names = list(columns)
        self._conn = _connected(conninfo, self.shown)
        try:
            with self._errors(), self._conn.transaction():
                self._one_at_a_time()
                self._make(columns)
        except BaseException:
            self._conn.close()
            raise

    def _sql(self, text: LiteralString) -> Any:
        """A statement with ``{events}``, ``{copy}``, ``{schema}``, ``{names}`` filled in."""
        from psycopg import sql

        names = sql.SQL(", ").join(map(sql.Identifier, self._names))
        tables = {name: sql.Identifier(self._schema, name) for name in ("events", "copy")}
        return sql.SQL(text).format(schema=sql.Identifier(self._schema), names=names, **tables)

    def _one(self, text: LiteralString, *values: object) -> Any:
        """The first value of a statement's first row."""
        row = self._conn.execute(self._sql(text), values or None).fetchone()
        assert row is not None
        return row[0]

    def _one_at_a_time(self) -> None:
        """Hold the copy as long as the connection lasts. A run that was killed lets go once the server has noticed."""
        from psycopg import errors

        try:
            self._patiently()
            self._one("SELECT pg_advisory_lock(%s, hashtext(%s))", _LOCK, self._schema)
        except errors.LockNotAvailable:
            raise CollectorError(
                f"another run keeps the copy in {self.shown} right now; run again when it has ended"
            ) from None

    def _patiently(self) -> None:
        """Within this transaction, wait for a lock only so long."""
        self._conn.execute("SELECT set_config('lock_timeout', %s, true)", (_PATIENCE,))

    # -- its tables

    def _make(self, columns: Mapping[str, tuple[str, str]]) -> None:
        namespace = "SELECT oid FROM pg_namespace WHERE nspname = %s"
        found = self._conn.execute(namespace, (self._schema,)).fetchone()
        tables = dict(
            self._conn.execute(
                "SELECT relname, pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE relnamespace = %s "
                "AND relkind NOT IN ('i', 't')",
                (found[0],),
            ).fetchall()
            if found
            else ()
        )
        if {"events", "copy"} <= tables.keys():
            return self._check(tables)
        if tables:
            raise CollectorError(
                f"the schema {self._schema} in {self.shown} holds something else; name another: ?schema=NAME"
            )
        if not found:
            self._conn.execute(self._sql("CREATE SCHEMA {schema}"))
        self._create(columns)
        return None

    def _check(self, tables: Mapping[str, bool]) -> None:
        if not tables["events"] or not tables["copy"]:
            raise CollectorError(
                f"the tables of the schema {self._schema} in {self.shown} belong to another role, and only their owner "
                "can erase: sign in as that role"
            )
        names = [
            column.name for column in self._conn.execute(self._sql("SELECT * FROM {events} LIMIT 0")).description or ()
        ]
        if names != self._names:
            raise CollectorError(
                f"the copy in {self.shown} was made by another version; name another schema (?schema=NAME), and drop "
                "the old one once the new one is there"
            )

    def _create(self, columns: Mapping[str, tuple[str, str]]) -> None:
        from psycopg import sql

        typed = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, (kind, _) in columns.items()
        )
        events = sql.Identifier(self._schema, "events")
        self._conn.execute(sql.SQL("CREATE TABLE {} ({}, PRIMARY KEY (id))").format(events, typed))
        for name, (_, meaning) in columns.items():
            column = sql.Identifier(name)
            self._conn.execute(sql.SQL("ALTER TABLE {} ALTER {} SET STATISTICS 0").format(events, column))
            about = sql.Identifier(self._schema, "events", name)
            self._conn.execute(sql.SQL("COMMENT ON COLUMN {} IS {}").format(about, sql.Literal(meaning)))
        self._conn.execute(
            self._sql(
                "CREATE TABLE {copy} (one boolean PRIMARY KEY DEFAULT true CHECK (one), cursor text, question text, "
                "ended boolean NOT NULL DEFAULT false)"
            )
        )
        self._conn.execute(self._sql("INSERT INTO {copy} DEFAULT VALUES"))

    # -- what it is a copy of

    @property
    def cursor(self) -> str | None:
        """Where the copy stands; None before its first answer."""
        with self._errors():
            found: str | None = self._one("SELECT cursor FROM {copy}")
        return found

    @property
    def question(self) -> str | None:
        """Of what it is a copy, for people."""
        with self._errors():
            found: str | None = self._one("SELECT question FROM {copy}")
        return found

    def count(self) -> int:
        """How many rows it holds."""
        with self._errors():
            found: int = self._one("SELECT count(*) FROM {events}")
        return found

    # -- changing it

    def apply(self, changes: Iterable[tuple[str, Values | None]], cursor: str, question: str) -> int:
        """Apply an answer and take its cursor, all or nothing: of each id its values, None for what has ended.

        Returns how many rows were told. What is broken off leaves its rows in the table's pages: that is written down
        first, so that :meth:`scrub` reaches them.
        """
        told, source = 0, iter(changes)
        with self._errors():
            ended = self._one("SELECT ended FROM {copy}")
            self._conn.execute(self._sql("UPDATE {copy} SET ended = true"))
            with self._conn.transaction():
                while batch := list(islice(source, _ROWS)):
                    told += len(batch)
                    ended |= self._replace(dict(batch))
                state = self._sql("UPDATE {copy} SET cursor = %s, question = %s, ended = %s")
                self._conn.execute(state, (cursor, question, ended))
        return told

    def _replace(self, rows: Mapping[str, Values | None]) -> bool:
        """Put rows in the place of those with their ids; whether something is left behind of what there was."""
        gone = self._conn.execute(self._sql("DELETE FROM {events} WHERE id = ANY(%s)"), (list(rows),)).rowcount
        living = [values for values in rows.values() if values is not None]
        if living:
            with self._conn.cursor() as cur, cur.copy(self._sql("COPY {events} ({names}) FROM STDIN")) as copy:
                for values in living:
                    copy.write_row(values)
        return gone > 0 or len(living) < len(rows)

    def empty(self) -> None:
        """Erase every row, and forget the cursor: the copy begins anew."""
        with self._errors(), self._conn.transaction():
            self._conn.execute(self._sql("TRUNCATE {events}"))
            self._conn.execute(self._sql("UPDATE {copy} SET cursor = NULL, ended = false"))

    def scrub(self) -> bool:
        """Write the table anew, where something has ended in it. False while somebody reads it."""
        from psycopg import errors

        with self._errors():
            if not self._one("SELECT ended FROM {copy}"):
                return True
            try:
                with self._conn.transaction():
                    self._patiently()
                    self._conn.execute(self._sql("LOCK TABLE {events} IN ACCESS EXCLUSIVE MODE"))
                    self._conn.execute(self._sql("CREATE TEMP TABLE living ON COMMIT DROP AS SELECT * FROM {events}"))
                    self._conn.execute(self._sql("TRUNCATE {events}"))
                    self._conn.execute(self._sql("INSERT INTO {events} SELECT * FROM living"))
                    self._conn.execute(self._sql("UPDATE {copy} SET ended = false"))
            except errors.LockNotAvailable:
                return False
        return True

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What the server refuses, said without a value of anybody's: its message alone, never its detail."""
        import psycopg

        try:
            yield
        except psycopg.errors.InsufficientPrivilege as error:
            raise CollectorError(
                f"{self.shown}: {error.diag.message_primary}; the role needs CREATE on the database, or the schema "
                f"{self._schema} for its own"
            ) from None
        except psycopg.Error as error:
            why = error.diag.message_primary or "the connection broke off; run again: nothing is half-written"
            raise CollectorError(f"{self.shown}: {why}") from None

    def close(self) -> None:
        self._conn.close()


def _connected(conninfo: str, shown: str) -> psycopg.Connection[tuple[Any, ...]]:
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise CollectorError(
            f"a copy in PostgreSQL needs psycopg; install it: {how_to_install('collector', 'postgres')}"
        ) from None
    try:
        options = _DEFAULTS | conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError:  # its message repeats what was given, a password too
        raise CollectorError(
            f"{shown}: an option of the address is none of libpq's, or what stands in it is not escaped as in a URL"
        ) from None
    try:
        return psycopg.connect(autocommit=True, **options)  # type: ignore[arg-type]  # all of them texts
    except psycopg.Error as error:
        raise CollectorError(f"{shown} cannot be reached: {' '.join(str(error).split())}") from None
