"""
How a layer is made: of all parts, or of a layer that covers some of them and of the new parts.

Each step is one statement. What one message's row needs is found by grouping events, then only the
few rows that repeat an event, and the few messages whose past can't be told from their row, are
looked at one by one.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxtools.events import parts
from cxtools.events.database import OutOfMemory
from cxtools.events.messages import identity
from cxtools.events.messages.causes import Cause, CauseNumbers
from cxtools.events.messages.layer import VERDICTS, Layer
from cxtools.events.messages.purposes import SHIPPED_PURPOSES, Purposes
from cxtools.events.messages.rows import define_messages, define_received
from cxtools.events.messages.sql import statement
from cxtools.events.relations import Relations

if TYPE_CHECKING:
    import pyarrow as pa

#: Events whose messages are made at once: a bound on memory.
EVENTS_A_PASS = 20_000_000
#: More shares than that don't help a memory that is too small.
MOST_SHARES = 1024
#: Relations whose rows never change: a layer takes the files of its base and adds one of its own.
APPENDED = ("irregular_events", "clicks", "bounces", "repeats")
#: The errors of a disk that gives a file no second name there.
CANT_LINK = {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK}
#: Every message.
ALL = "true"
#: A tail that is longer, as a share of all messages, is written into their midst.
TAIL_SHARE = 0.1


class Overtaken(Exception):
    """
    A new part has a row of a known event that counts before the known one, or tells that known
    events belong to other messages.
    """


def build(
    relations: Relations,
    folder: Path,
    part_files: Sequence[Path],
    base: Layer | None = None,
    base_files: Sequence[Path] = (),
    *,
    purposes: Purposes = SHIPPED_PURPOSES,
) -> None:
    """
    Write the relations of a layer into a folder.

    *part_files* are the parts that the *base* doesn't cover, *base_files* those that it does.
    *purposes* tell which clicks are on content.

    Raises:
        Overtaken: the base is of no use, since it counts another row of some event.
    """
    define_received(relations, "received", part_files)
    if base:
        _define_base(relations, base, base_files)
    else:
        relations.register("known", _no_hashes())
    _define_events(relations)
    _resolve_names(relations, base, [*part_files, *base_files])
    number = str(len(base.files("clicks"))) if base else "0"
    if base:
        relations.keep("new_messages", _facts(purposes, ALL))
        for name in ("known_keys", "known_messages"):
            relations.keep(name, statement(name))
        _take_over(base, folder)
    relations.write("select * from repeats", folder / "repeats" / f"{number}.parquet")
    for relation in (identity.ALIASES, identity.SPLITS):
        relations.write(f"select * from {relation}", folder / relation / "0.parquet")
    clicks = statement("clicks").format(is_content=purposes.is_content)
    relations.write(clicks, folder / "clicks" / f"{number}.parquet")
    _write_bounces(relations, folder, number, base)
    stored_rows = _number(relations, "select count(*) as rows from received")
    counts = _counts(relations, stored_rows, base)
    _write_table(counts, folder / "event_counts" / "0.parquet")
    job_events = statement("added_job_events" if base else "job_events")
    relations.write(job_events, folder / "job_events" / "0.parquet")
    _write_messages(relations, folder, base, counts["events"][0].as_py(), purposes)
    _write_irregular_events(relations, folder, number, base)


def _define_base(relations: Relations, base: Layer, files: Sequence[Path]) -> None:
    for relation in ("repeats", "job_events", "tail", identity.ALIASES, identity.SPLITS):
        relations.read(f"base_{relation}", base.files(relation))
    relations.read("base_main", base.files("messages"))
    define_messages(relations, "base_messages", "base_main", "base_tail", ["message_key"])
    define_received(relations, "base_received", files)
    relations.register("nothing_known", _no_hashes())
    events = statement("events").format(
        received="base_received",
        repeats="base_repeats",
        known="nothing_known",
        campaign="",
    )
    relations.define("base_events_as_named", events)
    relations.keep("known", statement("known"))
    overtaken = statement("overtaken").format(precedence=_precedence())
    if _number(relations, "select count(*) as events from known") and relations.rows(overtaken):
        raise Overtaken


def _define_events(relations: Relations) -> None:
    relations.keep("repeated", statement("repeated"))
    repeats = statement("repeats").format(precedence=_precedence())
    relations.keep("repeats", repeats)
    events = statement("events").format(
        received="received",
        repeats="repeats",
        known="known",
        campaign="",
    )
    relations.define("events_as_named", events)
    relations.keep("jobs", statement("jobs").format(events="events_as_named"))


def _resolve_names(relations: Relations, base: Layer | None, files: Sequence[Path]) -> None:
    """Define the events that count, each with the key of its message."""
    remember = relations.keep if base else relations.define  # news are few, and asked often
    if identity.names_are_whole(files):
        relations.register(identity.ALIASES, identity.no_aliases())
        relations.register(identity.SPLITS, identity.no_splits())
        remember("counted_events", "select * from events_as_named")
        if base:
            relations.define("base_events", "select * from base_events_as_named")
            relations.define("base_rows", "select message_key, ts from base_received")
        return
    names = "events_as_named"
    if base:
        both = "select * from events_as_named union all select * from base_events_as_named"
        names = f"({both})"
    identity.find_aliases(relations, names)
    remember("counted_events", identity.resolved_events_query("events_as_named"))
    if base:
        relations.define("base_events", identity.resolved_events_query("base_events_as_named"))
        relations.define("base_rows", "select message_key, ts from base_events")
        if identity.have_names_changed(relations, "base_events_as_named"):
            raise Overtaken


def _take_over(base: Layer, folder: Path) -> None:
    """Files of the base whose rows stay as they are: the same files under a second name."""
    for relation in APPENDED:
        for file in base.files(relation):
            _take(file, folder / relation / file.name)
    for file in base.folder.glob(f"{VERDICTS}-*.parquet"):
        with suppress(FileNotFoundError):  # another process kept a newer one
            _take(file, folder / file.name)


def _take(file: Path, name: Path) -> None:
    """The same file under a second name; a copy where that is on another disk."""
    try:
        os.link(file, name)
    except OSError as refused:
        if refused.errno not in CANT_LINK:
            raise
        shutil.copyfile(file, name)


def _write_bounces(relations: Relations, folder: Path, number: str, base: Layer | None) -> None:
    """The new bounces, each with the number of its cause, and all causes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = CauseNumbers(_causes(base) if base else ())
    file = folder / "bounces" / f"{number}.parquet"
    with pq.ParquetWriter(file, _bounce_schema(), compression="zstd") as writer:
        for batch in relations.batches(statement("new_bounces")):
            codes = batch["bounce_code"].to_pylist()
            texts = batch["bounce_text"].to_pylist()
            classes = batch["bounce_class"].to_pylist()
            bounces = zip(codes, texts, classes, strict=True)
            causes = [numbers.number(*bounce) for bounce in bounces]
            rows = pa.table(batch).append_column("cause_id", pa.array(causes, pa.int32()))
            writer.write_table(rows.cast(_bounce_schema()))
    rows = [
        {
            "cause_id": number,
            "bounce_code": cause.code,
            "cause": cause.text,
            "bounce_class": cause.bounce_class,
        }
        for number, cause in enumerate(numbers.causes())
    ]
    _write_table(pa.Table.from_pylist(rows, _cause_schema()), folder / "causes" / "0.parquet")


