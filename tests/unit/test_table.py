"""
What pandas makes of an answer: as long as its rows are rows of the answer, it is one; after that it
is a DataFrame like any other.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from openpyxl import load_workbook  # type: ignore[import-untyped]

from cxtools.errors import ReportError, UnknownColumn
from cxtools.measures.catalogue import QUESTIONS
from cxtools.measures.question import Question
from cxtools.measures.table import Table
from tests.tables import ask, store

SPLIT = store("""
    to  | email            | kind     | at        | code
    ann | a@gmail.example  | delivery | +1        |
    ann | a@gmail.example  | open     | 16 10:00  |
    bob | b@hotmail.com    | delivery | 15 10:30  |
    cat | c@hotmail.com    | bounce   | 15 11:00  | 5.1.1
    dan | d@corp.example   | delivery | 15 23:59  |
    eve | e@corp.example   | delivery | 16 23:59  |
    fay | f@hotmail.com    | delivery | 16 10:30  |
""")
#: A question of nobody's catalogue.
NONE = Question("none", "Which?", "row", ())
#: Six rows: some share a provider, some a day.
ANSWER = ask("funnel", SPLIT, by=["provider", "day"])

Change = Callable[[Table], pd.DataFrame]

ANSWERS: dict[str, Change] = {
    "head": lambda table: table.head(2),
    "a slice": lambda table: table[1:3],
    "iloc": lambda table: table.iloc[[2, 0]],
    "a boolean filter": lambda table: table[table.attempted > 1],
    "query": lambda table: table.query("provider == 'microsoft'"),
    "sort_values": lambda table: table.sort_values("attempted"),
    "sorted and numbered anew": lambda table: table.sort_values("attempted", ignore_index=True),
    "nlargest": lambda table: table.nlargest(2, "attempted"),
    "copy": lambda table: table.copy(),
    "reset_index": lambda table: table.sort_values("attempted").reset_index(drop=True),
    "pickle": lambda table: pickle.loads(pickle.dumps(table)),  # noqa: S301  # our own
    "a column more": lambda table: table.assign(place=range(len(table))),
    "a column more, in place": lambda table: with_column(table, "place", 1),
    "a column of lists": lambda table: with_column(table, "tags", [["new"]] * len(table)).head(2),
    "without a column that isn't needed": lambda table: table.drop(columns="opened_strict"),
    "all its columns in another order": lambda table: table[list(reversed(table.columns))],
    "no row": lambda table: table[table.attempted > 100],
}
OTHERS: dict[str, Change] = {
    "groupby, sum": lambda table: table.groupby("provider").sum(numeric_only=True),
    "groupby, sum, as columns": lambda table: table.groupby(
        ["campaign", "provider"], as_index=False
    ).sum(numeric_only=True),
    "groupby, first": lambda table: table.groupby("provider").first(),
    "agg": lambda table: table.agg(["sum", "mean"], numeric_only=True),
    "describe": lambda table: table.describe(),
    "set_index": lambda table: table.set_index("provider"),
    "set_index of two": lambda table: table.set_index(["provider", "day"]),
    "rename": lambda table: table.rename(columns={"delivery_rate": "rate"}),
    "rename, in place": lambda table: renamed(table),  # noqa: PLW0108  # defined below
    "pivot_table": lambda table: table.pivot_table("delivery_rate", "provider", "day"),
    "T": lambda table: table.T,
    "melt": lambda table: table.melt("provider", ["attempted", "delivered"]),
    "merge": lambda table: table.merge(table[["provider", "attempted"]], on="provider"),
    "concat": lambda table: pd.concat([table, table]),
    "arithmetic": lambda table: table.select_dtypes("number") * 100,
    "rates as percent": lambda table: table.assign(delivery_rate=table.delivery_rate * 100),
    "rates as percent, in place": lambda table: with_column(table, "open_rate", 40.0),
    "round": lambda table: table.drop(columns=["first_at", "last_at"]).round(1),
    "fillna": lambda table: table.fillna(0),
    "cumsum": lambda table: table.assign(delivered=table.delivered.cumsum()),
    "only some columns": lambda table: table[["provider", "delivery_rate"]],
    "one column twice": lambda table: table[["provider", "attempted", "attempted"]],
}


def with_column(table: Table, name: str, value: Any) -> pd.DataFrame:
    changed = table.copy()
    changed[name] = value
    return changed


def renamed(table: Table) -> pd.DataFrame:
    changed = table.copy()
    changed.columns = changed.columns.str.upper()
    return changed


def html_of(table: pd.DataFrame) -> object:
    """What a notebook shows of a table."""
    return table._repr_html_()  # type: ignore[operator]  # pandas has no type for it


def cells_of(html: object) -> list[str]:
    """The texts of headings, index and cells."""
    return re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", str(html))


def claim(table: pd.DataFrame) -> str:
    question = getattr(table, "question", None)
    return question.name if question else ""


@pytest.mark.parametrize("change", ANSWERS)
def test_rows_of_an_answer_answer_it(change: str) -> None:
    """Rows left out or put into another order, columns added or left out that nobody needs."""
    assert "funnel" == claim(ANSWERS[change](ANSWER))


@pytest.mark.parametrize("change", ANSWERS)
def test_rows_of_an_answer_can_be_drawn(change: str) -> None:
    """They are shown with percent and interval, and have a figure."""
    table = ANSWERS[change](ANSWER)
    assert isinstance(table, Table)

    assert "Delivery rate" in str(table._repr_html_()) or table.empty
    assert table.chart().layout.meta["title"]


@pytest.mark.parametrize("change", OTHERS)
def test_anything_else_is_a_plain_table(change: str) -> None:
    """It claims no question, shows its index and all its columns as pandas does, draws nothing."""
    table = OTHERS[change](ANSWER)
    as_pandas = pd.DataFrame(table)

    assert "" == claim(table)
    assert cells_of(as_pandas.to_html()) == cells_of(html_of(table))
    if isinstance(table, Table):
        assert as_pandas.to_string() == table.text()
        with pytest.raises(ReportError, match="don't answer one of the questions"):
            table.chart()


def test_groups_of_one_row_are_rows_of_the_answer() -> None:
    """What is true stays: a sum over single rows is the answer itself."""
    table = ask("funnel", SPLIT, by="provider")
    sums = table.groupby(["campaign", "provider"], as_index=False).sum(numeric_only=True)

    assert table.delivery_rate.tolist() == sums.delivery_rate.tolist()


@pytest.mark.parametrize("name", [name for name in QUESTIONS if name != "comparison"])
def test_every_question_knows_its_answer(name: str) -> None:
    """An answer claims its question, whole and in part, also when it has no rows."""
    nothing = store("to | kind | at\nann | sent | +1")

    for known in (SPLIT, nothing):
        table = ask(name, known)
        assert [name] * 3 == [claim(table), claim(table.head(1)), claim(table[:0])]


def test_a_column_that_somebody_added_is_shown() -> None:
    """Behind those of the question, which show their own names in a title."""
    shown = str(html_of(ANSWER.assign(list_owner="Ann")))

    assert "<td>Ann</td>" in shown
    assert 'title="delivery_rate">Delivery rate</th>' in shown


def test_how_many_rows_are_shown_is_an_option_of_pandas() -> None:
    """All of up to `display.max_rows`, the first of more, and how to see all."""
    with pd.option_context("display.max_rows", 5):
        cut = str(html_of(pd.concat([ANSWER] * 5, ignore_index=True).pipe(as_answer)))
    with pd.option_context("display.max_rows", None):
        whole = str(html_of(pd.concat([ANSWER] * 15, ignore_index=True).pipe(as_answer)))

    assert (20, 75) == (cut.count("<tr>") - 1, whole.count("<tr>") - 1)
    assert "Showing 20 of 25. To see all: pandas.options.display.max_rows = None" in cut
    assert "Showing" not in whole


def as_answer(table: pd.DataFrame) -> Table:
    return Table(table).answering(QUESTIONS["funnel"])


def test_a_question_without_a_figure_says_so() -> None:
    """What has no picture is shown as a table."""
    with pytest.raises(ReportError, match="there is no chart of data_quality"):
        ask("data_quality", SPLIT).chart()


def test_a_sheet_runs_and_refuses_nothing_that_a_feed_wrote(tmp_path: Path) -> None:
    """Neither a heading nor a cell is a formula; control characters and long numbers have a place."""
    file = tmp_path / "sheet.xlsx"
    hostile = {"=cmd()": ["=1+2"], "text": ["user\x0bunknown"], "key": [-(10**15)], "few": [7]}
    Table(hostile).to_excel(file, index=False)
    [sheet] = load_workbook(file).worksheets
    cells = [[(cell.value, cell.data_type) for cell in row] for row in sheet.rows]

    assert [("'=cmd()", "s"), ("text", "s"), ("key", "s"), ("few", "s")] == cells[0]
    assert [
        ("'=1+2", "s"),
        ("user\ufffdunknown", "s"),
        ("-1000000000000000", "s"),
        (7, "n"),
    ] == cells[1]


@pytest.mark.parametrize("name", ["unknown", "reasons", "links"])
def test_a_terminal_obeys_nothing_that_a_feed_wrote(name: str) -> None:
    """Colours, titles and line breaks of a bounce text or a link reach no terminal."""
    hostile = "\x1b[31mgo\x1b]0;title\x07\rblank\u202e"
    row = dict.fromkeys(QUESTIONS[name].column_names(), 1)
    texts = {column.name: hostile for column in QUESTIONS[name].columns if column.kind == "text"}
    table = Table([{"campaign": "c", **row, **texts, "first_at": None, "last_at": None}])

    for shown in (table.answering(QUESTIONS[name]).text(), table.answering(NONE).text()):
        assert all(line.isprintable() for line in shown.splitlines())
        assert 2 == len(shown.splitlines())


@pytest.mark.parametrize(
    "ask_for",
    [
        lambda table: table.groupby("atempted"),
        lambda table: table.groupby(["provider", "atempted"]),
        lambda table: table.set_index("atempted"),
        lambda table: table.sort_values(by="atempted", kind="stable"),
        lambda table: table.pivot_table(index="provider", values="atempted"),
    ],
    ids=["groupby", "groupby two", "set_index", "sort_values", "pivot_table"],
)
def test_methods_that_name_columns_say_which_there_are(ask_for: Change) -> None:
    """As square brackets do, not pandas' own KeyError."""
    with pytest.raises(UnknownColumn, match="no column atempted\n  -> did you mean attempted"):
        ask_for(ANSWER)


MISTYPED: dict[str, tuple[str | list[str], str]] = {
    "one": (
        "atempted",
        "no column atempted\n  -> did you mean attempted? its columns are: campaign",
    ),
    "one of two": (["provider", "clickd"], "no column clickd\n  -> did you mean clicked? its"),
    "nothing like it": (
        "colour",
        "no column colour\n  -> its columns are: campaign, provider, day",
    ),
}


@pytest.mark.parametrize(("key", "said"), MISTYPED.values(), ids=MISTYPED)
def test_a_mistyped_column_says_which_there_are(key: str | list[str], said: str) -> None:
    """The nearest one first. It is a KeyError still, which pandas and its users wait for."""
    with pytest.raises(KeyError) as refused:
        ANSWER[key]

    assert said in str(refused.value)
    assert "none" == ANSWER.get("atempted", "none")
