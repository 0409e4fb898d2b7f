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
from cxtools.events.store import EventStore
from cxtools.measures.catalogue import DIMENSIONS, rows_of, sql
from cxtools.text import parse_moment

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

#: What is kept of a bounce verdict beside the code and the text it was given for.
VERDICT_WORDS = ("category", "kind", "retry", "suppress", "rule", "reason")

#: One campaign, several, or all of the store.
Campaigns = str | Sequence[str] | None
#: Events after this moment don't count; a timedelta is an age, counted from each campaign's start.
AsOf = datetime | timedelta | str | None
#: Dimension -> the values that messages must have.
Filters = Mapping[str, Sequence[str]]
NO_FILTERS: Filters = {}
#: How many values an error names.
VALUES_NAMED = 20


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
            connection.register("providers", _providers())
            connection.execute("create temp view starts as " + sql("starts"))
            events = "create temp table counted_events as " + sql("counted_events")
            connection.execute(events, _limits(as_of))
            if job_ids is not None:
                events = "create or replace temp table counted_events as " + sql("events_of_jobs")
                connection.execute(events, {"job_ids": list(job_ids)})
            connection.register("verdicts", self._verdicts(connection))
            connection.execute("create temp table all_messages as " + sql("messages"))
            connection.register("wanted", _wanted(where))
            connection.execute("create temp view messages as " + _messages(by, where))
            connection.execute("create temp view delays as " + sql("delays"))
            connection.execute("create temp view urls as " + sql("urls"))
            session = Session(connection)
            _check_values(session, where)
            yield session

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
        for code, text in connection.sql(sql("refusal_texts")).fetchall():
            verdict = self.judge.classify(code, text)
            row = {word: getattr(verdict, word) for word in VERDICT_WORDS}
            row["confidence"] = verdict.confidence
            rows.append({"bounce_code": code, "bounce_text": text, **row})
        words = ("bounce_code", "bounce_text", *VERDICT_WORDS)
        columns = [pa.field(word, pa.string()) for word in words]
        columns.append(pa.field("confidence", pa.float64()))
        return pa.Table.from_pylist(rows, pa.schema(columns))


def _messages(by: Sequence[str], where: Filters) -> str:
    """
    The messages that are asked about, each with what it is split by: one column, so that the SQL of
    a question groups by `split` whatever that is.

    >>> print(_messages(["provider"], {"job": ["j1"]}))
    select all_messages.*, struct_pack(provider := provider) as split
    from all_messages
    where cast(job_id as varchar) in (select value from wanted where dimension = 'job')
    """
    keys = [f"{name} := {DIMENSIONS[name].expression}" for name in by]
    split = f"struct_pack({', '.join(keys)})" if by else "null"
    lines = [f"select all_messages.*, {split} as split", "from all_messages"]
    word = "where"
    for name in where:
        values = f"(select value from wanted where dimension = '{name}')"  # noqa: S608  # our name
        lines.append(f"{word} cast({DIMENSIONS[name].expression} as varchar) in {values}")
        word = "and"
    return "\n".join(lines)


def _wanted(where: Filters) -> pa.Table:
    """One row per dimension and value that messages must have."""
    import pyarrow as pa

    rows = [{"dimension": name, "value": value} for name in where for value in where[name]]
    columns = [pa.field("dimension", pa.string()), pa.field("value", pa.string())]
    return pa.Table.from_pylist(rows, pa.schema(columns))


def _check_values(session: Session, where: Filters) -> None:
    """A value that no message has is a slip of the pen: say which there are."""
    for name, values in where.items():
        value = f"cast({DIMENSIONS[name].expression} as varchar)"
        counts = f"""
            select {value} as value, count(*) as messages
            from all_messages group by 1 order by messages desc, value
        """  # noqa: S608  # an expression of ours
        known = [row["value"] for row in session.run(counts).to_pylist() if row["value"]]
        missing = [each for each in values if each not in known]
        if missing and known:
            more = len(known) - VALUES_NAMED
            others = f", … and {more:,} more" if more > 0 else ""
            raise StoreError(
                f"no message has the {name} {', '.join(missing)}",
                do=f"choose from: {', '.join(known[:VALUES_NAMED])}{others}",
            )


def _limits(as_of: AsOf) -> dict[str, datetime | int | None]:
    """The last moment that counts, or the last microsecond of age: the parameters of `counted_events`."""
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
