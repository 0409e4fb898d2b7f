"""
The segments of some campaigns as questions ask for them: which there are, and of each message its
values, made once a layer and kept beside it.

Nothing of this is read, or made, where nobody splits or filters by a segment. What was made of
segments or of campaigns that have changed since is removed when it is made anew.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cxtools.errors import StoreError
from cxtools.events.kept_segments import DERIVED, CampaignSegments
from cxtools.events.messages.layer import Layer
from cxtools.events.messages.rows import define_messages, define_received
from cxtools.events.own_folder import own_folder
from cxtools.events.relations import Relations
from cxtools.events.replacements import remove_abandoned
from cxtools.events.segments import LIST_TENTH, PREFIX, TAG, name_of_field
from cxtools.files import PRIVATE_FILE, hidden_until_whole
from cxtools.measures.catalogue import DIMENSIONS, QUESTIONS
from cxtools.measures.question import Dimension
from cxtools.measures.sql import statement

if TYPE_CHECKING:
    import pyarrow as pa

#: The version of what a layer keeps; another one makes it anew.
VERSION = 4
#: How the files begin that a layer keeps of its own segments, and of what earlier campaigns tell.
OWN = f"{DERIVED}own-"
BEFORE_FILES = f"{DERIVED}before-"


@dataclass(frozen=True)
class BeforeCampaign:
    """
    What earlier campaigns tell of a message's recipient: its name in what a layer keeps, what is
    true of those of whom nothing is kept, and what it says.
    """

    name: str
    otherwise: str
    meaning: str


#: How it is asked for -> what it is.
BEFORE = {
    "history": BeforeCampaign(
        "before/history",
        otherwise="first",
        meaning="first, or repeat: mailed by an earlier campaign of the home",
    ),
    "recency": BeforeCampaign(
        "before/recency",
        otherwise="never",
        meaning="time from the last click on content to the campaign's start",
    ),
}
OF_THE_CAMPAIGN = "what was sent with the recipient, or a kept column of an import"

#: No values, as rows of the same columns.
NOTHING = "select message_key, '' as name, '' as value from layer_messages where false"
#: Who has a place in the list is known to have a tag or not to have it.
IS_PLANNED = LIST_TENTH
PLANNED_COLUMN = "segment_planned"
NO_CAMPAIGNS: Mapping[str, Sequence[str]] = {}

#: Opens relations for a `with` block.
Open = Callable[[], AbstractContextManager[Relations]]
#: What is known of the segments of each campaign.
ByCampaign = Mapping[str, CampaignSegments]


@dataclass(frozen=True)
class Began:
    """When a campaign began, None where no event has a moment; and its messages."""

    at: datetime | None
    layer: Layer


@dataclass(frozen=True)
class OfCampaign:
    """A campaign that is asked about: its segments, its messages, and the parts of its events."""

    known: CampaignSegments
    layer: Layer
    parts: Sequence[Path]


#: When each campaign of the store began.
Starts = Callable[[], Mapping[str, Began]]


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


def segment_names(segments: ByCampaign) -> dict[str, str]:
    """How each segment of these campaigns is asked for -> its name in the store, sorted."""
    names = set[str]()
    for known in segments.values():
        names.update(known.planned_names(), _columns(known).values())
    own = {spoken_name(name): name for name in sorted(names)}
    return {**{spoken: before.name for spoken, before in BEFORE.items()}, **own}


def _columns(known: CampaignSegments) -> dict[str, str]:
    """
    The columns of a campaign's imports that are segments -> the segment that each of them is. What
    was planned comes before a column of the same name.
    """
    planned = known.planned_names()
    columns = {}
    for column in known.columns():
        name = name_of_field(column) if planned or column.startswith(TAG) else column
        if name not in planned:
            columns[column] = name
    return columns


def why_left_out(segments: ByCampaign, spoken: Iterable[str]) -> dict[str, str]:
    """Of these names the ones of fields and tags that are no segments of a campaign, and why."""
    reasons: dict[str, str] = {}
    for name in spoken:
        campaigns: dict[str, list[str]] = {}
        for campaign, known in segments.items():
            why = _why_left_out(known, name)
            if why:
                campaigns.setdefault(why, []).append(campaign)
        if campaigns:
            told = [f"{why} (in {', '.join(names)})" for why, names in campaigns.items()]
            reasons[name] = "; ".join(told)
    return reasons


def campaigns_without(segments: ByCampaign, spoken: Sequence[str]) -> list[str]:
    """
    The campaigns of which nobody knows one of these segments. A tag that nobody has is known of a
    campaign that was planned, as long as another one has it.
    """
    known = segment_names(segments)
    if not known.keys() >= set(spoken):
        return list(segments)
    without = [
        campaign
        for campaign, own in segments.items()
        if not all(_is_known(own, name) for name in spoken)
    ]
    if not without:
        return []
    others = {campaign: own for campaign, own in segments.items() if campaign not in without}
    return [*without, *campaigns_without(others, spoken)]


def _is_known(own: CampaignSegments, spoken: str) -> bool:
    is_tag_of_plan = spoken.startswith(TAG) and bool(own.planned_names())
    return is_tag_of_plan or spoken in segment_names({"": own})


def _why_left_out(known: CampaignSegments, spoken: str) -> str:
    reasons = {spoken_name(name): why for name, why in known.left_out().items()}
    if spoken.startswith(TAG) and spoken not in known.planned_names():
        return reasons.get(TAG, "")
    return reasons.get(spoken, "")


def dimensions_of(
    names: Mapping[str, str], unknown_in: Mapping[str, Sequence[str]] = NO_CAMPAIGNS
) -> dict[str, Dimension]:
    """
    Each of these segments as what messages are split by; *unknown_in* names the campaigns of which
    nobody knows one. Who was planned and hasn't a tag is known not to have it elsewhere, and of
    whom nothing else is kept is mailed for the first time; "" is kept where there is no address.

    >>> print(dimensions_of({"tag:vip": "tag:vip"}, {"tag:vip": ["q3"]})["tag:vip"].expression)
    case when segment_0 is not null then 'yes'
         when segment_planned is not null and campaign not in ('q3') then 'no' end
    >>> print(dimensions_of({"history": "before/history"})["history"].expression)
    case when segment_0 is null then 'first'
         when segment_0 <> '' then segment_0 end
    """
    found = {}
    for number, (spoken, name) in enumerate(names.items()):
        found[spoken] = Dimension(
            name=spoken,
            expression=_expression(f"segment_{number}", spoken, name, unknown_in.get(name, ())),
            one=spoken,
            many=f"groups by {spoken}",
            meaning=BEFORE[spoken].meaning if spoken in BEFORE else OF_THE_CAMPAIGN,
        )
    return found


def _expression(column: str, spoken: str, name: str, unknown_in: Sequence[str]) -> str:
    """The SQL of what a message has of a segment, by the column of its values."""
    campaigns = ", ".join(f"'{campaign}'" for campaign in unknown_in)
    but = f" and campaign not in ({campaigns})" if campaigns else ""
    if name.startswith(TAG):
        return (
            f"case when {column} is not null then 'yes'\n"
            f"     when {PLANNED_COLUMN} is not null{but} then 'no' end"
        )
    if spoken in BEFORE:
        return (
            f"case when {column} is null{but} then '{BEFORE[spoken].otherwise}'\n"
            f"     when {column} <> '' then {column} end"
        )
    return column


def chosen_segments(
    campaigns: Mapping[str, OfCampaign],
    spoken: Iterable[str],
    open_relations: Open,
    starts: Starts,
) -> Segments:
    """
    The segments that are asked for, with their values for these campaigns; *starts* tells when all
    of the store began.

    Raises:
        StoreError: no campaign has such a segment, or the values can't be written.
    """
    segments = {name: each.known for name, each in campaigns.items()}
    known = segment_names(segments)
    wanted = dict.fromkeys(spoken)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise StoreError(
            f"no campaign has the segment {', '.join(unknown)}",
            do=f"choose from: {', '.join([*DIMENSIONS, *known])}",
        )
    names = {name: known[name] for name in wanted}
    files = []
    tags = [name for name in names.values() if name.startswith(TAG)]
    unknown_in = {tag: _without_tag(segments, tag) for tag in tags}
    if not BEFORE.keys() >= names.keys():
        for each in campaigns.values():
            _keep_draft(each.known)
            files.append(_Maker(each.layer, open_relations).own_file(each.known, each.parts))
    if not BEFORE.keys().isdisjoint(names):
        began = starts()
        files += files_of_before(list(campaigns), began, open_relations)
        not_begun = [name for name in campaigns if began[name].at is None]
        unknown_in |= {before.name: not_begun for before in BEFORE.values()}
    columns = {f"segment_{number}": name for number, name in enumerate(names.values())}
    if tags:
        columns[PLANNED_COLUMN] = IS_PLANNED
    return Segments(
        dimensions_of(names, unknown_in),
        columns,
        files,
        "\n".join(str(file) for file in files),
    )


def _without_tag(segments: ByCampaign, tag: str) -> list[str]:
    """The campaigns of which nobody knows who has this tag."""
    return [campaign for campaign, known in segments.items() if _why_left_out(known, tag)]


def _keep_draft(known: CampaignSegments) -> None:
    """Keep in the store what was sent with a campaign's recipients; not where that is only read."""
    if not os.access(known.root, os.W_OK):
        return
    try:
        known.keep_draft()
    except OSError as error:
        raise _not_written(error, known.folder) from error


