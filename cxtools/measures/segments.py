"""
The segments of some campaigns as questions ask for them: which there are, and of each message its
values, made once a layer and kept beside it.

Nothing of this is read, or made, where nobody splits or filters by a segment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from cxtools.errors import StoreError
from cxtools.events.messages.layer import Layer
from cxtools.events.messages.rows import define_messages, define_received
from cxtools.events.relations import Relations
from cxtools.events.segments import DERIVED, TAG, CampaignSegments
from cxtools.events.store import EventStore
from cxtools.files import PRIVATE_FILE, hidden_until_whole
from cxtools.measures.catalogue import DIMENSIONS, QUESTIONS
from cxtools.measures.question import Dimension
from cxtools.measures.sql import statement

#: How a segment is named whose own name is that of a dimension or of a column of answers.
PREFIX = "segment:"
#: The version of what a layer keeps; another one makes it anew.
VERSION = 1

#: Opens relations for a `with` block.
Open = Callable[[], AbstractContextManager[Relations]]


@dataclass(frozen=True)
class Segments:
    """
    Those that are asked for.

        dimensions   what messages are split and filtered by: name -> how it is made
        names        the column of a message's row -> the segment's name in the store
        files        the values, of each layer
        digest       what tells these values from others; "" for none
    """

    dimensions: Mapping[str, Dimension] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[Path] = ()
    digest: str = ""


NO_SEGMENTS = Segments()


def spoken_name(name: str) -> str:
    """
    How a segment is asked for.

    >>> spoken_name("plan"), spoken_name("day"), spoken_name("category")
    ('plan', 'segment:day', 'segment:category')
    """
    return f"{PREFIX}{name}" if name in reserved_names() else name


def reserved_names() -> set[str]:
    """The names that columns of answers have already."""
    names = {"campaign", "split", *DIMENSIONS}
    for question in QUESTIONS.values():
        names.update(question.column_names())
    return names


def segment_names(store: EventStore, campaigns: Iterable[str]) -> dict[str, str]:
    """How each segment of these campaigns is asked for -> its name in the store, sorted."""
    names = set[str]()
    for campaign in campaigns:
        kept = store.segments(campaign)
        names.update(kept.planned_names(), kept.columns())
    return {spoken_name(name): name for name in sorted(names)}


def dimensions_of(names: Mapping[str, str]) -> dict[str, Dimension]:
    """
    Each of these segments as what messages are split by; who isn't known to have a tag has it not.

    >>> dimensions_of({"plan": "plan", "tag:vip": "tag:vip"})["tag:vip"].expression
    "coalesce(segment_1, 'no')"
    """
    found = {}
    for number, (spoken, name) in enumerate(names.items()):
        column = f"segment_{number}"
        is_tag = name.startswith(TAG)
        found[spoken] = Dimension(
            name=spoken,
            expression=f"coalesce({column}, 'no')" if is_tag else column,
            one=spoken,
            many=f"groups by {spoken}",
            meaning="what was sent with the recipient, or a kept column of an import",
        )
    return found


def chosen_segments(
    store: EventStore,
    layers: Mapping[str, Layer],
    spoken: Iterable[str],
    open_relations: Open,
) -> Segments:
    """
    The segments that are asked for, with their values for these layers.

    Raises:
        StoreError: no campaign has such a segment, or the values can't be written.
    """
    known = segment_names(store, filter(None, layers))
    wanted = dict.fromkeys(spoken)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise StoreError(
            f"no campaign has the segment {', '.join(unknown)}",
            do=f"choose from: {', '.join([*DIMENSIONS, *known])}",
        )
    names = {name: known[name] for name in wanted}
    files = [
        _file_of(store, campaign, layer, open_relations)
        for campaign, layer in layers.items()
        if campaign
    ]
    return Segments(
        dimensions_of(names),
        {f"segment_{number}": name for number, name in enumerate(names.values())},
        files,
        "\n".join(str(file) for file in files),
    )


def _file_of(store: EventStore, campaign: str, layer: Layer, open_relations: Open) -> Path:
    """The values that the messages of a layer have of all segments; made when they aren't there."""
    kept = store.segments(campaign)
    file = layer.folder / f"{DERIVED}{VERSION}-{kept.version()}.parquet"
    if file.exists():
        return file
    try:
        with hidden_until_whole(file) as hidden, open_relations() as relations:
            _write(relations, hidden, store.parts(campaign), layer, kept)
    except OSError as error:
        raise StoreError(
            f"the segments can't be written: {error.strerror or error}",
            where=str(layer.folder),
            do="free some disk space or correct the folder's permissions, then ask again",
        ) from error
    return file


def _write(
    relations: Relations,
    file: Path,
    parts: Sequence[Path],
    layer: Layer,
    kept: CampaignSegments,
) -> None:
    """Write what each message has of each segment, those of one segment together."""
    import pyarrow as pa

    relations.read("layer_main", layer.files("messages"))
    relations.read("layer_tail", layer.files("tail"))
    define_messages(relations, "layer_messages", "layer_main", "layer_tail", ["message_key"])
    planned = kept.planned_file()
    selects = ["select message_key, '' as name, '' as value from layer_messages where false"]
    if planned:
        relations.read("planned", [planned])
        selects.append(statement("planned_segments"))
    planned_names = kept.planned_names()
    columns = [name for name in kept.columns() if name not in planned_names]
    if columns:
        define_received(relations, "received", parts)
        for name in ("aliases", "splits"):
            relations.read(f"layer_{name}", layer.files(name))
        relations.register("kept_columns", pa.table({"name": columns}))
        selects.append(statement("kept_segments"))
    rows = " union all ".join(f"select * from ({select}) as one" for select in selects)
    query = f"select message_key, name, value from ({rows}) as rows order by name"
    relations.write(query, file)
    file.chmod(PRIVATE_FILE)


def values_query(name: str) -> str:
    """
    The SQL of one segment's values.

    >>> values_query("plan")
    "select campaign, message_key, value from stored_segments where name = 'plan'"
    """
    return f"select campaign, message_key, value from stored_segments where name = '{name}'"
