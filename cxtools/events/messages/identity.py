"""
Which message an event belongs to, where its feed names message or recipient by half.

Most feeds name both in every event; then nothing is looked up. Where one is missing somewhere, all
names of the campaign are put side by side: an event without a message id belongs to the only
message of that person, one without a recipient to the only recipient of that message id, and what
another address did with a personal message to its recipient. Where no event of a person has a
message id, it belongs to the last sending to that person before it. What could belong to several
messages is not guessed: it has no message key, is counted as such, and adds to nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cxtools.events.messages.sql import statement
from cxtools.events.relations import Relations

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

#: The ids that name a message and its recipient.
IDS = ("message_id", "recipient_id")
#: Sendings to one person that follow each other faster are one: some platforms tell of a message
#: that they took and of the same one that they handed on.
SENDINGS_APART_S = 60
#: What a campaign's layer keeps of all this.
ALIASES = "aliases"
SPLITS = "splits"


def names_are_whole(parts: Iterable[Path]) -> bool:
    """Whether every event of these parts has a message id and a recipient id."""
    import pyarrow.parquet as pq

    return not any(_may_lack_ids(pq.read_metadata(part)) for part in parts)


def _may_lack_ids(part: pq.FileMetaData) -> bool:
    """By the least value of each column, which Parquet keeps: a missing id is an empty text."""
    columns = [part.schema.names.index(name) for name in IDS]
    for number in range(part.num_row_groups):
        group = part.row_group(number)
        for column in columns:
            known = group.column(column).statistics
            if known is None or not known.has_min_max or known.min == "":
                return True
    return False


def find_aliases(relations: Relations, events: str) -> None:
    """
    Keep `aliases` and `splits`, by the names in all *events* of a campaign.

    Most names leave no doubt, even in a feed that has nothing but addresses. They are told by
    numbers, and only the others are read as texts: all the texts of ten million events don't fit
    into the memory that DuckDB may take.
    """
    relations.keep("name_numbers", statement("name_numbers").format(events=events))
    relations.keep("doubtful_names", statement("doubtful_names"))
    find_messages_of_names(relations, events)


def find_messages_of_names(relations: Relations, events: str) -> None:
    """Keep `aliases` and `splits`, by the names in *events* of the messages in `doubtful_names`."""
    relations.keep("names", statement("names").format(events=events))
    relations.keep(ALIASES, statement("aliases"))
    splits = statement("splits").format(events=events, apart_s=SENDINGS_APART_S)
    relations.keep(SPLITS, splits)


def resolved_events_query(
    events: str,
    *,
    aliases: str = ALIASES,
    splits: str = SPLITS,
    by_campaign: bool = False,
) -> str:
    """The statement that gives each of the *events* its message."""
    campaign = ""
    same_alias = "true"
    same_split = "true"
    if by_campaign:
        campaign = "events.campaign, "
        same_alias = "aliases.campaign = events.campaign"
        same_split = "splits.campaign = events.campaign"
    return statement("resolved_events").format(
        events=events,
        aliases=aliases,
        splits=splits,
        campaign=campaign,
        same_alias=same_alias,
        same_split=same_split,
    )


def have_names_changed(relations: Relations, base_events: str) -> bool:
    """Whether some of the *base_events* belong to other messages than the base says."""
    changed = statement("changed_aliases").format(base_events=base_events)
    [row] = relations.rows(changed).to_pylist()
    return bool(row["messages"])


def no_aliases() -> pa.Table:
    """No event belongs to another message than it says."""
    import pyarrow as pa

    return pa.schema(
        [
            ("message_key", pa.int64()),
            ("resolved_key", pa.int64()),
            ("email", pa.string()),
        ]
    ).empty_table()


def no_splits() -> pa.Table:
    """Nobody was sent several messages under one name."""
    import pyarrow as pa

    moment = pa.timestamp("us", tz="UTC")
    return pa.schema(
        [
            ("message_key", pa.int64()),
            ("split_key", pa.int64()),
            ("from_at", moment),
            ("until_at", moment),
            ("is_undated", pa.bool_()),
        ]
    ).empty_table()
