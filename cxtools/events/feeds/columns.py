"""
What `values` does for a cell, done for a whole column. Pure.

Both ways give the same: a column goes through Arrow where that is proven, and cell by cell through
the function of `values` where it isn't.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from cxtools.addresses import clean_address
from cxtools.events.blocks import all_true, array, bytes_that, may_hold, replaced
from cxtools.events.feeds.dialect import STANDARD, Dialect
from cxtools.events.feeds.values import cell_text
from cxtools.identity import event_identity, written_identities

TEXT = pa.string()
MOMENT = pa.timestamp("us", tz="UTC")
LOCAL_MOMENT = pa.timestamp("us")
SECOND = pa.timestamp("s", tz="UTC")

#: Moments that Arrow and Python read alike; what has another form is Python's.
#: Years in which no zone leads out of what `read_moment` takes.
DATE = r"20(0[1-9]|[1-9]\d)-\d\d-\d\d"
CLOCK = r"\d\d:\d\d:\d\d(\.\d{1,6})?"
WITH_ZONE = rf"^{DATE}[T ]{CLOCK}(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$"
WITHOUT_ZONE = rf"^{DATE}([T ]{CLOCK})?$"
UNIX_SECONDS = r"^[1-3]\d{9}$"

#: Addresses of these letters, which don't end with a dot, are clean.
LETTER_OF_ADDRESSES = r"[A-Za-z0-9!#$%&*+/=?^_{|}~@-]"
CLEAN_ADDRESS = rf"^([.]*{LETTER_OF_ADDRESSES})*$"
#: What is no dot and none of these.
ODD_IN_ADDRESS = bytes_that(rf"(?![.]|{LETTER_OF_ADDRESSES})")

NOTHING = pa.scalar("", TEXT)
#: What `json.dumps` does not write as it is.
NOT_AS_IT_IS = r"[^ !#-\[\]-~]"
ODD = bytes_that(NOT_AS_IT_IS)


def _with_zone(texts: pa.Array) -> pa.Array:
    return texts.cast(MOMENT)


def _without_zone(texts: pa.Array) -> pa.Array:
    local = texts.cast(LOCAL_MOMENT)
    return local.cast(MOMENT)


def _unix_seconds(texts: pa.Array) -> pa.Array:
    numbers = texts.cast(pa.int64())
    seconds = numbers.cast(SECOND)
    return seconds.cast(MOMENT)


class Form(NamedTuple):
    """How moments are written, and how a column of such texts is read."""

    pattern: str
    read: Callable[[pa.Array], pa.Array]


class Reading(NamedTuple):
    """
    How a feed's cells are read.

        text        a cell as text
        strips      whether that leaves out white space around it
        only_texts  whether rows are odd in which a cell is a number or anything but a text
        moment      a cell as a moment, as a dialect reads it; ValueError where that can't be
        forms       the forms of moments that whole columns are read in
    """

    text: Callable[[object], str]
    strips: bool
    only_texts: bool
    moment: Callable[[Dialect, object], datetime | None]
    forms: Sequence[Form]


ISO_FORMS = (
    Form(WITH_ZONE, _with_zone),
    Form(WITHOUT_ZONE, _without_zone),
)
ANY_FORM = (
    *ISO_FORMS,
    Form(UNIX_SECONDS, _unix_seconds),
)
#: How tables and most feeds are read.
ANY_CELL = Reading(
    text=cell_text,
    strips=True,
    only_texts=False,
    moment=Dialect.moment,
    forms=ANY_FORM,
)


class Moments(NamedTuple):
    """A column of moments, and in which rows none can be read though something is there."""

    moments: pa.Array
    unreadable: pa.Array


def fits(cells: pa.Table, reading: Reading) -> bool:
    """Whether a reading takes columns of these types."""
    if not reading.only_texts:
        return True
    return {TEXT, pa.null()}.issuperset(cells.schema.types)


def texts(column: pa.ChunkedArray, reading: Reading) -> pa.Array:
    """
    Each cell as text; "" for nothing.

    >>> texts(pa.chunked_array([[" open ", None]]), ANY_CELL).to_pylist()
    ['open', '']
    >>> texts(pa.chunked_array([[550.0, float("nan")]]), ANY_CELL).to_pylist()
    ['550', '']
    """
    if pa.types.is_integer(column.type) and not reading.only_texts:
        column = column.cast(TEXT)
    if not pa.types.is_string(column.type):
        cells = [reading.text(cell) for cell in column.to_pylist()]
        return pa.array(cells, TEXT)
    known = array(column)
    if known.null_count:
        known = pc.fill_null(known, NOTHING)
    if reading.strips:
        return pc.utf8_trim_whitespace(known)
    return known


def first_texts(cells: pa.Table, names: Sequence[str], reading: Reading) -> pa.Array:
    """Of each row the first of these cells that says something."""
    columns = [texts(cells[name], reading) for name in names if name in cells.column_names]
    if not columns:
        return pa.repeat(NOTHING, len(cells))
    first, *others = columns
    for other in others:
        says_nothing = pc.equal(first, NOTHING)
        first = pc.if_else(says_nothing, other, first)
    return first


def lower_case(column: pa.Array) -> pa.Array:
    """Each text as `str.lower` gives it; beyond ASCII Arrow knows other rules."""
    if all_true(pc.string_is_ascii(column)):
        return pc.ascii_lower(column)
    lower = [text.lower() for text in column.to_pylist()]
    return pa.array(lower, TEXT)


def without_brackets(column: pa.Array) -> pa.Array:
    """
    Each text as `Event.build` gives a message's id: without the brackets of its header.

    >>> without_brackets(pa.array(["<a@one.example>", "b"])).to_pylist()
    ['a@one.example', 'b']
    """
    has_brackets = pc.or_(pc.starts_with(column, "<"), pc.ends_with(column, ">"))
    if not pc.any(has_brackets).as_py():
        return column
    return pc.utf8_trim(column, "<>")


def addresses(column: pa.Array) -> pa.Array:
    """
    Each text as `Event.build` gives an address.

    >>> addresses(pa.array(["Ann@one.example", "Bob <bob@one.example>"])).to_pylist()
    ['ann@one.example', 'bob@one.example']
    """
    ends_with_dot = pc.ends_with(column, ".")
    if may_hold(pa.chunked_array([column]), ODD_IN_ADDRESS) or pc.any(ends_with_dot).as_py():
        is_odd = pc.invert(pc.match_substring_regex(column, CLEAN_ADDRESS))
        cleaned = [clean_address(text) for text in column.filter(is_odd).to_pylist()]
        column = replaced(column, is_odd, pa.array(cleaned, TEXT))
    return lower_case(column)


def moments(
    cells: pa.ChunkedArray,
    written: pa.Array,
    reading: Reading,
    dialect: Dialect = STANDARD,
) -> Moments:
    """The moment of each cell, which *written* gives as text."""
    is_there = pc.not_equal(written, "")
    known = written.filter(is_there)
    form = _form_of(known, reading.forms) if dialect.is_plain_about_moments else None
    if form is None:
        return _moments_one_by_one(cells, reading, dialect)
    try:
        found = form.read(known)
    except pa.ArrowInvalid:  # 31 February
        return _moments_one_by_one(cells, reading, dialect)
    none = pa.nulls(len(written), MOMENT)
    nothing_wrong = pa.repeat(False, len(written))
    return Moments(replaced(none, is_there, found), nothing_wrong)


def _form_of(written: pa.Array, forms: Sequence[Form]) -> Form | None:
    """The form that all these texts have."""
    for form in forms:
        matches = pc.match_substring_regex(written, form.pattern)
        if all_true(matches):
            return form
    return None


def _moments_one_by_one(cells: pa.ChunkedArray, reading: Reading, dialect: Dialect) -> Moments:
    found: list[datetime | None] = []
    unreadable: list[bool] = []
    for cell in cells.to_pylist():
        try:
            found.append(reading.moment(dialect, cell))
            unreadable.append(False)
        except ValueError:
            found.append(None)
            unreadable.append(True)
    return Moments(pa.array(found, MOMENT), pa.array(unreadable, pa.bool_()))


def computed(function: Callable[..., Any], columns: Sequence[pa.Array]) -> list[Any]:
    """What a function makes of the texts of each row; it is asked once for the same texts."""
    once = cache(function)
    lists = [column.to_pylist() for column in columns]
    return [once(*row) for row in zip(*lists, strict=True)]


def event_ids(given: pa.Array, parts: Sequence[pa.Array]) -> pa.Array:
    """The ids that the feed gave, and where it gave none `event_identity` of the *parts*."""
    is_missing = pc.equal(given, "")
    if all_true(is_missing):
        return _identities(parts)
    without_id = [part.filter(is_missing) for part in parts]
    return replaced(given, is_missing, _identities(without_id))


def _identities(parts: Sequence[pa.Array]) -> pa.Array:
    pieces: list[Any] = []
    opening = '["'
    for part in parts:
        pieces += [opening, part]
        opening = '", "'
    as_json = pc.binary_join_element_wise(*pieces, '"]', "")
    written = as_json.cast(pa.binary())
    ids = pa.array(written_identities(written.to_pylist()), TEXT)
    escaped = _rows_not_as_they_are(parts)
    odd_parts = [part.filter(escaped) for part in parts]
    corrected = computed(event_identity, odd_parts)
    return replaced(ids, escaped, pa.array(corrected, TEXT))


def _rows_not_as_they_are(parts: Sequence[pa.Array]) -> pa.Array:
    """The rows in which `json.dumps` writes some part otherwise than it is."""
    found = pa.repeat(False, len(parts[0]))
    for part in parts:
        if may_hold(pa.chunked_array([part]), ODD):
            odd = pc.match_substring_regex(part, NOT_AS_IT_IS)
            found = pc.or_(found, odd)
    return found
