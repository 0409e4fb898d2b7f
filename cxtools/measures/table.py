"""
The answer to a question: a DataFrame that knows which question it answers, as long as it does.

pandas hands what a subclass knows on to whatever is made of it, so that a sum over rates would
still claim to be a funnel. Here a table answers its question only while its rows are rows of the
answer and the columns that readers see are there. Anything else is a plain DataFrame with another
name: it keeps its index, shows its numbers as they are, and draws nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from html import escape
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import numpy as np
import pandas as pd
from pandas.util import hash_pandas_object

from cxtools.errors import ReportError, UnknownColumn
from cxtools.measures.catalogue import QUESTIONS
from cxtools.measures.question import Column, Question
from cxtools.sheets import sheet_table
from cxtools.text import printable
from cxtools.wording import did_you_mean

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from cxtools.charts.words import Words


Shown = TypeVar("Shown", str, str | None)


def _with_origin(
    form: str, written: Callable[[str], str] = str
) -> Callable[[Callable[[Table], Shown]], Callable[[Table], Shown]]:
    """What a method shows of a table, and below it, in this form, where its answer comes from."""

    def decorate(show: Callable[[Table], Shown]) -> Callable[[Table], Shown]:
        @wraps(show)
        def show_with_origin(table: Table) -> Shown:
            shown = show(table)
            if shown is None or not table._origin:
                return shown
            return shown + form.format(written(table._origin))

        return show_with_origin

    return decorate


#: Arguments of pandas' methods that name columns.
NAMING = ("by", "keys", "index", "columns", "values")
Method = TypeVar("Method", bound=Callable[..., Any])


def _naming_columns(method: Method) -> Method:
    """A method of pandas that says, when it is given a column that isn't there, which there are."""

    @wraps(method)
    def call(table: Table, *args: Any, **options: Any) -> Any:
        try:
            return method(table, *args, **options)
        except KeyError:
            keys = [*args[:1], *(options[name] for name in NAMING if name in options)]
            missing: list[str] = []
            for key in keys:
                missing += _missing_columns(key, table.columns)
            if not missing:
                raise
            raise _unknown_column(missing, table.columns) from None

    return cast(Method, call)


class Table(pd.DataFrame):
    """
    A DataFrame that knows its question: `.chart()` draws it, `.text()` is for terminals,
    `.records()` is what `--json` prints.

    Rows may be left out or put into another order, columns added or left out that the question
    doesn't need. What comes out of anything else (sums, merges, other names) answers no question.
    """

    # The name and the type that pandas asks for.
    _metadata = ["_question", "_origin", "splits", "limits", "notes"]  # noqa: RUF012
    _question = ""
    _origin = ""
    #: What the answer was split by.
    splits: tuple[str, ...] = ()
    #: What the messages were limited to: a text for each column, as "plan pro or free".
    limits: tuple[str, ...] = ()
    #: What isn't among the rows although it was asked for, and why, in sentences.
    notes: tuple[str, ...] = ()

    @property
    def _constructor(self) -> type[Table]:
        return Table

    def __finalize__(self, other: object, method: str | None = None, **options: Any) -> Self:
        """What pandas calls on everything that it makes of a table."""
        super().__finalize__(other, method=method, **options)  # type: ignore[misc]  # no stub
        if isinstance(other, Table) and self._question and not _are_rows(self, other):
            self._question = ""
        return self

    def answering(
        self,
        question: Question,
        splits: Sequence[str] = (),
        filters: Mapping[str, Sequence[str]] | None = None,
        notes: Sequence[str] = (),
    ) -> Table:
        """The same table, as the answer to this question, split and limited by these."""
        self._question = question.name
        self.splits = tuple(splits)
        self.notes = tuple(notes)
        limits = (filters or {}).items()
        self.limits = tuple(f"{name} {' or '.join(values)}" for name, values in limits)
        return self

    def coming_from(self, origin: str) -> Table:
        """The same table, that says below itself from which store it comes; "" for nothing."""
        self._origin = origin
        return self

    @property
    def question(self) -> Question | None:
        """The question that the rows answer; None when they don't answer one (any more)."""
        question = QUESTIONS.get(self._question)
        if question is None or not _answers(self, question):
            return None
        return question

    def __getitem__(self, key: Any) -> Any:
        """
        What pandas gives.

        Raises:
            UnknownColumn (a KeyError): there is no such column; the message names those there are.
        """
        try:
            return super().__getitem__(key)
        except KeyError:
            missing = _missing_columns(key, self.columns)
            if not missing:
                raise
            raise _unknown_column(missing, self.columns) from None

    groupby = _naming_columns(pd.DataFrame.groupby)
    set_index = _naming_columns(pd.DataFrame.set_index)
    sort_values = _naming_columns(pd.DataFrame.sort_values)
    pivot_table = _naming_columns(pd.DataFrame.pivot_table)

    @_with_origin("<p><small>{}</small></p>", escape)
    def _repr_html_(self) -> str | None:
        if not pd.options.display.notebook_repr_html:
            return None
        return str(_above("cxtools.charts.display").html(self))

    def _repr_mimebundle_(self, **options: object) -> dict[str, Any]:
        """What goes with the table's HTML and text: the rows of a long answer, for a page."""
        bundle: dict[str, Any] = _above("cxtools.charts.display").mime_bundle(self)
        return bundle

    def chart(self, *, benchmarks: bool = False) -> Figure:
        """
        The question's figure (plotly), drawn from these rows; that of a trend, with *benchmarks*,
        beside averages that others publish (`benchmarks.tsv` has their sources and dates).

        Raises:
            ReportError: the question has no figure, or none with benchmarks, or the rows don't
            answer one any more.
        """
        question = self.question
        if question is None:
            raise ReportError(
                "there is no chart of a table whose rows don't answer one of the questions",
                do="draw the answer itself, before it is summed up, merged or renamed",
            )
        if not question.chart:
            drawn = [name for name, each in QUESTIONS.items() if each.chart]
            raise ReportError(
                f"there is no chart of {question.name}",
                do=f"show the table itself; there are charts of {', '.join(drawn)}",
            )
        draw = _above("cxtools.charts").function_for(question.chart)
        if not benchmarks:
            return draw(self)
        if question.name != "trend":
            raise ReportError(
                f"there are no benchmarks in the chart of {question.name}",
                do="leave benchmarks out, or draw cx.trend().chart(benchmarks=True)",
            )
        return draw(self, benchmarks=True)

    def words(self) -> Words:
        """
        The answer in plain sentences, for a reader of no tables.

        Raises:
            ReportError: the question is one that is told by numbers only, or the rows don't answer
            it any more.
        """
        words: Words = _above("cxtools.charts.words").words_of(self)
        return words

    @_with_origin("\n{}")
    def text(self) -> str:
        """
        The columns that a person reads, at most 120 characters wide: counts, and rates in percent.
        Nothing that a feed wrote reaches the terminal as a control character.
        """
        question = self.question
        if question and not question.verbatim:
            return str(_above("cxtools.charts.tables").text(self))
        lines = self.to_string(index=question is None).split("\n")
        return "\n".join(printable(line) for line in lines)

    def to_excel(  # type: ignore[misc]  # final in the stub; there is no other place for it
        self, excel_writer: Any, *args: Any, **options: Any
    ) -> None:
        """
        What pandas writes; moments in UTC without their zone, since Excel knows no zones, and
        nothing that it would run as a formula.
        """
        plain = sheet_table(self)
        for name in plain.columns[[isinstance(t, pd.DatetimeTZDtype) for t in plain.dtypes]]:
            plain[name] = plain[name].dt.tz_convert("UTC").dt.tz_localize(None)
        plain.to_excel(excel_writer, *args, **options)

    def records(self) -> list[dict[str, Any]]:
        """One dict per row, ready for JSON: None for missing, moments as ISO 8601 text."""
        document = self.to_json(orient="records", date_format="iso", double_precision=15)
        rows: list[dict[str, Any]] = json.loads(document)
        return rows


