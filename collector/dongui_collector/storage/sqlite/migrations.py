"""The schema of every database file: named, append-only migrations, and the two parts that come with time.

Never edit a migration that was released; add another. With time come the index of a day that is over and the table of a
month of records.
"""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from dongui_collector.storage.sqlite.connect import WRITER

LEDGER = Migrations("dongui.ledger")
EVENTS = Migrations("dongui.events")
RECORDS = Migrations("dongui.records")
KEYS = Migrations("dongui.keys")


def migrate(
    conn: sqlite3.Connection, migrations: Migrations, *, alone: AbstractContextManager[object] = WRITER
) -> None:
    """Bring a database up to date. Does not write when there is nothing to do. ``alone`` keeps other writers out."""
    db = _Database(conn, execute_plugins=False)
    with alone:
        if migrations.pending(db):
            migrations.apply(db)


class _Database(Database):
    """Runs a migration's script within its transaction. No statement of ours holds a semicolon, so it is split at each;
    sqlite-utils asks after every character whether a statement is whole, which was half of what a new file took.
    """

    def executescript(self, sql: str) -> sqlite3.Cursor:
        cursor = self.conn.cursor()
        for statement in filter(str.strip, sql.split(";")):
            cursor.execute(statement)
        return cursor


@LEDGER()
def m001_sites_and_notices(db: Database) -> None:
    db.executescript("""
        CREATE TABLE sites (
            ref INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, origins TEXT NOT NULL,
            secret_hash BLOB NOT NULL, address_key BLOB NOT NULL) STRICT;
        CREATE TABLE notices (
            ref INTEGER PRIMARY KEY, site_ref INTEGER NOT NULL REFERENCES sites, version TEXT NOT NULL,
            effective TEXT NOT NULL, published_at INTEGER NOT NULL, text TEXT NOT NULL, UNIQUE (site_ref, version))
            STRICT;
        CREATE TABLE purposes (
            site_ref INTEGER NOT NULL REFERENCES sites, id TEXT NOT NULL, bit INTEGER NOT NULL,
            PRIMARY KEY (site_ref, id), UNIQUE (site_ref, bit)) STRICT, WITHOUT ROWID;
    """)


@LEDGER()
def m002_chain(db: Database) -> None:
    # Append-only and never deleted from; an erasure sets columns to NULL in place, which leaves no copy behind
    # (docs/decisions/001).
    db.executescript("""
        CREATE TABLE chain (
            seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL, site_ref INTEGER, visitor BLOB, body TEXT,
            salt BLOB, commitment BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
        CREATE INDEX chain_visitor ON chain (visitor) WHERE visitor IS NOT NULL;
        CREATE INDEX chain_kind ON chain (kind, seq);
        CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), count INTEGER NOT NULL, hash BLOB NOT NULL, mac
        BLOB NOT NULL) STRICT;
    """)


@LEDGER()
def m003_consents(db: Database) -> None:
    db.executescript("""
        CREATE TABLE visitors (
            key BLOB PRIMARY KEY, site_ref INTEGER NOT NULL, suspended INTEGER NOT NULL, member BLOB) STRICT, WITHOUT
            ROWID;
        CREATE INDEX visitors_member ON visitors (member) WHERE member IS NOT NULL;
        CREATE TABLE standings (
            visitor BLOB NOT NULL, bit INTEGER NOT NULL, state TEXT NOT NULL, seq INTEGER NOT NULL, notice_ref INTEGER
            NOT NULL,
            at INTEGER NOT NULL, knowing INTEGER NOT NULL, PRIMARY KEY (visitor, bit)) STRICT, WITHOUT ROWID;
        CREATE TABLE intents (
            seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, site_ref INTEGER NOT NULL, visitor BLOB NOT NULL,
            bits INTEGER NOT NULL, up_to INTEGER NOT NULL) STRICT;
        CREATE TABLE answers (key BLOB PRIMARY KEY, at INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;
        CREATE INDEX answers_at ON answers (at);
        CREATE TABLE totals (
            day TEXT NOT NULL, site_ref INTEGER NOT NULL, name TEXT NOT NULL, n INTEGER NOT NULL,
            PRIMARY KEY (day, site_ref, name)) STRICT, WITHOUT ROWID;
    """)


