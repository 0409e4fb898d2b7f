"""
What a question is: its words, the rows and columns of its answer, and what it can be asked with.

The functions of a notebook, the commands, the explorer, the tables of a page and the documentation
are all made from this. `catalogue` holds the questions themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Literal

from cxtools import wording

#: Columns of a docstring.
WIDTH = 100

#: What a value is, and thereby its unit. A share is 0..1, points are a difference of two shares, a
#: moment is in UTC.
Kind = Literal[
    "text",
    "messages",
    "events",
    "clicks",
    "share",
    "points",
    "score",
    "seconds",
    "hours",
    "number",
    "moment",
]


@dataclass(frozen=True)
class Column:
    """
    One column of an answer.

    A share that names its `part` and its `whole` is their quotient. `measured` is the column of the
    SQL that holds the part only where the feed measures it. Where people were counted, two more
    columns, `_low` and `_high`, hold the share's 95 % Wilson interval (`has_interval`).
    """

    name: str
    kind: Kind
    meaning: str
    part: str = ""
    whole: str = ""
    measured: str = ""
    has_interval: bool = True

    @property
    def label(self) -> str:
        """The column's heading."""
        return wording.label(self.name)

    @property
    def interval(self) -> tuple[str, ...]:
        """The columns of its interval, if it has one."""
        if not self.whole or not self.has_interval:
            return ()
        return (f"{self.name}_low", f"{self.name}_high")


@dataclass(frozen=True)
class Dimension:
    """
    What messages can be split and filtered by.

    `expression` makes it of the columns of `sql/all_messages.sql`; `one` and `many` are what people
    call its values.
    """

    name: str
    expression: str
    one: str
    many: str
    meaning: str


@dataclass(frozen=True)
class Part:
    """A row of an answer that is one count of the SQL, as a part of another."""

    name: str
    whole: str
    meaning: str


@dataclass(frozen=True)
class Question:
    """
    One entry of the catalogue.

    question    as a sentence
    grain       what one row is, beside the columns that it is split by
    columns     of the answer, in order; before them stand `campaign` and those of `by`
    note        what else a reader must know
    example     a call, as in a notebook
    sql         the file in `sql/` that counts; "" when it has the question's name
    parts       when the answer has a row for each of these: the SQL has a column for each
    splits      whether it can be split by dimensions
    filters     whether it can be limited to some messages
    earlier     how many earlier campaigns stand beside the one that is asked about, cut at its age
    chart       the module of `charts` that draws it, and its function where that is not `figure`,
                as in "bounces.reasons"; "" for none
    report      the report that shows it
    shown       the columns that a reader wants, in that order; () for all
    caption     what stands above the table
    empty       what is said in place of a table without rows
    empty_by    the same of one that was split, with {by} for its columns; "" for no other words
    verbatim    whether its texts are shown as they came, never cut
    derived     whether its rows are made of counts that another question's SQL has
    private     whether a row may tell of one person: the SQL has a column `people`, too, and rows
                of fewer than the least group are left out
    """

    name: str
    question: str
    grain: str
    columns: tuple[Column, ...]
    note: str = ""
    example: str = ""
    sql: str = ""
    parts: tuple[Part, ...] = ()
    splits: bool = True
    filters: bool = True
    earlier: int = 0
    chart: str = ""
    report: str = "engagement_report"
    shown: tuple[str, ...] = ()
    caption: str = ""
    empty: str = "Nothing of that kind is known yet."
    empty_by: str = ""
    verbatim: bool = False
    derived: bool = False
    private: bool = False

    @property
    def file(self) -> str:
        """The SQL file that counts."""
        return self.sql or self.name

    @property
    def rates(self) -> tuple[Column, ...]:
        """The shares that are made of two counts."""
        return tuple(column for column in self.columns if column.whole)

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns without which a table doesn't answer the question any more."""
        names = ["campaign", *self.shown]
        for column in self.columns:
            if not self.shown:
                names.append(column.name)
            if column.whole and column.name in (self.shown or names):
                names += [column.part, column.whole, *column.interval]
        return tuple(dict.fromkeys(names))

    def nothing(self, by: Sequence[str] = ()) -> str:
        """What is said in place of a table without rows that was split by these."""
        if by and self.empty_by:
            return self.empty_by.format(by=" and ".join(by))
        return self.empty

    def names_without_rates(self) -> list[str]:
        """The names of the columns that are counted: without the rates and their intervals."""
        rates: list[str] = []
        for rate in self.rates:
            rates += (rate.name, *rate.interval)
        return [name for name in self.column_names() if name not in rates]

    def column_names(self) -> list[str]:
        """All columns of the answer after `campaign` and those of `by`, intervals included."""
        names: list[str] = []
        for column in self.columns:
            names += [column.name, *column.interval]
        return names


#: What every question is asked with; `where` and `by` only where it can be.
CALL = """
Arguments:
    campaigns  names of campaigns; all of them when none is given
{by}{where}    as_of      a moment after which events don't count, as "2026-09-14T10:00:00+02:00"; a
               date, as "2026-09-14", is that whole day in the zone of the settings, and a
               timedelta the same age for each campaign since its start
    home       another folder than CXTOOLS_HOME

Raises:
    StoreError: a campaign, a column or a value is unknown; the message says which there are
    ConfigError: `as_of` is not a moment
"""
BY = (
    "a column to split by, or several: {dimensions}; or a segment: a merge field, tags, a kept "
    "column of an import"
)
BY_HEAD = "    by         "
WHERE = """\
    where      {{"provider": "gmail"}}: only messages with that value, or with one of a list
"""
RATES = """
A rate is a share 0..1, missing where there is nothing to divide by; its 95 % Wilson interval is in
`_low` and `_high`.
"""


def docstring(question: Question, dimensions: Iterable[str]) -> str:
    """
    What Shift-Tab shows: the question, what a row is, the columns with their units, what it can be
    asked with, what is raised, and an example.
    """
    by = _by_lines(dimensions) if question.splits else ""
    where = WHERE.format() if question.filters else ""
    beside = " (and value of each column of `by`)" if question.splits else ""
    parts = [
        f"{question.question}\n\n",
        fill(f"One row per {question.grain}{beside}.", WIDTH) + "\n",
        _column_lines(question.columns),
        RATES if any(column.interval for column in question.columns) else "",
        f"\n{fill(question.note, WIDTH)}\n" if question.note else "",
        CALL.format(by=by, where=where),
        f"\nExample:\n    {question.example}\n",
    ]
    return "".join(parts)


def _by_lines(dimensions: Iterable[str]) -> str:
    text = BY.format(dimensions=", ".join(dimensions))
    lines = fill(text, WIDTH, initial_indent=BY_HEAD, subsequent_indent=" " * len(BY_HEAD))
    return f"{lines}\n"


def _column_lines(columns: Sequence[Column]) -> str:
    """The columns as a table of names, units and meanings."""
    names = max(len(column.name) for column in columns)
    kinds = max(len(column.kind) for column in columns)
    lines = []
    for column in columns:
        head = f"    {column.name:{names}}  {column.kind:{kinds}}  "
        lines.append(
            fill(column.meaning, WIDTH, initial_indent=head, subsequent_indent=" " * len(head))
        )
    return "\n" + "\n".join(lines) + "\n"