def _missing_columns(key: Any, columns: pd.Index[Any]) -> list[str]:
    """Which names of those that were asked for aren't columns."""
    names = key if isinstance(key, list) else [key]
    return [name for name in names if isinstance(name, str) and name not in columns]


def _unknown_column(missing: list[str], columns: pd.Index[Any]) -> UnknownColumn:
    known = [str(name) for name in columns]
    return UnknownColumn(
        f"the table has no column {', '.join(missing)}",
        do=f"{did_you_mean(missing, known)}its columns are: {', '.join(known)}",
    )


def _above(module: str) -> ModuleType:
    """
    A module of the pictures. They stand above, and import what a table is: so they are asked for by
    name, when somebody wants to look at one.
    """
    return import_module(module)


def _answers(table: Table, question: Question) -> bool:
    """Whether the columns that the question needs are there, and hold what it says."""
    plain_index = table.index.nlevels == 1 and table.index.name is None
    if not plain_index or not set(question.needs) <= set(table.columns):
        return False
    rates = [rate for rate in question.rates if rate.name in table]
    return all(_is_quotient(table, rate) for rate in rates)


def _is_quotient(table: Table, rate: Column) -> bool:
    """Whether a rate is its part of its whole in each row; what isn't measured is missing."""
    if not {rate.part, rate.whole} <= set(table.columns):
        return False
    shares = _numbers(table, rate.name)
    with np.errstate(divide="ignore", invalid="ignore"):
        quotients = _numbers(table, rate.part) / _numbers(table, rate.whole)
    is_right = np.isclose(shares, quotients, rtol=1e-9, atol=0)
    is_missing = np.isnan(shares)
    return bool(np.all(is_right | is_missing))


def _numbers(table: Table, column: str) -> np.ndarray:
    """A column as floats; what is not a number is missing."""
    numbers: pd.Series = pd.to_numeric(table[column], errors="coerce")
    return numbers.to_numpy(dtype=float)


def _are_rows(table: Table, origin: Table) -> bool:
    """Whether each row of a table is a row of its origin: the same values, whatever its label."""
    columns = table.columns
    if not columns.is_unique or len(columns.difference(origin.columns)):
        return False
    rows = _hash_rows(pd.DataFrame(table))
    known = _hash_rows(pd.DataFrame(origin)[columns])
    return bool(rows.isin(known).all())


def _hash_rows(rows: pd.DataFrame) -> pd.Series:
    """One number per row; objects that can't be hashed, such as lists, count as their text."""
    objects = [name for name, kind in rows.dtypes.items() if kind.kind == "O"]
    return hash_pandas_object(rows.astype(dict.fromkeys(objects, str)), index=False)
