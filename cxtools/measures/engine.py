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
from typing import TYPE_CHECKING, Any

from cxtools.bounce import Judge
from cxtools.bounce.classify import standard_judge
from cxtools.errors import ConfigError, StoreError
from cxtools.events.replacements import repeat_when_replaced
from cxtools.events.store import EventStore
from cxtools.measures.catalogue import DIMENSIONS
from cxtools.measures.choices import NO_FILTERS, Filters
from cxtools.measures.sql import statement, tsv_rows
from cxtools.text import parse_moment

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

#: What is kept of a bounce verdict, beside the code and the text it was given for.
VERDICT_WORDS = ("category", "kind", "retry", "suppress", "rule", "reason")

#: One campaign, several, or all of the store.
Campaigns = str | Sequence[str] | None
#: Events after this moment don't count; a timedelta is an age, counted from each campaign's start.
AsOf = datetime | timedelta | str | None
MICROSECOND = timedelta(microseconds=1)
#: How many values an error names.
VALUES_NAMED = 20


@dataclass(frozen=True)
class Session:
    """The prepared relations, open for a `with` block."""

    connection: duckdb.DuckDBPyConnection

    def run(self, sql: str, params: Mapping[str, Any] | None = None) -> pa.Table:
        """The rows that a statement selects from the prepared relations."""
        values = dict(params or {})
        relation = self.connection.sql(sql, params=values)
        return relation.to_arrow_table()


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

    @repeat_when_replaced
    def starts(self) -> dict[str, datetime | None]:
        """
        When each campaign of the store started: its first sent, delivery or bounce; None where no
        event has a moment.
        """
        with self.store.connection() as connection:
            rows = Session(connection).run(statement("starts")).to_pylist()
        return {row["campaign"]: row["first_at"] for row in rows}

    @contextmanager
    def session(
        self,
        campaigns: Campaigns = None,
        *,
        by: Sequence[str] = (),
        where: Filters = NO_FILTERS,
        as_of: AsOf = None,
        job_ids: Sequence[str] | None = None,
    ) -> Iterator[Session]:
        """
        The relations that questions read, over these campaigns.

        *by* names the dimensions of the column `split`, *where* limits the messages that are asked
        about. With *job_ids* only those jobs' messages are there at all.

        Raises:
            ConfigError: *as_of* is not a moment.
            StoreError: a campaign is unknown, its events can't be read, or no message has a value
            of *where*.
        """
        with self.store.connection(self._with_events(campaigns)) as connection:
            _select_events(connection, as_of, job_ids)
            connection.register("verdicts", self._verdicts(connection))
            connection.register("providers", _providers())
            connection.execute("create temp table all_messages as " + statement("messages"))
            connection.register("wanted", _wanted(where))
            messages = messages_query(by, where)
            connection.execute("create temp view messages as " + messages)
            connection.execute("create temp view delays as " + statement("delays"))
            connection.execute("create temp view urls as " + statement("urls"))
            session = Session(connection)
            _check_values(session, where)
            yield session

    def _with_events(self, campaigns: Campaigns) -> list[str] | None:
        """The campaigns to read: those that are only planned have nothing to read yet."""
        if campaigns is None:
            return None
        names = [campaigns] if isinstance(campaigns, str) else list(campaigns)
        stored = self.store.campaigns()
        missing = set(names).difference(stored)
        if not missing:
            return names
        planned = missing.intersection(self.planned())
        return [name for name in names if name not in planned]

    def _verdicts(self, connection: duckdb.DuckDBPyConnection) -> pa.Table:
        """One row per distinct code and text of the bounces, with the verdict on it."""
        import pyarrow as pa

        rows = []
        for code, text in connection.sql(statement("refusal_texts")).fetchall():
            verdict = self.judge.classify(code, text)
            row = {word: getattr(verdict, word) for word in VERDICT_WORDS}
            row["bounce_code"] = code
            row["bounce_text"] = text
            row["confidence"] = verdict.confidence
            rows.append(row)
        columns = _text_columns("bounce_code", "bounce_text", *VERDICT_WORDS)
        columns.append(pa.field("confidence", pa.float64()))
        return pa.Table.from_pylist(rows, pa.schema(columns))


