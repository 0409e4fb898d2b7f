"""
The segments of some campaigns as questions ask for them: which there are, and of each message its
values, made once a layer and kept beside it.

Nothing of this is read, or made, where nobody splits or filters by a segment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
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

#: What is known of a message's recipient by earlier campaigns: how it is asked for -> its name in
#: what a layer keeps, and what it says.
BEFORE = {
    "history": ("before/history", "first, or repeat: mailed by an earlier campaign of the home"),
    "recency": ("before/recency", "time from the last click on content to the campaign's start"),
}
OF_THE_CAMPAIGN = "what was sent with the recipient, or a kept column of an import"

#: No values, and no clicks, as rows of the same columns.
NOTHING = "select message_key, '' as name, '' as value from layer_messages where false"
NO_CLICKS = """
select campaign, message_key, first_event_at as ts, true as is_content
from layer_messages
where false
"""

#: Opens relations for a `with` block.
Open = Callable[[], AbstractContextManager[Relations]]
#: A campaign -> when it began (None where no event has a moment), and the layers of those before.
Before = Callable[[str], tuple[datetime | None, Sequence[Layer]]]


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
    names = {"campaign", "split", *DIMENSIONS, *BEFORE}
    for question in QUESTIONS.values():
        names.update(question.column_names())
    return names


def segment_names(store: EventStore, campaigns: Iterable[str]) -> dict[str, str]:
    """How each segment of these campaigns is asked for -> its name in the store, sorted."""
    names = set[str]()
    for campaign in campaigns:
        kept = store.segments(campaign)
        names.update(kept.planned_names(), kept.columns())
    own = {spoken_name(name): name for name in sorted(names)}
    return {**{spoken: name for spoken, (name, _) in BEFORE.items()}, **own}


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
            meaning=BEFORE[spoken][1] if spoken in BEFORE else OF_THE_CAMPAIGN,
        )
    return found


def chosen_segments(
    store: EventStore,
    layers: Mapping[str, Layer],
    spoken: Iterable[str],
    open_relations: Open,
    before: Before,
) -> Segments:
    """
    The segments that are asked for, with their values for these layers; *before* tells when a
    campaign began, and which layers are of those that began before it.

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
    files = []
    for campaign in filter(None, layers):
        maker = _Maker(layers[campaign], open_relations)
        if not BEFORE.keys() >= names.keys():
            files.append(maker.own_file(store.segments(campaign), store.parts(campaign)))
        if not BEFORE.keys().isdisjoint(names):
            files.append(maker.file_of_before(*before(campaign)))
    return Segments(
        dimensions_of(names),
        {f"segment_{number}": name for number, name in enumerate(names.values())},
        files,
        "\n".join(str(file) for file in files),
    )


class _Maker:
    """What a layer keeps of segments; made when it isn't there."""

    def __init__(self, layer: Layer, open_relations: Open) -> None:
        self._layer = layer
        self._open_relations = open_relations

    def own_file(self, kept: CampaignSegments, parts: Sequence[Path]) -> Path:
        """The values that messages have of all segments of their campaign."""
        name = f"{DERIVED}{VERSION}-{kept.version()}.parquet"
        return self._made(name, lambda relations: _own_query(relations, parts, self._layer, kept))

    def file_of_before(self, began_at: datetime | None, earlier: Sequence[Layer]) -> Path:
        """What earlier campaigns tell of each message's recipient."""
        state = [str(began_at), *sorted(str(layer.version()) for layer in earlier)]
        digest = hashlib.sha256("\n".join(state).encode()).hexdigest()[:24]
        name = f"{DERIVED}before-{VERSION}-{digest}.parquet"
        return self._made(name, lambda relations: _before_query(relations, began_at, earlier))

    def _made(self, name: str, query: Callable[[Relations], str]) -> Path:
        file = self._layer.folder / name
        if file.exists():
            return file
        try:
            with hidden_until_whole(file) as hidden, self._open_relations() as relations:
                _define_layers(relations, "layer", [self._layer])
                rows = f"select message_key, name, value from ({query(relations)}) as rows"
                relations.write(f"{rows} order by name", hidden)
                hidden.chmod(PRIVATE_FILE)
        except OSError as error:
            raise StoreError(
                f"the segments can't be written: {error.strerror or error}",
                where=str(self._layer.folder),
                do="free some disk space or correct the folder's permissions, then ask again",
            ) from error
        return file


def _define_layers(relations: Relations, name: str, layers: Sequence[Layer]) -> None:
    """The messages of layers, under this name."""
    for relation in ("messages", "tail"):
        files = [file for layer in layers for file in layer.files(relation)]
        relations.read(f"{name}_{relation}_as_stored", files)
    stored = (f"{name}_messages_as_stored", f"{name}_tail_as_stored")
    define_messages(relations, f"{name}_messages", *stored, ["campaign", "message_key"])


def _own_query(
    relations: Relations, parts: Sequence[Path], layer: Layer, kept: CampaignSegments
) -> str:
    """The statement of what each message has of each segment of its campaign."""
    import pyarrow as pa

    selects = [NOTHING]
    planned = kept.planned_file()
    if planned:
        relations.read("planned", [planned])
        selects.append(statement("planned_segments"))
    planned_names = kept.planned_names()
    columns = [name for name in kept.columns() if name not in planned_names]
    if columns:
        define_received(relations, "received", parts)
        for name in ("repeats", "aliases", "splits"):
            relations.read(f"layer_{name}", layer.files(name))
        relations.register("kept_columns", pa.table({"name": columns}))
        selects.append(statement("kept_segments"))
    return " union all ".join(f"select * from ({select}) as one" for select in selects)


def _before_query(relations: Relations, began_at: datetime | None, earlier: Sequence[Layer]) -> str:
    """The statement of what earlier campaigns tell of each message's recipient."""
    import pyarrow as pa

    if began_at is None:
        return NOTHING
    if earlier:
        _define_layers(relations, "earlier", earlier)
        files = [file for layer in earlier for file in layer.files("clicks")]
        relations.read("earlier_clicks", files)
    else:
        relations.define("earlier_messages", "select * from layer_messages where false")
        relations.define("earlier_clicks", NO_CLICKS)
    moments = pa.array([began_at], pa.timestamp("us", tz="UTC"))
    relations.register("begun", pa.table({"began_at": moments}))
    return statement("people_before")


def values_query(name: str) -> str:
    """
    The SQL of one segment's values.

    >>> values_query("plan")
    "select campaign, message_key, value from stored_segments where name = 'plan'"
    """
    return f"select campaign, message_key, value from stored_segments where name = '{name}'"