def _not_written(error: OSError, folder: Path) -> StoreError:
    return StoreError(
        f"the segments can't be written: {error.strerror or error}",
        where=str(folder),
        do="free some disk space or correct the folder's permissions, then ask again",
    )


class _Maker:
    """What a layer keeps of segments; made when it isn't there."""

    def __init__(self, layer: Layer, open_relations: Open) -> None:
        self._layer = layer
        self._open_relations = open_relations
        self._folder = layer.folder
        if not os.access(layer.folder, os.W_OK):
            digest = hashlib.sha256(str(layer.folder.absolute()).encode()).hexdigest()[:24]
            self._folder = own_folder() / f"derived-{digest}" / layer.folder.parent.name

    def own_file(self, known: CampaignSegments, parts: Sequence[Path]) -> Path:
        """The values that messages have of all segments of their campaign."""
        file = self._file(OWN, known.version())
        if not file.exists():
            with self._open_relations() as relations:
                _define_layers(relations, "layer", [self._layer])
                self.write(relations, _own_query(relations, parts, self._layer, known), file)
        return file

    def file_of_before(self, state: Sequence[str]) -> Path:
        """Where it stands what campaigns of this state tell of each message's recipient."""
        return self._file(BEFORE_FILES, hashlib.sha256("\n".join(state).encode()).hexdigest()[:24])

    def write(self, relations: Relations, query: str, file: Path) -> None:
        """Write values, in the place of those of an earlier state."""
        try:
            with hidden_until_whole(file) as hidden:
                rows = f"select message_key, name, value from ({query}) as rows"
                relations.write(f"{rows} order by name", hidden)
                hidden.chmod(PRIVATE_FILE)
            kind = BEFORE_FILES if file.name.startswith(BEFORE_FILES) else OWN
            for other in file.parent.glob(f"{kind}*"):
                if other != file:
                    other.unlink(missing_ok=True)
            remove_abandoned(file.parent)
        except OSError as error:
            raise _not_written(error, file.parent) from error

    def _file(self, kind: str, digest: str) -> Path:
        name = f"{kind}{VERSION}-{digest}.parquet"
        kept = self._layer.folder / name
        return kept if kept.exists() else self._folder / name


