"""
What a question is: its words, the rows and columns of its answer, and what it can be asked with.

The functions of a notebook, the commands, the explorer, the tables of a page and the documentation
are all made from this. `catalogue` holds the questions themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cxtools import wording

#: What a value is, and thereby its unit. A share is 0..1, a moment is in UTC.
Kind = Literal[
    "text",
    "messages",
    "events",
    "clicks",
    "share",
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

    `expression` makes it of the columns of `sql/messages.sql`.
    """

    name: str
    expression: str
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
    chart       the figure that draws it, "" for none
    compares    whether the figure can set several campaigns, or the values of a split, side by side
    shown       the columns that a reader wants, in that order; () for all
    caption     what stands above the table
    empty       what is said in place of a table without rows
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
    compares: bool = False
    shown: tuple[str, ...] = ()
    caption: str = ""
    empty: str = "no rows"

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

    def column_names(self) -> list[str]:
        """All columns of the answer after `campaign` and those of `by`, intervals included."""
        names: list[str] = []
        for column in self.columns:
            names += [column.name, *column.interval]
        return names