def _write_messages(
    relations: Relations,
    folder: Path,
    base: Layer | None,
    events: int,
    purposes: Purposes,
) -> None:
    """The messages: all of them anew, or only those that the new events touch, as a tail."""
    relations.read("bounces", sorted((folder / "bounces").glob("*.parquet")))
    if base is None:
        relations.keep("last_bounces", statement("last_bounces").format(bounces="bounces"))
        _write_main(relations, folder, events, [partial(_new_messages, purposes)])
        _write_tail(relations, folder, "select * from made_messages where false")
        return
    relations.keep("merged_messages", statement("merged_messages"))
    touched = "(select * from bounces semi join new_messages using (message_key)) as touched"
    relations.keep("last_bounces", statement("last_bounces").format(bounces=touched))
    if _tail_is_short(relations, base):
        for file in base.files("messages"):
            _take(file, folder / "messages" / file.name)
        rows = f"{_merged_messages(ALL)} union all {_untouched('base_tail', ALL)}"
        _write_tail(relations, folder, rows)
    else:
        _write_main(relations, folder, events, [_merged_messages, _all_untouched])
        _write_tail(relations, folder, "select * from made_messages where false")


def _write_main(
    relations: Relations,
    folder: Path,
    events: int,
    selects: Sequence[Callable[[str], str]],
) -> None:
    """All messages, in the order of their jobs, a share of them at a time."""
    shares = events // EVENTS_A_PASS + 1
    for number in range(shares):
        _write_share(relations, folder / "messages", selects, number, shares)
    relations.read("made_messages", sorted((folder / "messages").glob("*.parquet")))


