"""Lines and documents counted against each other in a temporary database, which sorts on disk what memory cannot hold.

1. Each line takes one document of the same key; of equal lines the last are left over, of equal documents those whose
   ids are last.
2. What is left over on both sides is paired by its second key, one with one.
3. The database has no name and is gone when it is closed. It lies where SQLITE_TMPDIR or TMPDIR says, else in /var/tmp.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple

from shipper.limits import KIB, VERIFY_CACHE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class LineKeys(NamedTuple):
    """A line: its number among all, and its keys. What has no second key is paired with nothing."""

    number: int
    key: bytes
    pair: bytes | None


class DocumentKeys(NamedTuple):
    """A document: its index's name and its id, its keys, and whether it is surplus when no line takes it."""

    name: str
    id: str
    key: bytes | None
    pair: bytes | None
    counts: bool


class Left(NamedTuple):
    """A line that no document took, by its number, and the document that it is paired with, if any."""

    line: int
    document: tuple[str, str] | None


_TABLES: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
CREATE TABLE lines (number INTEGER PRIMARY KEY, key BLOB, pair BLOB);
CREATE TABLE documents (name TEXT, id TEXT, key BLOB, pair BLOB, counts INTEGER);
"""
_SETTLE: Final = """
CREATE TABLE uneven AS
    SELECT key, sum(line) AS of_lines, sum(document) AS of_documents FROM (
        SELECT key, 1 AS line, 0 AS document FROM lines
        UNION ALL SELECT key, 0, 1 FROM documents WHERE key NOT NULL
    ) GROUP BY key HAVING sum(line) <> sum(document);
CREATE INDEX uneven_keys ON uneven (key);
CREATE TABLE left_lines AS
    SELECT number, pair, row_number() OVER (PARTITION BY pair ORDER BY number) AS turn FROM (
        SELECT number, pair, of_documents, row_number() OVER (PARTITION BY key ORDER BY number) AS place
        FROM lines JOIN uneven USING (key)
    ) WHERE place > of_documents;
CREATE TABLE left_documents AS
    SELECT name, id, pair, counts, row_number() OVER (PARTITION BY pair ORDER BY id, name) AS turn FROM (
        SELECT *, row_number() OVER (PARTITION BY key ORDER BY counts DESC, id, name) AS place
        FROM documents JOIN uneven USING (key)
    ) WHERE place > of_lines
    UNION ALL SELECT name, id, NULL, counts, 0 FROM documents WHERE key IS NULL;
CREATE INDEX pairs_of_lines ON left_lines (pair, turn);
CREATE INDEX pairs_of_documents ON left_documents (pair, turn);
"""
_LEFT_LINES: Final = """
SELECT number, name, id FROM left_lines LEFT JOIN left_documents USING (pair, turn) ORDER BY number
"""
_SURPLUS: Final = """
SELECT name, id FROM left_documents LEFT JOIN left_lines USING (pair, turn) WHERE number IS NULL AND counts
ORDER BY id, name
"""


class Multiset:
    """Is filled with all lines and all documents, settled once, and then says what is left over."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute(f"PRAGMA cache_size = -{VERIFY_CACHE_BYTES // KIB}")
        self._database.executescript(_TABLES)

    def add_lines(self, lines: Iterable[LineKeys]) -> None:
        """Add lines."""
        self._add("INSERT INTO lines VALUES (?, ?, ?)", lines)

    def add_documents(self, documents: Iterable[DocumentKeys]) -> None:
        """Add documents."""
        self._add("INSERT INTO documents VALUES (?, ?, ?, ?, ?)", documents)

    def settle(self) -> None:
        """Let lines take documents."""
        self._database.executescript(f"BEGIN; {_SETTLE} COMMIT;")

    def left_lines(self) -> Iterator[Left]:
        """Give the lines that no document took, in their order."""
        with closing(self._database.execute(_LEFT_LINES)) as rows:
            for number, name, id_ in rows:
                yield Left(number, None if id_ is None else (name, id_))

    def surplus(self) -> Iterator[tuple[str, str]]:
        """Give index and id of the documents that no line took and none is paired with."""
        with closing(self._database.execute(_SURPLUS)) as rows:
            yield from rows

    def close(self) -> None:
        """Remove the database."""
        self._database.close()

    def _add(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._database.execute("BEGIN")
        self._database.executemany(statement, rows)
        self._database.execute("COMMIT")