def files_of_before(
    campaigns: Sequence[str], began: Mapping[str, Began], open_relations: Open
) -> list[Path]:
    """
    What earlier campaigns tell of each message's recipient, a file for each of these campaigns.
    However many of them are missing, all messages are read once.
    """
    makers = {name: _Maker(began[name].layer, open_relations) for name in campaigns}
    states = _states(began)
    files = {name: makers[name].file_of_before(states[name]) for name in campaigns}
    missing = [name for name in campaigns if not files[name].exists()]
    if missing:
        with open_relations() as relations:
            _define_before(relations, missing, began)
            for name in missing:
                relations.register("one_campaign", _names([name]))
                query = "select * from values_before semi join one_campaign using (campaign)"
                makers[name].write(relations, query, files[name])
    return [files[name] for name in campaigns]


def _states(began: Mapping[str, Began]) -> dict[str, list[str]]:
    """What each campaign's values depend on: when it began, and the campaigns before it."""
    versions = {name: str(each.layer.version()) for name, each in began.items()}
    states = {}
    for name, own in began.items():
        at = own.at
        earlier = [other for other, each in began.items() if at and each.at and each.at < at]
        states[name] = [str(at), *sorted(versions[other] for other in earlier)]
    return states


def _files(layers: Sequence[Layer], relation: str) -> list[Path]:
    """The files of a relation in several layers."""
    files: list[Path] = []
    for layer in layers:
        files += layer.files(relation)
    return files