def _write_share(
    relations: Relations,
    folder: Path,
    selects: Sequence[Callable[[str], str]],
    number: int,
    shares: int,
) -> None:
    """One of so many shares of the messages; in two halves where that takes too much memory."""
    condition = f"message_key % {shares} = {number}" if shares > 1 else ALL
    rows = " union all ".join(select(condition) for select in selects)
    in_order = f"select * from ({rows}) as rows order by job_id, message_key"
    file = folder / f"{number}.parquet"
    try:
        relations.write(in_order, file)
    except OutOfMemory:
        if shares > MOST_SHARES:
            raise
        file.unlink(missing_ok=True)
        for half in (number, number + shares):
            _write_share(relations, folder, selects, half, 2 * shares)


def _write_tail(relations: Relations, folder: Path, rows: str) -> None:
    in_order = f"select * from ({rows}) as rows order by job_id, message_key"
    relations.write(in_order, folder / "tail" / "0.parquet")


def _tail_is_short(relations: Relations, base: Layer) -> bool:
    """Whether to look twice for a message costs less than to write all of them again."""
    touched = _number(relations, "select count(*) as messages from new_messages")
    return touched + base.row_count("tail") <= TAIL_SHARE * base.row_count("messages")


def _new_messages(purposes: Purposes, condition: str) -> str:
    return _finished(f"({_facts(purposes, condition)})")


def _facts(purposes: Purposes, condition: str) -> str:
    return statement("new_messages").format(
        events="counted_events",
        condition=condition,
        is_content=purposes.is_content,
        campaign="",
    )


def _merged_messages(condition: str) -> str:
    return _finished(f"(select * from merged_messages where {condition})")


def _finished(messages: str) -> str:
    return statement("finished_messages").format(messages=messages, last_bounces="last_bounces")


def _all_untouched(condition: str) -> str:
    return _untouched("base_messages", condition)


def _untouched(messages: str, condition: str) -> str:
    return statement("untouched_messages").format(messages=messages, condition=condition)


def _write_irregular_events(
    relations: Relations,
    folder: Path,
    number: str,
    base: Layer | None,
) -> None:
    relations.read("made_main", sorted((folder / "messages").glob("*.parquet")))
    relations.read("made_tail", [folder / "tail" / "0.parquet"])
    define_messages(relations, "made_messages", "made_main", "made_tail", ["message_key"])
    irregular = "(select message_key from made_messages where is_irregular) as irregular"
    events = statement("irregular_events").format(events="counted_events", irregular=irregular)
    if base and _finds_any(relations, "new_irregular"):
        before = statement("irregular_events").format(
            events="base_events",
            irregular="new_irregular",
        )
        events = f"{events} union all {before}"
    relations.write(events, folder / "irregular_events" / f"{number}.parquet")


