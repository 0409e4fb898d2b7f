"""
Plain feeds: those whose rows are flat, so that a table of names says how they are read.

The same table is read in two ways that give the same: `event` takes one row, `columns` a whole
block, and leaves to `event` the rows that it is not sure of. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cxtools.events.blocks import TEXT, Block, all_true, parts, places
from cxtools.events.feeds import columns
from cxtools.events.feeds.columns import ANY_CELL, Reading
from cxtools.events.feeds.dialect import STANDARD, UNKNOWN, Dialect
from cxtools.events.feeds.values import Row, first_text
from cxtools.events.tables import event_columns, event_schema, table_of
from cxtools.model import Event

#: Into so many parts a block is cut whose rows can't be read together, ...
PARTS = 16
#: ... until no more rows are left than this, which go one by one.
FEWEST = 32

#: Our fields of an event that are texts of the row.
TEXTS = (
    "event_id",
    "job_id",
    "message_id",
    "recipient_id",
    "email",
    "bounce_code",
    "bounce_text",
    "link_url",
    "user_agent",
    "ip",
    "bounce_class",
)


class Kind(NamedTuple):
    """One of our kinds, and the vendor's word for it."""

    kind: str
    word: str


class Value(NamedTuple):
    """A field that takes more than a cell: a function of the texts of these cells."""

    names: Sequence[str]
    of: Callable[..., Any]


class Kinds(NamedTuple):
    """Of each row our kind, the vendor's word, and whether it has none of them."""

    kinds: pa.Array
    words: pa.Array
    unreadable: pa.Array


class PlainRows(NamedTuple):
    """
    Rows of a block, their events, and which of them are odd: to be read one by one. Where all are
    there are no events.
    """

    block: Block
    events: pa.Table
    is_odd: pa.Array

    def without(self, some: pa.Array) -> PlainRows:
        """The same, in which some more rows are odd."""
        return self._replace(is_odd=pc.or_(self.is_odd, some))

    def table(self, read_row: Callable[[int, Row], Sequence[Event]]) -> pa.Table:
        """The events in their order; *read_row* makes those of an odd row of its number and it."""
        is_sure = pc.invert(self.is_odd)
        if all_true(is_sure):
            return event_columns(self.events)
        events = self.events.filter(is_sure) if len(self.events) else self.events
        odd_events: list[Event] = []
        origins = places(is_sure)
        for place in places(self.is_odd):
            found = read_row(self.block.numbers[place], self.block.row(place))
            odd_events += found
            origins += [place for _ in found]
        together = pa.concat_tables([event_columns(events), table_of(odd_events)])
        order = np.argsort(origins, kind="stable")
        return together.take(order)


#: Of a block, and the cells of it that were read, the rows that may be of another feed.
Strangers: TypeAlias = "Callable[[Plain, Block, pa.Table], pa.Array]"


