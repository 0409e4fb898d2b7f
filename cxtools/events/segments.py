"""
Segments: the groups that people belong to, by what was sent with them.

A person is a number, the key of the address, and no address is held. What tells of one person, a
name, a telephone number, is no segment, nor is what tells people apart: a field with thousands of
values. Which fields are none, and why, is kept beside the segments.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cxtools.erasures import is_personal
from cxtools.events.keys import key

if TYPE_CHECKING:
    import pyarrow as pa

    from cxtools.model import Recipient

#: How the segment is named that is a recipient's tags, and the ones that say of a tag who has it.
TAGS = "tags"
TAG = "tag:"
#: The tenth of the list that a recipient stands in, and in how many parts the list is cut.
LIST_TENTH = "list_tenth"
TENTHS = 10
#: The segments that every plan has, beside its fields and tags.
OF_EVERY_PLAN = (LIST_TENTH, TAGS, "subject", "template", "sender")
#: How a field is named whose own name is that of another segment.
PREFIX = "segment:"
#: A field with more values tells people apart.
MOST_VALUES = 10_000
#: So many tags, those that most people have, are a segment each.
MOST_TAGS = 100
#: What says in a file which segments it has, and which fields are none.
NAMES = b"cxtools.segments"
LEFT_OUT = b"cxtools.left_out"
TOO_MANY_VALUES = f"it has more than {MOST_VALUES:,} values and so tells people apart"
TOO_MANY_TAGS = f"there are more than {MOST_TAGS} tags, of which the most frequent are segments"
UNSPEAKABLE = "its name holds characters that can't be shown"


def can_be_named(name: str) -> bool:
    """
    Whether a segment may have that name.

    >>> can_be_named("the 'plan'"), can_be_named("a\\tb")
    (True, False)
    """
    return bool(name.strip()) and name.isprintable()


def name_of_field(field_name: str) -> str:
    """
    How the segment is named that a field is: it never takes the place of another one.

    >>> name_of_field("plan"), name_of_field("tags"), name_of_field("tag:vip")
    ('plan', 'segment:tags', 'segment:tag:vip')
    """
    is_taken = field_name in OF_EVERY_PLAN or field_name.startswith((TAG, PREFIX))
    return f"{PREFIX}{field_name}" if is_taken else field_name


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
        """One more person who has it; nothing for an empty value, or where there are too many."""
        if value and not self.tells_people_apart:
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

    segments, tags = _values(people, total)
    left_out = {}
    for name, found in segments.items():
        why = _why_left_out(name, found)
        if why:
            left_out[name] = why
    if len(tags) > MOST_TAGS:
        left_out[TAG] = TOO_MANY_TAGS
    segments |= {f"{TAG}{tag}": tags[tag] for tag in _most_frequent(tags) if can_be_named(tag)}
    tables = {name: _fact(name, value) for name, value in facts.items()}
    for name, found in segments.items():
        if found.numbers and name not in left_out and not is_personal(name):
            tables[name] = found.table(name)
    rows = pa.concat_tables([schema().empty_table(), *(tables[name] for name in sorted(tables))])
    metadata = {NAMES: json.dumps(sorted(tables)), LEFT_OUT: json.dumps(left_out)}
    return rows.replace_schema_metadata(metadata)


def _values(people: Iterable[Recipient], total: int) -> tuple[dict[str, Values], dict[str, Values]]:
    """What people have of each segment, and which tags."""
    segments: dict[str, Values] = {}
    tags: dict[str, Values] = {}
    for place, recipient in enumerate(people):
        person = person_key(recipient.email)
        values = {
            LIST_TENTH: f"{1 + TENTHS * place // max(total, place + 1):02}",
            TAGS: ", ".join(sorted(set(recipient.tags))),
            **{name_of_field(name): value for name, value in recipient.merge_fields.items()},
        }
        for name, value in values.items():
            segments.setdefault(name, Values()).add(person, value)
        for tag in set(recipient.tags):
            if tag in tags or len(tags) <= MOST_VALUES:
                tags.setdefault(tag, Values()).add(person, "yes")
    return segments, tags


def _why_left_out(name: str, values: Values) -> str:
    """Why a field is no segment, which nobody would guess by its name; "" for one that is."""
    if not can_be_named(name):
        return UNSPEAKABLE
    return TOO_MANY_VALUES if values.tells_people_apart else ""


def _most_frequent(tags: Mapping[str, Values]) -> list[str]:
    in_order = sorted(tags, key=lambda tag: (-len(tags[tag].people), tag))
    return in_order[:MOST_TAGS]


def _fact(name: str, value: str) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pylist([{"person": None, "name": name, "value": value}], schema())