def _define_layers(relations: Relations, name: str, layers: Sequence[Layer]) -> None:
    """The messages of layers, under this name."""
    for relation in ("messages", "tail"):
        relations.read(f"{name}_{relation}_as_stored", _files(layers, relation))
    stored = (f"{name}_messages_as_stored", f"{name}_tail_as_stored")
    define_messages(relations, f"{name}_messages", *stored, ["campaign", "message_key"])


def _own_query(
    relations: Relations, parts: Sequence[Path], layer: Layer, known: CampaignSegments
) -> str:
    """The statement of what each message has of each segment of its campaign."""
    import pyarrow as pa

    selects = [NOTHING]
    planned = known.planned_file()
    if planned:
        relations.read("planned", [planned])
        selects.append(statement("planned_segments"))
    columns = _columns(known)
    if columns:
        define_received(relations, "received", parts)
        for name in ("repeats", "aliases", "splits"):
            relations.read(f"layer_{name}", layer.files(name))
        kept_columns = pa.table({"field": list(columns), "name": list(columns.values())})
        relations.register("kept_columns", kept_columns)
        selects.append(statement("kept_segments"))
    return " union all ".join(f"select * from ({select}) as one" for select in selects)


def _define_before(
    relations: Relations, campaigns: Sequence[str], began: Mapping[str, Began]
) -> None:
    """The values of these campaigns, and what they are made of."""
    import pyarrow as pa

    starts = {name: each.at for name, each in began.items() if each.at}
    last = max((starts[name] for name in campaigns if name in starts), default=None)
    asked = [began[name].layer for name in campaigns]
    _define_layers(relations, "asked", asked)
    earlier = [began[name].layer for name, at in starts.items() if last and at < last]
    if earlier:
        _define_layers(relations, "earlier", earlier)
        relations.read("earlier_clicks", _files(earlier, "clicks"))
    else:
        relations.define("earlier_messages", "select * from asked_messages where false")
        relations.read("asked_clicks", _files(asked, "clicks"))
        relations.define("earlier_clicks", "select * from asked_clicks where false")
    moments = pa.array(starts.values(), pa.timestamp("us", tz="UTC"))
    begun = pa.table({"campaign": pa.array(starts, pa.string()), "began_at": moments})
    relations.register("begun", begun)
    relations.keep("values_before", statement("people_before"))


def _names(campaigns: Sequence[str]) -> pa.Table:
    import pyarrow as pa

    return pa.table({"campaign": pa.array(campaigns, pa.string())})


def values_query(number: int) -> str:
    """
    The SQL of the values of one of the segments that are asked for.

    >>> print(values_query(0))
    select campaign, message_key, value
    from stored_segments
    join asked_segments on asked_segments.name = stored_segments.name and asked_segments.number = 0
    """
    return (
        "select campaign, message_key, value\n"
        "from stored_segments\n"
        "join asked_segments on asked_segments.name = stored_segments.name"
        f" and asked_segments.number = {number}"
    )