@EVENTS()
def m001_events(db: Database) -> None:
    # A plain append-only rowid table: rows never move, so clearing one in place leaves no copy of it behind
    # (docs/decisions/001). A destroyed row is all NULL.
    db.executescript("""
        CREATE TABLE events (
            n INTEGER PRIMARY KEY, key BLOB, site_ref INTEGER, visitor BLOB, seq INTEGER, purposes INTEGER, notice_ref
            INTEGER,
            at INTEGER, name TEXT, url TEXT, referrer TEXT, props TEXT, search TEXT, secure INTEGER, source TEXT,
            country TEXT, city TEXT, browser TEXT, os TEXT, device TEXT, language TEXT, screen TEXT,
            ip BLOB, ads BLOB, cookies BLOB) STRICT;
        CREATE UNIQUE INDEX events_key ON events (key);
        CREATE TABLE bases (
            site_ref INTEGER NOT NULL, notice_ref INTEGER NOT NULL, purposes INTEGER NOT NULL,
            PRIMARY KEY (site_ref, notice_ref, purposes)) STRICT, WITHOUT ROWID;
    """)


@KEYS()
def m001_keys(db: Database) -> None:
    # Append-only; a destroyed key is NULL and its name stays, so that it is never made anew.
    db.executescript("CREATE TABLE keys (n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, wrapped BLOB) STRICT;")


@LEDGER()
def m004_office(db: Database) -> None:
    db.executescript("""
        CREATE TABLE holds (
            id INTEGER PRIMARY KEY, site_ref INTEGER, reason TEXT NOT NULL, statute TEXT, class_id TEXT, visitor BLOB,
            first_day TEXT, last_day TEXT, at INTEGER NOT NULL, until TEXT, released_at INTEGER) STRICT;
        CREATE TABLE destructions (
            id INTEGER PRIMARY KEY, state TEXT NOT NULL, what TEXT NOT NULL, reason TEXT NOT NULL,
            selected_at INTEGER NOT NULL, approved_at INTEGER, approved_by TEXT, done_at INTEGER, certificate TEXT)
            STRICT;
        CREATE INDEX destructions_open ON destructions (state) WHERE state != 'done';
        CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE cookies (
            site_ref INTEGER NOT NULL, name TEXT NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
            PRIMARY KEY (site_ref, name)) STRICT, WITHOUT ROWID;
        CREATE TABLE tokens (
            id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, token TEXT NOT NULL, revoked_at INTEGER) STRICT;
        CREATE TABLE accounts (
            name TEXT PRIMARY KEY, role TEXT NOT NULL, password_hash TEXT NOT NULL) STRICT, WITHOUT ROWID;
    """)


@LEDGER()
def m005_requests(db: Database) -> None:
    # A request's body may name a person. A new version is appended and the old one cleared in place, so that no row
    # grows and is moved (docs/decisions/001).
    db.executescript("""
        CREATE TABLE requests (n INTEGER PRIMARY KEY, id INTEGER, at INTEGER, body TEXT) STRICT;
        CREATE INDEX requests_id ON requests (id) WHERE id IS NOT NULL;
    """)


@LEDGER()
def m006_feed(db: Database) -> None:
    db.executescript("""
        CREATE TABLE feed (n INTEGER PRIMARY KEY, consumer TEXT, at INTEGER, entry TEXT) STRICT;
        CREATE INDEX feed_at ON feed (at) WHERE at IS NOT NULL;
    """)


@RECORDS()
def m001_groups(db: Database) -> None:
    # The records themselves lie in one table a month of their last day (storage/sqlite/records.py).
    db.executescript("""
        CREATE TABLE groups (
            site_ref INTEGER NOT NULL, class_id TEXT NOT NULL, last_day TEXT NOT NULL, n INTEGER NOT NULL,
            PRIMARY KEY (site_ref, class_id, last_day)) STRICT, WITHOUT ROWID;
    """)