def _select_events(
    connection: duckdb.DuckDBPyConnection,
    as_of: AsOf,
    job_ids: Sequence[str] | None,
) -> None:
    """The events that count, up to *as_of*; with *job_ids*, only those of their messages."""
    connection.execute("create temp view starts as " + statement("starts"))
    all_events = "create temp table counted_events as " + statement("counted_events")
    connection.execute(all_events, _limits(as_of))
    if job_ids is not None:
        of_jobs = "create or replace temp table counted_events as " + statement("events_of_jobs")
        connection.execute(of_jobs, {"job_ids": list(job_ids)})


def _limits(as_of: AsOf) -> dict[str, datetime | int | None]:
    """
    The last moment that counts, or the last microsecond of age: the parameters of `counted_events`.
    """
    if isinstance(as_of, timedelta):
        return {"until": None, "age_us": as_of // MICROSECOND}
    until = as_of if isinstance(as_of, datetime) else parse_moment(as_of)
    if as_of and until is None:
        raise ConfigError(
            f"as_of is not a moment: {as_of!r}",
            do="write it as 2026-09-14T10:00:00+02:00",
        )
    if until is not None and until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return {"until": until, "age_us": None}


def messages_query(by: Sequence[str], where: Filters) -> str:
    """
    The SQL of the messages that are asked about, each with what it is split by: one column, so that
    the SQL of a question groups by `split` whatever that is.

    >>> print(messages_query(["provider"], {"job": ["j1"]}))
    select all_messages.*, struct_pack(provider := provider) as split
    from all_messages
    where cast(job_id as varchar) in (select value from wanted where dimension = 'job')
    """
    keys = [f"{name} := {DIMENSIONS[name].expression}" for name in by]
    split = f"struct_pack({', '.join(keys)})" if by else "null"
    lines = [
        f"select all_messages.*, {split} as split",
        "from all_messages",
    ]
    word = "where"
    for name in where:
        values = f"select value from wanted where dimension = '{name}'"  # noqa: S608  # our name
        lines.append(f"{word} {_text_of(name)} in ({values})")
        word = "and"
    return "\n".join(lines)


def _text_of(dimension: str) -> str:
    return f"cast({DIMENSIONS[dimension].expression} as varchar)"


def _wanted(where: Filters) -> pa.Table:
    """One row per dimension and value that messages must have."""
    import pyarrow as pa

    rows = []
    for dimension, values in where.items():
        rows += [{"dimension": dimension, "value": value} for value in values]
    return pa.Table.from_pylist(rows, pa.schema(_text_columns("dimension", "value")))


def _check_values(session: Session, where: Filters) -> None:
    """A value that no message has is a slip of the pen: say which there are."""
    for dimension, values in where.items():
        known = _known_values(session, dimension)
        missing = [value for value in values if value not in known]
        if missing and known:
            more = len(known) - VALUES_NAMED
            others = f", … and {more:,} more" if more > 0 else ""
            raise StoreError(
                f"no message has the {dimension} {', '.join(missing)}",
                do=f"choose from: {', '.join(known[:VALUES_NAMED])}{others}",
            )


def _known_values(session: Session, dimension: str) -> list[str]:
    """The values that messages have, the most frequent first."""
    query = f"""
        select {_text_of(dimension)} as value, count(*) as messages
        from all_messages
        group by value
        order by messages desc, value
    """  # noqa: S608  # an expression of ours
    values = session.run(query).column("value").to_pylist()
    return [value for value in values if value]


def _text_columns(*names: str) -> list[pa.Field]:
    import pyarrow as pa

    return [pa.field(name, pa.string()) for name in names]


@cache
def _providers() -> pa.Table:
    """Mail domain -> who runs the mailbox."""
    import pyarrow as pa

    rows = [
        {
            "domain": domain,
            "provider": provider,
        }
        for domain, provider in tsv_rows("providers")
    ]
    return pa.Table.from_pylist(rows)