@dataclass(frozen=True)
class Plain:
    """
    How the flat rows of a feed are read.

        word      the cells with the vendor's word for what happened; the first that says something
        words     that word -> our kind
        no_word   the reason why a row without such a word has no event
        time      the cell with the moment
        texts     our text fields -> the cells that may hold them; the first that says something
        values    our fields that take more than that
        reading   how a cell is read
        marks     groups of names; a row that has all of one group is surely of this feed

    >>> plain = Plain(["what"], {"opened": "open"}, "when", {"email": ["who"]})
    >>> event = plain.event({"what": "opened", "when": "2026-09-14", "who": "Ann@one.example"})
    >>> event.kind, event.email
    ('open', 'ann@one.example')
    """

    word: Sequence[str]
    words: Mapping[str, str]
    time: str
    texts: Mapping[str, Sequence[str]]
    values: Mapping[str, Value] = field(default_factory=dict)
    reading: Reading = ANY_CELL
    no_word: str = "the row doesn't say what happened"
    marks: Sequence[Sequence[str]] = ()

    @property
    def names(self) -> list[str]:
        """The cells that are read, each once."""
        names = [*self.word, self.time]
        for several in self.texts.values():
            names += several
        for value in self.values.values():
            names += value.names
        for group in self.marks:
            names += group
        return list(dict.fromkeys(names))

    def marks_row(self, row: Row) -> bool:
        """Whether a row has the names of one of the groups in `marks`, each with a value."""
        return any(all(row.get(name) is not None for name in group) for group in self.marks)

    def kind(self, word: str, dialect: Dialect) -> Kind:
        """
        Our kind for a row's word.

        Raises:
            ValueError: there is none.
        """
        kind = dialect.kind(self.words, word)
        if not word and kind == UNKNOWN:
            raise ValueError(self.no_word)
        return Kind(kind, word or kind)

    # --- one row ---

    def event(self, row: Row, dialect: Dialect = STANDARD, *, kept: Row | None = None) -> Event:
        """
        The event of one row; *kept* is the row as it came, where that is another one.

        Raises:
            ValueError: it has no kind, its time can't be read, or it names neither message nor
            recipient.
        """
        text = self.reading.text
        kind = self.kind(first_text(row, self.word, text), dialect)
        texts: dict[str, Any] = {}
        for name, names in self.texts.items():
            texts[name] = first_text(row, names, text)
        for name, value in self.values.items():
            texts[name] = value.of(*(text(row.get(cell)) for cell in value.names))
        by_machine = texts.pop("by_machine", None)
        time = row.get(self.time)
        return Event.build(
            row if kept is None else kept,
            kind=kind.kind,
            word=kind.word,
            ts=self.reading.moment(dialect, time),
            written_time=text(time),
            texts=texts,
            by_machine=by_machine,
        )

    # --- a block ---

    def read(
        self,
        block: Block,
        dialect: Dialect = STANDARD,
        *,
        only_these: bool = False,
        strangers: Strangers | None = None,
    ) -> Iterator[PlainRows]:
        """
        The events of a block, part by part; see `Block.cells` for *only_these*. *strangers* finds
        the rows that may be of another feed: they are odd.
        """
        cells = block.cells(self.names, only_these=only_these)
        if cells is not None and columns.fits(cells, self.reading):
            rows = self._rows(block, cells, dialect)
            yield rows.without(strangers(self, block, cells)) if strangers else rows
        elif len(block) > FEWEST:
            for part in parts(block, PARTS):
                yield from self.read(part, dialect, only_these=only_these, strangers=strangers)
        else:
            yield all_odd(block)

    def _rows(self, block: Block, cells: pa.Table, dialect: Dialect) -> PlainRows:
        try:
            return self._events(block, cells, dialect)
        except ValueError:  # a function of `values` takes no part of some row
            return all_odd(block)

    def _events(self, block: Block, cells: pa.Table, dialect: Dialect) -> PlainRows:
        kinds = self._kinds(cells, dialect)
        fields = {name: self._texts(cells, name) for name in TEXTS}
        fields["email"] = columns.addresses(fields["email"])
        written_time = columns.first_texts(cells, [self.time], self.reading)
        moments = _cells_of(cells, self.time)
        time = columns.moments(moments, written_time, self.reading, dialect)
        by_machine = self._by_machine(cells)
        has_no_id = pc.equal(fields["recipient_id"], "")
        recipient = pc.if_else(has_no_id, fields["email"], fields["recipient_id"])
        identifying = [
            fields["job_id"],
            fields["message_id"],
            recipient,
            _identifying_words(kinds.words, by_machine),
            written_time,
            fields["link_url"],
            fields["bounce_code"],
        ]
        fields |= {
            "event_id": columns.event_ids(fields["event_id"], identifying),
            "message_id": columns.without_brackets(fields["message_id"]),
            "kind": kinds.kinds,
            "raw_kind": kinds.words,
            "ts": time.moments,
            "by_machine": by_machine,
            "raw": block.raw,
        }
        in_order = {name: fields[name] for name in event_schema().names}
        names_nobody = pc.equal(_joined(fields["message_id"], recipient), "")
        is_odd = pc.or_(kinds.unreadable, pc.or_(time.unreadable, names_nobody))
        return PlainRows(block, pa.table(in_order), is_odd)

    def _kinds(self, cells: pa.Table, dialect: Dialect) -> Kinds:
        words = columns.first_texts(cells, self.word, self.reading)
        encoded = words.dictionary_encode()
        words_of_block = encoded.dictionary.to_pylist()
        kinds = [self._kind_or_none(word, dialect) for word in words_of_block]
        known = [kind or Kind("", "") for kind in kinds]
        by_word = Kinds(
            pa.array([kind.kind for kind in known], TEXT),
            pa.array([kind.word for kind in known], TEXT),
            pa.array([kind is None for kind in kinds], pa.bool_()),
        )
        return Kinds(*(column.take(encoded.indices) for column in by_word))

    def _kind_or_none(self, word: str, dialect: Dialect) -> Kind | None:
        try:
            return self.kind(word, dialect)
        except ValueError:
            return None

    def _texts(self, cells: pa.Table, name: str) -> pa.Array:
        if name in self.values:
            return pa.array(self._computed(cells, name), TEXT)
        return columns.first_texts(cells, self.texts.get(name, ()), self.reading)

    def _by_machine(self, cells: pa.Table) -> pa.Array:
        if "by_machine" not in self.values:
            return pa.nulls(len(cells), pa.bool_())
        return pa.array(self._computed(cells, "by_machine"), pa.bool_())

    def _computed(self, cells: pa.Table, name: str) -> list[Any]:
        value = self.values[name]
        found = [columns.first_texts(cells, [cell], self.reading) for cell in value.names]
        return columns.computed(value.of, found)


def all_odd(block: Block) -> PlainRows:
    """The rows of a block to be read one by one."""
    is_odd = pa.repeat(True, len(block))
    return PlainRows(block, event_schema().empty_table(), is_odd)


def _cells_of(cells: pa.Table, name: str) -> pa.ChunkedArray:
    if name in cells.column_names:
        return cells[name]
    return pa.chunked_array([pa.nulls(len(cells), TEXT)])


def _identifying_words(words: pa.Array, machine: pa.Array) -> pa.Array:
    """What a machine did is another event than what a person did at the same time."""
    encoded = words.dictionary_encode()
    lower = [word.lower() for word in encoded.dictionary.to_pylist()]
    by_person = pa.array(lower, TEXT).take(encoded.indices)
    if machine.null_count == len(machine):
        return by_person
    is_machine = pc.fill_null(machine, False)
    return pc.if_else(is_machine, _joined("machine_", by_person), by_person)


def _joined(*columns: pa.Array | str) -> pa.Array:
    return pc.binary_join_element_wise(*columns, "")