@LEDGER()
def m_rights_suspended(db: Database) -> None:
    # Who is suspended is asked on every page of an export: a list of them alone.
    db.executescript("CREATE INDEX visitors_suspended ON visitors (suspended) WHERE suspended = 1;")


@LEDGER()
def m_people(db: Database) -> None:
    # Accounts with what belongs to them as one value, appended and cleared in place (docs/decisions/001); those of
    # before are taken over with an id of their own.
    db.executescript("""
        CREATE TABLE people (n INTEGER PRIMARY KEY, id TEXT, body TEXT) STRICT;
        CREATE INDEX people_id ON people (id) WHERE id IS NOT NULL;
        INSERT INTO people (id, body)
            SELECT made.id, json_object('id', made.id, 'name', name, 'role', role, 'password', password_hash)
            FROM (SELECT 'a_' || lower(hex(randomblob(6))) AS id, * FROM accounts) AS made;
        UPDATE accounts SET password_hash = '';
        CREATE TABLE sessions (
            n INTEGER PRIMARY KEY, hash BLOB, account TEXT, started_at INTEGER, seen_at INTEGER, address TEXT,
            narrow INTEGER NOT NULL) STRICT;
        CREATE INDEX sessions_hash ON sessions (hash) WHERE hash IS NOT NULL;
        CREATE TABLE token_uses (id TEXT PRIMARY KEY, day TEXT NOT NULL) STRICT, WITHOUT ROWID;
    """)


@LEDGER()
def m_disclosures(db: Database) -> None:
    # Entries and the keyed hashes of whose data went out: appended, and cleared in place (docs/decisions/001, 007).
    db.executescript("""
        CREATE TABLE disclosures (n INTEGER PRIMARY KEY, id INTEGER, body TEXT) STRICT;
        CREATE INDEX disclosures_id ON disclosures (id) WHERE id IS NOT NULL;
        CREATE TABLE disclosure_numbers (id INTEGER PRIMARY KEY) STRICT;
        CREATE TABLE disclosed (n INTEGER PRIMARY KEY, disclosure INTEGER, whose BLOB) STRICT;
        CREATE UNIQUE INDEX disclosed_whose ON disclosed (whose) WHERE whose IS NOT NULL;
        CREATE INDEX disclosed_of ON disclosed (disclosure) WHERE disclosure IS NOT NULL;
    """)


@LEDGER()
def m_keeping_steps(db: Database) -> None:
    # Where on the ledger the selection stands, when it was due, and who chose it: what a row of this table says counts
    # only as far as the ledger says it too. Of a hold: its ground (S3.2a-c) and the visitors joined to its member.
    db.executescript("""
        ALTER TABLE destructions ADD COLUMN due TEXT;
        ALTER TABLE destructions ADD COLUMN selected_by TEXT NOT NULL DEFAULT '';
        ALTER TABLE destructions ADD COLUMN selected_seq INTEGER;
        ALTER TABLE holds ADD COLUMN ground TEXT NOT NULL DEFAULT '';
        CREATE TABLE hold_joined (n INTEGER PRIMARY KEY, hold INTEGER, visitor BLOB) STRICT;
    """)


@LEDGER()
def m_profiles(db: Database) -> None:
    db.executescript("""
        CREATE TABLE profiles (n INTEGER PRIMARY KEY, site_ref INTEGER, member BLOB, at INTEGER) STRICT;
        CREATE UNIQUE INDEX profiles_member ON profiles (member) WHERE member IS NOT NULL;
    """)


@LEDGER()
def m_frozen(db: Database) -> None:
    # Numbers of days whose rows are gone, and imported ones: anonymous, so they are never destroyed.
    db.executescript("""
        CREATE TABLE frozen (
            site_ref INTEGER NOT NULL, report TEXT NOT NULL, day TEXT NOT NULL, purposes TEXT NOT NULL,
            source TEXT NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (site_ref, report, day, purposes, source)) STRICT, WITHOUT ROWID;
    """)


