"""
Segments: the groups that people belong to, by what was sent with them and by columns of imports.

    _segments/campaign=NAME/planned-3f….parquet   of a campaign that is sent from here: a row says
                                                  of a person that a segment has a value. A row
                                                  without a person holds for everybody
    _segments/campaign=NAME/kept.json             the columns of imported files that are segments;
                                                  their values stand in the events' own rows

A person is a number, the key of the address, and no address is held. What tells of one person, a
name, a telephone number, is no segment, nor is what tells people apart: a field with thousands of
values. An erasure gives the person's rows the key of the address that stands in its place.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxtools.erasures import Erasure, Erasures, is_personal
from cxtools.events.keys import key
from cxtools.files import write_whole

if TYPE_CHECKING:
    import pyarrow as pa

    from cxtools.model import Recipient

FOLDER = "_segments"
KEPT = "kept.json"
PLANNED = "planned-*.parquet"
#: How the segment is named that is a recipient's tags, and the ones that say of a tag who has it.
TAGS = "tags"
TAG = "tag:"
#: The tenth of the list that a recipient stands in, and in how many parts the list is cut.
LIST_TENTH = "list_tenth"
TENTHS = 10
#: A field with more values tells people apart.
MOST_VALUES = 10_000
#: Of so many tags each is a segment of its own.
MOST_TAGS = 100
#: What says in a file which segments it has.
NAMES = b"cxtools.segments"
#: What no name of a segment holds: questions write it between quotes.
UNSPEAKABLE = frozenset("\"'\\`")
#: How the files begin that a layer keeps of segments.
DERIVED = "segments-"


def can_be_named(name: str) -> bool:
    """
    Whether a segment may have that name.

    >>> can_be_named("plan"), can_be_named("the 'plan'")
    (True, False)
    """
    return bool(name.strip()) and name.isprintable() and UNSPEAKABLE.isdisjoint(name)


def person_key(email: str) -> int:
    """
    The number by which segments know a person: what `key_of(email)` is in the SQL of questions.

    >>> person_key("Ann@Example.com") == key("ann@example.com")
    True
    """
    return key(email.strip().lower())


@dataclass
class Values:
    """
    What people have of one segment: of a million people few differ, so each value is a number.
    """

    numbers: dict[str, int] = field(default_factory=dict)
    people: array[int] = field(default_factory=lambda: array("q"))
    value_numbers: array[int] = field(default_factory=lambda: array("i"))

    def add(self, person: int, value: str) -> None:
        """One more person who has it; nothing for an empty value."""
        if value:
            self.people.append(person)
            self.value_numbers.append(self.numbers.setdefault(value, len(self.numbers)))

    @property
    def tells_people_apart(self) -> bool:
        return len(self.numbers) > MOST_VALUES

    def table(self, name: str) -> pa.Table:
        import pyarrow as pa

        values = pa.DictionaryArray.from_arrays(
            pa.array(self.value_numbers, pa.int32()), pa.array(list(self.numbers), pa.string())
        )
        names = pa.repeat(pa.scalar(name), len(values))
        people = pa.array(self.people, pa.int64())
        columns = [people, names, values.cast(pa.string())]
        return pa.Table.from_arrays(columns, schema=schema())


def schema() -> pa.Schema:
    """A row says of a person (null: of everybody) that a segment has a value."""
    import pyarrow as pa

    return pa.schema([("person", pa.int64()), ("name", pa.string()), ("value", pa.string())])


def planned_table(people: Iterable[Recipient], total: int, facts: Mapping[str, str]) -> pa.Table:
    """
    The segments of a plan: merge fields, tags, and the tenth of the list, which has *total* rows.
    *facts* hold for everybody.

    >>> from cxtools.model import Recipient
    >>> ann = Recipient("ann@x.example", {"plan": "pro", "firstName": "Ann"}, ("vip",))
    >>> rows = planned_table([ann], 1, {"subject": "Hi"}).to_pylist()
    >>> [(row["name"], row["value"]) for row in rows]
    [('list_tenth', '01'), ('plan', 'pro'), ('subject', 'Hi'), ('tag:vip', 'yes'), ('tags', 'vip')]
    """
    import pyarrow as pa

    segments: dict[str, Values] = {}
    tags: dict[str, Values] = {}
    for place, recipient in enumerate(people):
        person = person_key(recipient.email)
        values = {
            LIST_TENTH: f"{1 + TENTHS * place // max(total, place + 1):02}",
            TAGS: ", ".join(sorted(set(recipient.tags))),
            **recipient.merge_fields,
        }
        for name, value in values.items():
            segments.setdefault(name, Values()).add(person, value)
        for tag in set(recipient.tags):
            tags.setdefault(f"{TAG}{tag}", Values()).add(person, "yes")
    if len(tags) <= MOST_TAGS:
        segments |= tags
    tables = {name: _fact(name, value) for name, value in facts.items()}
    for name, found in segments.items():
        if _is_segment(name, found):
            tables[name] = found.table(name)
    rows = pa.concat_tables([schema().empty_table(), *(tables[name] for name in sorted(tables))])
    return rows.replace_schema_metadata({NAMES: json.dumps(sorted(tables))})


def _fact(name: str, value: str) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pylist([{"person": None, "name": name, "value": value}], schema())


def _is_segment(name: str, values: Values) -> bool:
    if not values.numbers or values.tells_people_apart:
        return False
    return can_be_named(name) and not is_personal(name)


class CampaignSegments:
    """
    What a store keeps of one campaign's segments. Asking touches nothing.

    >>> import tempfile
    >>> kept = CampaignSegments(Path(tempfile.mkdtemp()), "campaign=q3")
    >>> kept.keep_columns(["arm"])
    >>> kept.keep_columns(["plan"])
    >>> kept.columns(), kept.planned_names()
    (['arm', 'plan'], [])
    """

    def __init__(self, root: Path, campaign_folder: str) -> None:
        self.folder = root / FOLDER / campaign_folder

    def keep_columns(self, columns: Iterable[str]) -> None:
        """Keep that these columns of imported rows are segments, with those that are known."""
        known = self.columns()
        names = list(dict.fromkeys([*known, *columns]))
        if names != known:
            write_whole(self.folder / KEPT, json.dumps(names, ensure_ascii=False).encode())

    def columns(self) -> list[str]:
        """The columns of imported rows that are segments."""
        try:
            names: list[str] = json.loads((self.folder / KEPT).read_bytes())
        except FileNotFoundError:
            return []
        return names

    def planned_file(self, digest: str = "") -> Path | None:
        """The file of the plan with this digest, or of the only plan; None while there is none."""
        if digest:
            file = self._file(digest)
            return file if file.exists() else None
        return next(iter(sorted(self.folder.glob(PLANNED))), None)

    def keep_planned(self, rows: pa.Table, digest: str) -> None:
        """Keep the segments of a plan, in the place of those of one that was replaced."""
        import pyarrow.parquet as pq

        file = self._file(digest)
        write_whole(file, partial(pq.write_table, rows, compression="zstd"))
        for other in self.folder.glob(PLANNED):
            if other != file:
                other.unlink(missing_ok=True)

    def planned_names(self) -> list[str]:
        """The segments of the plan."""
        import pyarrow.parquet as pq

        file = self.planned_file()
        if file is None:
            return []
        metadata = pq.read_schema(file).metadata or {}
        names: list[str] = json.loads(metadata.get(NAMES, b"[]"))
        return names

    def version(self) -> str:
        """What tells these segments from what they were and will be."""
        state: list[Any] = [self.columns()]
        file = self.planned_file()
        if file:
            stat = file.stat()
            state += [file.name, stat.st_ino, stat.st_mtime_ns]
        return hashlib.sha256(json.dumps(state).encode()).hexdigest()[:24]

    def erase(self, erasures: Erasures) -> bool:
        """Write the segments anew without those who are erased; whether anything changed."""
        import pyarrow.parquet as pq

        file = self.planned_file()
        if file is None:
            return False
        rows = pq.read_table(file, partitioning=None)
        cleaned = erased_rows(rows, erasures)
        if cleaned.equals(rows):
            return False
        write_whole(file, partial(pq.write_table, cleaned, compression="zstd"))
        return True

    def _file(self, digest: str) -> Path:
        return self.folder / PLANNED.replace("*", digest[:24])


def erased_rows(rows: pa.Table, erasures: Erasures) -> pa.Table:
    """
    The segments without those who are erased: their rows have the key of the address that stands in
    the place of theirs, and no value names them.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    values = rows["value"].unique().to_pylist()
    cleaned = [erasures.clean(value) for value in values]
    if cleaned != values:
        places = pc.index_in(rows["value"], pa.array(values, pa.string()))
        texts = pa.array(cleaned, pa.string()).take(places)
        rows = rows.set_column(2, rows.schema.field(2), texts)
    for person in erasures.people.values():
        is_person = pc.fill_null(pc.equal(rows["person"], _key_of_key(person.key)), False)
        if pc.any(is_person).as_py():
            rows = _without(rows, person, is_person)
    return rows


def _without(rows: pa.Table, person: Erasure, is_person: pa.ChunkedArray) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    key_now = pa.scalar(person_key(person.replacement), pa.int64())
    own = [person.clean_own(text) for text in rows["value"].filter(is_person).to_pylist()]
    people = pc.if_else(is_person, key_now, rows["person"])
    values = pc.replace_with_mask(
        rows["value"].combine_chunks(), is_person.combine_chunks(), pa.array(own, pa.string())
    )
    rows = rows.set_column(0, rows.schema.field(0), people)
    return rows.set_column(2, rows.schema.field(2), values)


def _key_of_key(recipient_key: str) -> int:
    """The number of a person who is known by the ledger's key: both begin with the same digits."""
    return int(recipient_key[:16], 16) >> 1


def remove_derived(layers: Path) -> None:
    """Remove what the layers of a campaign keep of segments; it is made again when asked for."""
    for file in layers.glob(f"*/{DERIVED}*"):
        with suppress(FileNotFoundError):
            file.unlink()


def kept_segments(root: Path) -> Iterator[CampaignSegments]:
    """What a store keeps, campaign by campaign."""
    for folder in sorted((root / FOLDER).glob("*")):
        yield CampaignSegments(root, folder.name)
