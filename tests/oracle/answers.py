"""Answers from raw events, by the SQL files of this folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cxtools.bounce import Judge
from cxtools.bounce.judges import standard_judge
from cxtools.events.store import EventStore
from cxtools.measures import choices
from cxtools.measures.answers import add_rates, rows_of_parts
from cxtools.measures.catalogue import named
from cxtools.measures.sql import tsv_rows
from cxtools.sending.findings import MISTYPED
from cxtools.text import parse_moment
from tests.oracle.identity import owners
from tests.oracle.segments import segment_values

if TYPE_CHECKING:
    import duckdb

FOLDER = Path(__file__).parent / "sql"
VERDICT_WORDS = ("category", "kind", "retry", "suppress", "rule", "reason")
MICROSECOND = timedelta(microseconds=1)
#: The lower bound of Wilson's interval: the smaller root of (p - part / whole)^2 = z^2 p (1 - p) / whole.
WILSON_LOW = """(
    (2.0 * part + z2 - sqrt((2.0 * part + z2) ^ 2 - 4.0 * (whole + z2) * part * part / whole))
    / (2.0 * (whole + z2))
)""".replace("z2", "3.841458820694124")
#: The kept column of the events, and what earlier campaigns tell.
KEPT = "arm"
SEGMENTS = (KEPT, "history", "recency")
#: Dimension or segment -> what it is made of, in columns of `sql/messages.sql`.
DIMENSIONS = {
    "provider": "provider",
    "domain": "domain",
    "domain_kind": "domain_kind",
    "job": "job_id",
    "day": "cast(cast(sending_at as date) as varchar)",
    "week": "cast(cast(date_trunc('week', sending_at) as date) as varchar)",
    "hour": "extract(hour from sending_at)",
    "weekday": "extract(isodow from sending_at)",
    "cause": "category",
    "scanned": "scanned",
    **{name: name for name in SEGMENTS},
}

#: One campaign, several, or all of the store.
Campaigns = str | Sequence[str] | None
#: Nothing after this moment, or age of each campaign, counts.
AsOf = datetime | timedelta | str | None
Where = Mapping[str, Any]
#: What became of one message, by the columns of `sql/outcomes.sql`.
Row = dict[str, Any]


@dataclass(frozen=True)
class Oracle:
    """What a store's raw events answer."""

    store: EventStore

    def answers(
        self,
        names: Sequence[str],
        campaigns: Campaigns = None,
        *,
        bys: Sequence[choices.By] = (None,),
        where: Where | None = None,
        as_of: AsOf = None,
    ) -> list[list[pd.DataFrame]]:
        """
        For each way to split, the answers to questions of the catalogue: what
        `cxtools.measures.answers.answer` is to give, of events that are prepared once.
        """
        tables = []
        with self._session(campaigns, where or {}, as_of) as connection:
            for by in bys:
                own = [_answer(connection, name, by) for name in names]
                tables.append(own)
        return tables

    def comparison(self, campaign: str, as_of: AsOf = None) -> pd.DataFrame:
        """A campaign, and up to eight before it at the age that it has reached."""
        [[funnel]] = self.answers(["funnel"], campaign, as_of=as_of)
        [row] = funnel.to_dict("records")
        starts = self.starts()
        earlier = []
        for name, start in starts.items():
            if start is not None and start < row["first_at"]:
                earlier.append((start, name))
        names = [name for _, name in sorted(earlier)][-8:]
        age = row["last_at"] - row["first_at"]
        [[rows]] = self.answers(["comparison"], campaign, as_of=as_of)
        if names:
            [[others]] = self.answers(["comparison"], names, as_of=age)
            rows = pd.concat([others, rows])
        return rows.sort_values("first_at", kind="stable", ignore_index=True)

    def outcomes(self, campaign: str, job_ids: Sequence[str]) -> list[Row]:
        """What became of each message of these jobs."""
        asked = {"job_ids": list(job_ids)}
        with self._session(campaign, {}, None, job_ids) as connection:
            connection.execute("create temp view messages as " + _messages(()))
            relation = connection.sql(_statement("outcomes"), params=asked)
            rows: list[Row] = relation.to_arrow_table().to_pylist()
        return rows

    def starts(self) -> dict[str, datetime | None]:
        """When each campaign of the store started."""
        with self.store.connection() as connection:
            rows = connection.sql(_statement("starts")).to_arrow_table().to_pylist()
        return {row["campaign"]: row["first_at"] for row in rows}

    @contextmanager
    def _session(
        self,
        campaigns: Campaigns,
        where: Where,
        as_of: AsOf,
        job_ids: Sequence[str] | None = None,
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with the relations that the SQL files read."""
        chosen = [campaigns] if isinstance(campaigns, str) else campaigns
        with self.store.connection(chosen) as connection:
            connection.execute("create temp view starts as " + _statement("starts"))
            counted = "create or replace temp table counted_events as "
            connection.register("owners", _owners(connection))
            by_then = counted + _statement("counted_events")
            connection.execute(by_then, _limits(as_of))
            if job_ids is not None:
                of_jobs = counted + _statement("events_of_jobs")
                connection.execute(of_jobs, {"job_ids": list(job_ids)})
            connection.register("verdicts", _verdicts(connection))
            connection.register("providers", _providers(connection))
            connection.register("domain_kinds", _domain_kinds(connection))
            connection.register("typos", _typos())
            segments = _segment_values(self.store, self.starts())
            connection.register("segment_values", segments)
            connection.execute("create temp table all_messages as " + _messages_and_segments())
            _tell_scanned(connection)
            connection.execute("create temp table wanted as " + _wanted(where))
            yield connection


@cache
def _statement(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def _limits(as_of: AsOf) -> dict[str, datetime | int | None]:
    """The parameters of `sql/counted_events.sql`."""
    if isinstance(as_of, timedelta):
        return {"until": None, "age_us": as_of // MICROSECOND}
    until = as_of if isinstance(as_of, datetime) else parse_moment(as_of)
    if until is not None and until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return {"until": until, "age_us": None}


def _owners(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Of each event of each campaign the message that it belongs to."""
    columns = "campaign, event_id, message_id, recipient_id, email, kind, ts"
    relation = connection.sql(f"select {columns} from events")  # noqa: S608  # our own words
    by_campaign: dict[str, list[Row]] = {}
    for row in relation.to_arrow_table().to_pylist():
        by_campaign.setdefault(row["campaign"], []).append(row)
    found = []
    for campaign, events in by_campaign.items():
        for event_id, owner in owners(events).items():
            if owner:
                found.append({"campaign": campaign, "event_id": event_id, **owner._asdict()})
    names = ("campaign", "event_id", "message_id", "who", "email")
    columns_of_text = [pa.field(name, pa.string()) for name in names]
    return pa.Table.from_pylist(found, pa.schema(columns_of_text))


@cache
def _judge() -> Judge:
    return standard_judge()


def _verdicts(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """One row per distinct code, text and class, each judged as it came."""
    rows = []
    names = ("bounce_code", "bounce_text", "bounce_class")
    texts = connection.sql(_statement("refusal_texts"))
    for said in texts.fetchall():
        verdict = _judge().classify(*said)
        row: Row = {word: getattr(verdict, word) for word in VERDICT_WORDS}
        row |= dict(zip(names, said, strict=True))
        row["confidence"] = verdict.confidence
        row["is_unauthenticated"] = verdict.is_unauthenticated
        rows.append(row)
    columns = [pa.field(name, pa.string()) for name in (*names, *VERDICT_WORDS)]
    columns.append(pa.field("confidence", pa.float64()))
    columns.append(pa.field("is_unauthenticated", pa.bool_()))
    return pa.Table.from_pylist(rows, pa.schema(columns))


def _providers(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """The domains of all events, each with the first provider whose pattern it looks like."""
    patterns = tsv_rows("providers")
    domain = "lower(split_part(email, '@', 2))"
    rows = connection.sql(f"select distinct {domain} from events").fetchall()  # noqa: S608  # ours
    known = []
    for (name,) in rows:
        for pattern, provider in patterns:
            if name and fnmatchcase(name, pattern):
                known.append({"domain": name, "provider": provider})
                break
    columns = [pa.field("domain", pa.string()), pa.field("provider", pa.string())]
    return pa.Table.from_pylist(known, pa.schema(columns))


def _domain_kinds(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """The domains of all events, each with its kind."""
    domain = "lower(split_part(email, '@', 2))"
    rows = connection.sql(f"select distinct {domain} from events").fetchall()  # noqa: S608  # ours
    providers = [pattern for pattern, _ in tsv_rows("providers")]
    known = []
    for (name,) in rows:
        kinds = {kind for ending, kind, _ in tsv_rows("domain_kinds") if _ends(name, ending)}
        if not kinds:
            is_mailbox = any(fnmatchcase(name, pattern) for pattern in providers)
            kinds = {"consumer" if is_mailbox else "company"}
        [kind] = kinds
        if name:
            known.append({"domain": name, "kind": kind})
    columns = [pa.field("domain", pa.string()), pa.field("kind", pa.string())]
    return pa.Table.from_pylist(known, pa.schema(columns))


def _typos() -> pa.Table:
    """Every known slip; those of endings are made of a domain that the events have."""
    slips = [(slip, meant) for meant, slips in MISTYPED.items() for slip in slips.split()]
    slips.append(("corp.con", "corp.com"))
    rows = [{"domain": slip, "meant": meant} for slip, meant in slips]
    return pa.Table.from_pylist(rows, pa.schema([("domain", pa.string()), ("meant", pa.string())]))


def _ends(domain: str, ending: str) -> bool:
    return fnmatchcase(domain, f"*.{ending.replace('*', '[a-z][a-z]')}")


def _segment_values(store: EventStore, starts: Mapping[str, datetime | None]) -> pa.Table:
    """What each message of the store has of each segment."""
    with store.connection() as connection:
        connection.execute("create temp view starts as " + _statement("starts"))
        connection.register("owners", _owners(connection))
        columns = "campaign, owners.message_id, who, coalesce(owners.email, events.email) as email"
        content = "regexp_matches(lower(link_url), 'unsub|opt-?out|preference|abmeld')"
        query = f"""
            select {columns}, kind, ts, raw, kind = 'click' and not {content} as is_content
            from events join owners using (campaign, event_id)
        """  # noqa: S608  # our own words
        rows = connection.sql(query).to_arrow_table().to_pylist()
    values = list(segment_values(rows, starts, [KEPT]))
    names = ("campaign", "message_id", "who", "name", "value")
    return pa.Table.from_pylist(values, pa.schema([pa.field(name, pa.string()) for name in names]))


def _messages_and_segments() -> str:
    columns = []
    for name in SEGMENTS:
        columns.append(
            f"(select value from segment_values as told where told.name = '{name}'"  # noqa: S608
            " and told.campaign = rows.campaign and told.message_id = rows.message_id"
            f" and told.who = rows.who) as {name}"
        )
    kind = "(select kind from domain_kinds where domain_kinds.domain = rows.domain) as domain_kind"
    columns.append(kind)
    return f"select rows.*, {', '.join(columns)} from ({_statement('messages')}) as rows"  # noqa: S608


def _tell_scanned(connection: duckdb.DuckDBPyConnection) -> None:
    """Whether a scanner followed a message's links, as a column of all messages."""
    for name in ("urls", "clicker_flags"):
        view = f"create or replace temp view {name} as "
        connection.execute(view + _statement(name))
    suspects = "select campaign, message_id, who from clicker_flags where suspect"
    connection.execute(f"create temp table scanned_messages as {suspects}")
    connection.execute("""
        create or replace temp table all_messages as
        select messages.*, case when scanned_messages.who is null then 'no' else 'yes' end as scanned
        from all_messages as messages
        left join scanned_messages using (campaign, message_id, who)
    """)


def _wanted(where: Where) -> str:
    """The messages that are asked about."""
    conditions = ["true"]
    for name, value in where.items():
        values = value if isinstance(value, list) else [value]
        texts = ", ".join(f"'{each}'" for each in values)
        text = f"cast({DIMENSIONS[name]} as varchar)"
        conditions.append(f"{text} in ({texts})")
    limit = " and ".join(conditions)
    return f"select * from all_messages where {limit}"  # noqa: S608  # a test's own words


def _messages(by: Sequence[str]) -> str:
    """Each of them with what it is split by, as one column."""
    keys = [f"{name} := {DIMENSIONS[name]}" for name in by]
    split = f"struct_pack({', '.join(keys)})" if keys else "null"
    return f"select wanted.*, {split} as split from wanted"  # noqa: S608  # our own words


def _answer(connection: duckdb.DuckDBPyConnection, name: str, by: choices.By) -> pd.DataFrame:
    """The rows of one question, with its rates."""
    question = named(name)
    splits = choices.splits(question, by, SEGMENTS)
    counts = _counts(connection, question.file, splits)
    if question.parts:
        counts = rows_of_parts(counts, question, splits)
    return add_rates(counts, question, splits)


def _counts(
    connection: duckdb.DuckDBPyConnection,
    file: str,
    by: Sequence[str],
) -> pd.DataFrame:
    """What an SQL file counts, with what it is split by as columns behind the campaign."""
    connection.execute("create or replace temp view messages as " + _messages(by))
    low = "create or replace temp macro wilson_low(part, whole) as "
    connection.execute(low + WILSON_LOW)
    for name in ("delays", "urls", "clicker_flags"):
        view = f"create or replace temp view {name} as "
        connection.execute(view + _statement(name))
    relation = connection.sql(_statement(file))
    counts = relation.to_arrow_table()
    if "split" in counts.column_names:
        split = counts["split"]
        counts = counts.drop_columns(["split"])
        for place, name in enumerate(by, 1):
            counts = counts.add_column(place, name, pc.struct_field(split, name))
    table: pd.DataFrame = counts.to_pandas()
    return table