def _counts(relations: Relations, stored_rows: int, base: Layer | None) -> pa.Table:
    """How many events there are of each kind, those of the base among them."""
    import pyarrow as pa

    [new] = relations.rows(statement("event_counts").format(campaign="", grouping="")).to_pylist()
    new["stored_rows"] = stored_rows
    schema = _counts_schema()
    if not base:
        return pa.Table.from_pylist([new], schema)
    known = base.counts
    row = {}
    for name in schema.names:
        row[name] = _sum_or_end(name, known[name], new[name])
    row["contents"] -= _same_contents(relations)
    return pa.Table.from_pylist([row], schema)


def _sum_or_end(name: str, known: Any, new: Any) -> Any:
    """Of two moments the first or the last; of two counts the sum."""
    if not name.endswith("_at"):
        return known + new
    moments = [moment for moment in (known, new) if moment is not None]
    if name.startswith("last"):
        return max(moments, default=None)
    return min(moments, default=None)


def _same_contents(relations: Relations) -> int:
    """Raw events are read only where some of them may be told anew."""
    if not _finds_any(relations, "near_events") or not _finds_any(relations, "near_messages"):
        return 0
    return _number(relations, statement("same_contents"))


def _finds_any(relations: Relations, name: str) -> bool:
    """Keep what a statement selects, under its own name: is there anything?"""
    relations.keep(name, statement(name))
    return _number(relations, f"select count(*) as rows from {name}") > 0


def _causes(layer: Layer) -> list[Cause]:
    import pyarrow.parquet as pq

    rows = (
        pq.read_table(layer.files("causes")[0], partitioning=None).sort_by("cause_id").to_pylist()
    )
    return [Cause(row["bounce_code"], row["cause"], row["bounce_class"]) for row in rows]


def _precedence() -> str:
    """The order of rows with one id; raw rows aren't read, since no message depends on them."""
    columns = [column for column in parts.PRECEDENCE if column != "raw"]
    return ", ".join(f"{column} nulls last" for column in columns)


def _number(relations: Relations, sql: str) -> int:
    """The one number that a statement selects."""
    [[number]] = [row.values() for row in relations.rows(sql).to_pylist()]
    return int(number)


def _no_hashes() -> pa.Table:
    import pyarrow as pa

    return pa.table({"event_hash": pa.array([], pa.int64())})


def _write_table(table: pa.Table, file: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, file, compression="zstd")


def _bounce_schema() -> pa.Schema:
    import pyarrow as pa

    moment = pa.timestamp("us", tz="UTC")
    return pa.schema(
        [
            ("message_key", pa.int64()),
            ("ts", moment),
            ("counted_at", moment),
            ("bounce_code", pa.string()),
            ("bounce_text", pa.string()),
            ("bounce_class", pa.string()),
            ("cause_id", pa.int32()),
        ]
    )


def _cause_schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema(
        [
            ("cause_id", pa.int32()),
            ("bounce_code", pa.string()),
            ("cause", pa.string()),
            ("bounce_class", pa.string()),
        ]
    )


def _counts_schema() -> pa.Schema:
    import pyarrow as pa

    moment = pa.timestamp("us", tz="UTC")
    moments = {"first_sent_at", "first_event_at", "last_event_at"}
    names = (
        "stored_rows",
        "events",
        "contents",
        "without_timestamp",
        "unknown_kind",
        "says_nothing",
        "without_recipient_id",
        "without_message_id",
        "unattributed",
        "sents",
        "deliveries",
        "bounces",
        "opens",
        "clicks",
        "deferrals",
        "complaints",
        "unsubscribes",
        "suppressions",
        "first_sent_at",
        "first_event_at",
        "last_event_at",
    )
    columns = []
    for name in names:
        columns.append((name, moment if name in moments else pa.int64()))
    return pa.schema(columns)
