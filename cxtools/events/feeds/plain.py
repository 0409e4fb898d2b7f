"""
Plain feeds: those whose rows are flat, so that a table of names says how they are read.

The same table is read in two ways that give the same: `event` takes one row, `columns` a whole
block, and leaves to `event` the rows that it is not sure of. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cxtools.events.blocks import Block, parts
from cxtools.events.feeds import columns
from cxtools.events.feeds.columns import ANY_CELL, Reading
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


class PlainRows(NamedTuple):
    """
    Rows of a block, their events, and which of them are odd: to be read one by one. Where all are
    there are no events.
    """

    block: Block
    events: pa.Table
    is_odd: pa.Array

    def table(self, read_row: Callable[[int, Row], Sequence[Event]]) -> pa.Table:
        """The events in their order; *read_row* makes those of an odd row of its number and it."""
        is_odd = self.is_odd.to_numpy(zero_copy_only=False)
        events = self.events.filter(~is_odd) if len(self.events) else self.events
        events = event_columns(events)
        if not is_odd.any():
            return events
        odd_events: list[Event] = []
        origins = np.flatnonzero(~is_odd).tolist()
        for place in np.flatnonzero(is_odd).tolist():
            found = read_row(self.block.numbers[place], self.block.row(place))
            odd_events += found
            origins += [place] * len(found)
        together = pa.concat_tables([events, table_of(odd_events)])
        return together.take(np.argsort(origins, kind="stable"))


@dataclass(frozen=True)
class Plain:
    """
    How the flat rows of a feed are read.

        word      the cells with the vendor's word for what happened; the first that says something
        kind      that word -> our kind, or ValueError with the reason why the row has none
        time      the cell with the moment
        texts     our text fields -> the cells that may hold them; the first that says something
        values    our fields that take more than that
        reading   how a cell is read

    >>> def kind(word):
    ...     return Kind("open" if word == "opened" else "unknown", word)
    >>> plain = Plain(["what"], kind, "when", {"email": ["who"]})
    >>> event = plain.event({"what": "opened", "when": "2026-09-14", "who": "Ann@one.example"})
    >>> event.kind, event.email
    ('open', 'ann@one.example')
    """

    word: Sequence[str]
    kind: Callable[[str], Kind]
    time: str
    texts: Mapping[str, Sequence[str]]
    values: Mapping[str, Value] = field(default_factory=dict)
    reading: Reading = ANY_CELL

    @property
    def names(self) -> list[str]:
        """The cells that are read, each once."""
        names = [*self.word, self.time]
        for several in self.texts.values():
            names += several
        for value in self.values.values():
            names += value.names
        return list(dict.fromkeys(names))

    # --- one row ---

    def event(self, row: Row) -> Event:
        """
        The event of one row.

        Raises:
            ValueError: it has no kind, its time can't be read, or it names neither message nor
            recipient.
        """
        text = self.reading.text
        kind = self.kind(first_text(row, self.word, text))
        texts: dict[str, Any] = {}
        for name, names in self.texts.items():
            texts[name] = first_text(row, names, text)
        for name, value in self.values.items():
            texts[name] = value.of(*(text(row.get(cell)) for cell in value.names))
        by_machine = texts.pop("by_machine", None)
        time = row.get(self.time)
        return Event.build(
            row,
            kind=kind.kind,
            word=kind.word,
            ts=self.reading.moment(time),
            written_time=text(time),
            texts=texts,
            by_machine=by_machine,
        )

    # --- a block ---

    def read(self, block: Block, *, only_these: bool = False) -> Iterator[PlainRows]:
        """The events of a block, part by part; see `Block.cells` for *only_these*."""
        cells = block.cells(self.names, only_these=only_these)
        if cells is not None and columns.fits(cells, self.reading):
            yield self._events(block, cells)
        elif len(block) > FEWEST:
            for part in parts(block, PARTS):
                yield from self.read(part, only_these=only_these)
        else:
            yield all_odd(block)

    def _events(self, block: Block, cells: pa.Table) -> PlainRows:
        kinds = self._kinds(cells)
        found = {name: self._texts(cells, name) for name in TEXTS}
        machine = self._by_machine(cells)
        written_time = columns.first_texts(cells, [self.time], self.reading)
        time = _cells_of(cells, self.time)
        ts = columns.moments(time, written_time, self.reading)
        found["email"] = columns.lower_case(pc.utf8_trim_whitespace(found["email"]))
        recipient = pc.if_else(
            pc.equal(found["recipient_id"], ""), found["email"], found["recipient_id"]
        )
        nobody = pc.and_(pc.equal(found["message_id"], ""), pc.equal(recipient, ""))
        found["event_id"] = columns.event_ids(
            found["event_id"],
            [
                found["job_id"],
                found["message_id"],
                recipient,
                _identifying_words(kinds["raw_kind"], machine),
                written_time,
                found["link_url"],
                found["bounce_code"],
            ],
        )
        found |= {
            "kind": kinds["kind"],
            "raw_kind": kinds["raw_kind"],
            "ts": ts.moments,
            "by_machine": machine,
            "raw": block.raw,
        }
        is_odd = pc.or_(pc.or_(ts.unreadable, kinds["unreadable"]), nobody)
        events = pa.table({name: found[name] for name in event_schema().names})
        return PlainRows(block, events, is_odd)

    def _kinds(self, cells: pa.Table) -> dict[str, pa.Array]:
        """Of each row our kind, the vendor's word, and whether it has none of them."""
        words = columns.first_texts(cells, self.word, self.reading).dictionary_encode()
        kinds = [_kind_or_none(self.kind, word) for word in words.dictionary.to_pylist()]
        known = [kind or Kind("", "") for kind in kinds]
        by_word = {
            "kind": pa.array([kind.kind for kind in known], pa.string()),
            "raw_kind": pa.array([kind.word for kind in known], pa.string()),
            "unreadable": pa.array([kind is None for kind in kinds], pa.bool_()),
        }
        return {name: column.take(words.indices) for name, column in by_word.items()}

    def _texts(self, cells: pa.Table, name: str) -> pa.Array:
        if name in self.values:
            return pa.array(self._computed(cells, name), pa.string())
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


def _kind_or_none(kind: Callable[[str], Kind], word: str) -> Kind | None:
    try:
        return kind(word)
    except ValueError:
        return None


def _cells_of(cells: pa.Table, name: str) -> pa.ChunkedArray:
    if name in cells.column_names:
        return cells[name]
    return pa.chunked_array([pa.nulls(len(cells), pa.string())])


def _identifying_words(words: pa.Array, machine: pa.Array) -> pa.Array:
    """What a machine did is another event than what a person did at the same time."""
    encoded = words.dictionary_encode()
    lower = [word.lower() for word in encoded.dictionary.to_pylist()]
    by_person = pa.array(lower, pa.string()).take(encoded.indices)
    if machine.null_count == len(machine):
        return by_person
    by_machine = pc.binary_join_element_wise("machine_", by_person, "")
    return pc.if_else(pc.fill_null(machine, False), by_machine, by_person)
