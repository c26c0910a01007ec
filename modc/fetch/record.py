"""What became of each line of the list of URLs: a SQLite file from which a run resumes."""

import errno
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, fields
from pathlib import Path

import pandas as pd

from modc.data.states import BAD_NAME, DUPLICATE, MEANING, OK, PENDING, TRANSIENT
from modc.errors import UserError
from modc.fetch.hosts import host_of
from modc.fetch.outcome import Outcome
from modc.fetch.url_list import Listed

RECORD = "downloads.sqlite"


_COLUMNS = [field.name for field in fields(Outcome)]
_OF_THE_DISK = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
}


class Record:
    """The outcomes in `folder`/downloads.sqlite. One process writes; others may read meanwhile."""

    def __init__(self, folder: Path):
        self.path = folder / RECORD
        self._lock = threading.Lock()
        try:
            self._base = sqlite3.connect(self.path, timeout=60, check_same_thread=False)
            self._base.executescript(
                """
                PRAGMA synchronous = NORMAL;
                CREATE TABLE IF NOT EXISTS pictures (
                    name TEXT PRIMARY KEY, url TEXT NOT NULL, line INTEGER NOT NULL,
                    state TEXT NOT NULL, detail TEXT NOT NULL, http_status INTEGER,
                    received INTEGER, stored INTEGER, sha256 TEXT, look TEXT,
                    width INTEGER, height INTEGER
                ) WITHOUT ROWID;
                CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value TEXT NOT NULL);
                """
            )
            self._base.execute("SELECT name, state FROM pictures LIMIT 1").fetchall()
        except sqlite3.DatabaseError as error:
            self._raise_if_of_the_disk(error)
            raise UserError(
                f"{self.path}: not a record of this version ({error}); delete it: "
                f"images that lie in pic/ are found again"
            ) from None

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with self._lock, self._base:
                yield
        except sqlite3.OperationalError as error:
            self._raise_if_of_the_disk(error)
            raise

    def _raise_if_of_the_disk(self, error: sqlite3.DatabaseError) -> None:
        # The lowest byte is the kind; the others say more of it.
        number = _OF_THE_DISK.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        if number is not None:
            raise OSError(number, os.strerror(number), str(self.path)) from None

    def take_in(self, rows: Iterable[Listed], list_sha256: str, list_name: str = "list") -> None:
        """Make the record that of a list: new lines are added, what is no longer listed goes.

        A name whose URL changed is asked for again, unless there is an image of it; so is a bad
        address, which depends on the settings and on how this version reads a URL. A line whose
        name cannot be used, or stands in an earlier line, is recorded under its number. Raises
        UserError, and changes nothing, if no line can be used or if most of what is recorded is not
        in the list.
        """
        with self._transaction():
            self._base.execute("CREATE TEMP TABLE listed AS SELECT * FROM pictures LIMIT 0")
            self._base.execute("CREATE UNIQUE INDEX temp.listed_name ON listed (name)")
            for row in rows:
                if row.state == BAD_NAME or not self._insert(row.name, row):
                    why = (row.state, row.detail) if row.state == BAD_NAME else (DUPLICATE, "")
                    name = f"line {row.line}: {row.name[:300]!r}"
                    self._insert(name, Listed(row.line, name, row.url, *why))
            self._refuse_what_is_unusable(list_name)
            self._base.execute("DELETE FROM pictures WHERE name NOT IN (SELECT name FROM listed)")
            self._base.execute(
                """
                INSERT INTO pictures SELECT * FROM listed WHERE true
                ON CONFLICT (name) DO UPDATE SET
                    state = excluded.state, detail = excluded.detail, http_status = NULL
                WHERE pictures.state != 'ok' AND (
                    pictures.url != excluded.url OR excluded.state != 'pending'
                    OR pictures.state = 'bad_address'
                )
                """
            )
            self._base.execute(
                """
                UPDATE pictures SET line = listed.line, url = listed.url FROM listed
                WHERE pictures.name = listed.name
                """
            )
            self._base.execute("DROP TABLE listed")
            self._base.execute(
                "INSERT OR REPLACE INTO facts VALUES ('list_sha256', ?)", (list_sha256,)
            )

    def _refuse_what_is_unusable(self, list_name: str) -> None:
        usable = "SELECT count(*) FROM listed WHERE state = 'pending'"
        if not self._base.execute(usable).fetchone()[0]:
            line, url, detail = self._base.execute(
                "SELECT line, url, detail FROM listed ORDER BY line LIMIT 1"
            ).fetchone() or (1, "", "empty")
            raise UserError(
                f"{list_name}: no valid line; line {line} ({url[:60]!r}): "
                f"{detail or 'invalid name'}; expected lines of `<name> <url>`"
            )
        known, kept = self._base.execute(
            "SELECT count(*), count(name IN (SELECT name FROM listed) OR NULL) FROM pictures"
        ).fetchone()
        if kept < known / 2:
            raise UserError(
                f"{list_name}: has {kept:,} of the {known:,} names recorded in {self.path}; "
                f"expected the same list or a longer one; pass that, or delete the record to start "
                f"anew (images that lie in pic/ are found again)"
            )

    def _insert(self, name: str, row: Listed) -> bool:
        done = self._base.execute(
            "INSERT OR IGNORE INTO listed (name, url, line, state, detail) VALUES (?, ?, ?, ?, ?)",
            (name, row.url, row.line, row.state, row.detail),
        )
        return done.rowcount == 1

    @property
    def list_sha256(self) -> str:
        """The hash of the list, "" before one was taken in."""
        row = self._base.execute("SELECT value FROM facts WHERE key = 'list_sha256'").fetchone()
        return row[0] if row else ""

    def write(self, outcomes: Iterable[Outcome]) -> None:
        """Record what became of some URLs, all of them or none."""
        places = ", ".join(f"{column} = ?" for column in _COLUMNS[1:])
        rows = [(*astuple(outcome)[1:], outcome.name) for outcome in outcomes]
        with self._transaction():
            self._base.executemany(f"UPDATE pictures SET {places} WHERE name = ?", rows)

    def to_ask(self, again: Iterable[str] = (), limit: int | None = None) -> list[tuple[str, str]]:
        """Return name and URL of what is to be asked for, in the list's order.

        Those not asked for yet and those that failed for now; `again`: other states to ask for too.
        """
        states = {PENDING, *TRANSIENT, *again} - {OK, BAD_NAME, DUPLICATE}
        marks = ", ".join("?" * len(states))
        return self._base.execute(
            f"SELECT name, url FROM pictures WHERE state IN ({marks}) ORDER BY line LIMIT ?",
            (*sorted(states), -1 if limit is None else limit),
        ).fetchall()

    def downloaded(self, most: int) -> list[str]:
        """Return the URLs of at most so many images that were downloaded, any of them."""
        rows = self._base.execute(
            "SELECT url FROM pictures WHERE state = ? AND http_status IS NOT NULL "
            "ORDER BY random() LIMIT ?",
            (OK, most),
        )
        return [url for (url,) in rows]

    def hosts_with_images(self) -> set[str]:
        """Return the hosts that gave images."""
        origins = self._base.execute(
            "SELECT DISTINCT substr(url, 1, 8 + instr(substr(url, 9) || '/', '/')) FROM pictures "
            "WHERE state = ? AND http_status IS NOT NULL",
            (OK,),
        )
        return {host_of(origin) for (origin,) in origins}

    def details(self, state: str) -> tuple[int, str]:
        """Return how many lines have a state, and the most frequent detail of these."""
        rows = self._base.execute(
            "SELECT count(*), detail FROM pictures WHERE state = ? GROUP BY detail "
            "ORDER BY count(*) DESC",
            (state,),
        ).fetchall()
        return sum(count for count, _ in rows), rows[0][1] if rows else ""

    def stored(self) -> Iterator[tuple[str, int]]:
        """Walk over the images that are there: name and bytes."""
        yield from self._base.execute("SELECT name, stored FROM pictures WHERE state = ?", (OK,))

    def counts(self) -> dict[str, int]:
        """Return how many lines have each state, in the order in which states are explained."""
        rows = dict(self._base.execute("SELECT state, count(*) FROM pictures GROUP BY state"))
        return {state: rows[state] for state in MEANING if state in rows}

    def table(self, *columns: str) -> pd.DataFrame:
        """Return columns of all lines, by default all columns, in the list's order."""
        chosen = ", ".join(columns) or "*"
        return pd.read_sql_query(f"SELECT {chosen} FROM pictures ORDER BY line", self._base)

    def shared(self, column: str, least: int) -> pd.DataFrame:
        """Return the images whose sha256, or look, at least `least` different URLs have.

        Columns line, name, url, sha256, look and urls, the number of these URLs.
        """
        return pd.read_sql_query(
            f"""
            SELECT line, name, url, sha256, look, urls FROM pictures JOIN (
                SELECT {column} AS shared, count(DISTINCT url) AS urls FROM pictures
                WHERE state = ? GROUP BY {column} HAVING urls >= ?
            ) ON {column} = shared WHERE state = ?
            """,
            self._base,
            params=(OK, least, OK),
        )


def exists(folder: Path) -> bool:
    """Whether `folder` has a record."""
    return (folder / RECORD).is_file()
