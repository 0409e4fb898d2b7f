"""
What questions are asked of: the events of a store, and who judges the bounces among them.

An engine prepares the relations which the SQL files read and runs those files over them. This one
is DuckDB. Whatever takes its place has to prepare the same relations and to answer `run`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from cxtools.bounce import Judge
from cxtools.bounce.classify import standard_judge
from cxtools.errors import ConfigError
from cxtools.events.store import EventStore
from cxtools.text import parse_moment

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

FOLDER = files(__package__) / "sql"

#: What is kept of a bounce verdict beside the code and the text it was given for.
VERDICT_WORDS = ("category", "kind", "retry", "suppress", "rule", "reason")

#: One campaign, several, or all of the store.
Campaigns = str | Sequence[str] | None
#: Events after this moment don't count; a timedelta is an age, counted from each campaign's start.
AsOf = datetime | timedelta | str | None


@cache
def sql(name: str) -> str:
    """The text of one SQL file."""
    return FOLDER.joinpath(f"{name}.sql").read_text(encoding="utf-8")


def rows_of(name: str) -> list[list[str]]:
    """The rows of a table that stands beside the SQL, without its head."""
    lines = FOLDER.joinpath(f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:]]


@dataclass(frozen=True)
class Session:
    """The prepared relations, open for a `with` block."""

    connection: duckdb.DuckDBPyConnection

    def run(self, statement: str, params: Mapping[str, Any] | None = None) -> pa.Table:
        """The rows that a statement selects from the prepared relations."""
        return self.connection.sql(statement, params=dict(params or {})).to_arrow_table()


@dataclass(frozen=True)
class Engine:
    """
    DuckDB over one store.

    *make_judge* is called at the first question that needs a judge of bounces: the store holds only
    what servers said, and a broken file of rules must not keep anyone from opening it. *planned*
    names campaigns that may be asked about before their first event.
    """

    store: EventStore
    make_judge: Callable[[], Judge] = standard_judge
    planned: Callable[[], Iterable[str]] = tuple

    @cached_property
    def judge(self) -> Judge:
        """Who judges bounces, for every measure, retry wave and suppression."""
        return self.make_judge()

    def starts(self) -> dict[str, datetime | None]:
        """
        When each campaign of the store started: its first sent, delivery or bounce; None where no
        event has a moment.
        """
        with self.store.connection() as connection:
            rows = Session(connection).run(sql("starts")).to_pylist()
        return {row["campaign"]: row["first_at"] for row in rows}

    @contextmanager
    def session(
        self,
        campaigns: Campaigns = None,
        *,
        by: Sequence[str] = (),
        as_of: AsOf = None,
        job_ids: Sequence[str] | None = None,
    ) -> Iterator[Session]:
        """
        The relations that questions read, over these campaigns.

        *by* names the dimensions to keep apart. With *job_ids* only those jobs' messages are there.

        Raises:
            ConfigError: *as_of* is not a moment.
            StoreError: a campaign is unknown, or its events can't be read.
        """
        with self.store.connection(self._with_events(campaigns)) as connection:
            connection.register("providers", _providers())
            connection.execute("create temp view starts as " + sql("starts"))
            connection.execute("create temp table seen as " + sql("seen"), _limits(as_of))
            if job_ids is not None:
                only_jobs = "create or replace temp table seen as " + sql("of_jobs")
                connection.execute(only_jobs, {"job_ids": list(job_ids)})
            connection.register("verdicts", self._verdicts(connection))
            messages = "create temp table messages as " + sql("messages")
            connection.execute(messages, {"by": list(by)})
            connection.execute("create temp view delays as " + sql("delays"))
            connection.execute("create temp view urls as " + sql("urls"))
            yield Session(connection)

    def _with_events(self, campaigns: Campaigns) -> list[str] | None:
        """The campaigns to read: those that are only planned have nothing to read yet."""
        if campaigns is None:
            return None
        names = [campaigns] if isinstance(campaigns, str) else list(campaigns)
        missing = set(names) - set(self.store.campaigns())
        if not missing:
            return names
        only_planned = missing & set(self.planned())
        return [name for name in names if name not in only_planned]

    def _verdicts(self, connection: duckdb.DuckDBPyConnection) -> pa.Table:
        """One row per distinct code and text of the bounces, with the verdict on it."""
        import pyarrow as pa

        rows = []
        for code, text in connection.sql(sql("pairs")).fetchall():
            verdict = self.judge.classify(code, text)
            row = {word: getattr(verdict, word) for word in VERDICT_WORDS}
            row["confidence"] = verdict.confidence
            rows.append({"bounce_code": code, "bounce_text": text, **row})
        words = ("bounce_code", "bounce_text", *VERDICT_WORDS)
        columns = [pa.field(word, pa.string()) for word in words]
        columns.append(pa.field("confidence", pa.float64()))
        return pa.Table.from_pylist(rows, pa.schema(columns))


def _limits(as_of: AsOf) -> dict[str, datetime | int | None]:
    """The last moment that counts, or the last microsecond of age: the parameters of `seen`."""
    if isinstance(as_of, timedelta):
        return {"until": None, "age_us": as_of // timedelta(microseconds=1)}
    until = as_of if isinstance(as_of, datetime) else parse_moment(as_of)
    if as_of and until is None:
        raise ConfigError(
            f"as_of is not a moment: {as_of!r}", do="write it as 2026-09-14T10:00:00+02:00"
        )
    if until is not None and until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return {"until": until, "age_us": None}


@cache
def _providers() -> pa.Table:
    """Mail domain -> who runs the mailbox."""
    import pyarrow as pa

    domains, providers = zip(*rows_of("providers"), strict=True)
    return pa.table({"domain": domains, "provider": providers})