@LEDGER()
def m_decisions(db: Database) -> None:
    # The ids of decisions, for as long as the consent record lives that each has led to; cleared in place with it.
    db.executescript("""
        CREATE TABLE decisions (seq INTEGER PRIMARY KEY, key BLOB, digest BLOB, sealed BLOB) STRICT;
        CREATE UNIQUE INDEX decisions_key ON decisions (key) WHERE key IS NOT NULL;
    """)


@LEDGER()
def m_requests_listed(db: Database) -> None:
    # What a list of privacy requests orders and finds by stands beside the body, so that no list reads every body.
    # ``nothing_held`` is of the visitor, on the day of filing.
    db.executescript("""
        ALTER TABLE requests ADD COLUMN due TEXT;
        ALTER TABLE requests ADD COLUMN closed INTEGER;
        ALTER TABLE requests ADD COLUMN nothing_held INTEGER;
        ALTER TABLE requests ADD COLUMN visitor TEXT;
        ALTER TABLE requests ADD COLUMN member TEXT;
        UPDATE requests SET due = json_extract(body, '$.due'), closed = json_extract(body, '$.closed_at') IS NOT NULL,
            nothing_held = 0, visitor = json_extract(body, '$.visitor'), member = json_extract(body, '$.member')
            WHERE id IS NOT NULL;
        CREATE INDEX requests_listed ON requests (closed, due, nothing_held, id) WHERE id IS NOT NULL;
        CREATE INDEX requests_visitor ON requests (visitor) WHERE visitor IS NOT NULL;
        CREATE INDEX requests_member ON requests (member) WHERE member IS NOT NULL;
    """)


@EVENTS()
def m002_endings(db: Database) -> None:
    # Earlier versions made these at a day's first ending, one by one. `tally`: how often rows of the day were destroyed
    # or reduced, for the evidence that is sealed anew. `ended`: the positions of those rows in the order in which they
    # ended, and nothing of what they held; readers that cache a day's numbers recount the visitors of rows that ended
    # since they last read. `lost`: the purposes that ended in some row of a site, and nothing else, so that only those
    # who read for one of them are told.
    db.executescript("""
        CREATE TABLE IF NOT EXISTS tally (
            one INTEGER PRIMARY KEY CHECK (one = 1), destroyed INTEGER NOT NULL, reduced INTEGER NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS ended (serial INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS lost (
            site_ref INTEGER NOT NULL, purposes INTEGER NOT NULL, PRIMARY KEY (site_ref, purposes))
            STRICT, WITHOUT ROWID;
    """)


@EVENTS()
def m003_changes(db: Database) -> None:
    # For copies that are kept true: when a row came in; and of an ending on whose site it was and which purposes ended,
    # so that only those are told who read for one of them.
    db.executescript("""
        ALTER TABLE events ADD COLUMN received_at INTEGER;
        ALTER TABLE ended ADD COLUMN site_ref INTEGER;
        ALTER TABLE ended ADD COLUMN purposes INTEGER;
    """)


def seal_events(conn: sqlite3.Connection) -> None:
    """Index a finished day by visitor. While a day grows the index would cost ingest three quarters of its rate."""
    conn.execute("CREATE INDEX IF NOT EXISTS events_visitor ON events (visitor) WHERE visitor IS NOT NULL")
    conn.execute("ANALYZE")


def make_month(conn: sqlite3.Connection, table: str) -> None:
    """The table of a month of records, where it is missing; inside a transaction."""
    conn.execute(f"""
        CREATE TABLE IF NOT EXISTS {table} (
            n INTEGER PRIMARY KEY, id BLOB, site_ref INTEGER, class_id TEXT, subject BLOB, at INTEGER, day TEXT,
            last_day TEXT, source TEXT, notice_ref INTEGER, sealed BLOB, bucket INTEGER) STRICT""")
    conn.execute(f"CREATE INDEX IF NOT EXISTS {table}_bucket ON {table} (bucket) WHERE bucket IS NOT NULL")
    conn.execute(f"CREATE INDEX IF NOT EXISTS {table}_id ON {table} (substr(id, 1, 2)) WHERE id IS NOT NULL")
