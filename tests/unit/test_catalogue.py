"""
The catalogue of questions, and what is made from it: the SQL counts what an entry names, and every
face has every question.
"""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
import sqlglot
import typer.main

import cxtools as cx
from cxtools.charts import function_for
from cxtools.cli.program import app
from cxtools.errors import ConfigError, StoreError
from cxtools.events.clauses import COMMENT, names_read
from cxtools.events.messages import sql as messages_sql
from cxtools.measures import sql
from cxtools.measures.answers import add_rates, answer
from cxtools.measures.catalogue import DIMENSIONS, QUESTIONS, named, questions_in
from cxtools.measures.choices import filters, splits
from cxtools.measures.engine import Engine
from cxtools.measures.question import Column, Dimension, Question
from tests.tables import ask, store

#: A part of a statement: its name, and what stands in its brackets.
OWN_PART = re.compile(r"^(\w+) as \((.*?)^\)", re.MULTILINE | re.DOTALL)
FOLDER = Path(sql.__file__).parent
SQL = sorted([*FOLDER.glob("*.sql"), *Path(messages_sql.__file__).parent.glob("*.sql")])
EVERY = pytest.mark.parametrize("question", QUESTIONS.values(), ids=lambda each: each.name)
STORE = store(
    """
    to  | email             | job | kind     | at        | code  | text         | url
    ann | a@gmail.example   | j1  | delivery | 14 10:00  |       |              |
    ann | a@gmail.example   | j1  | open     | 14 11:00  |       |              |
    ann | a@gmail.example   | j1  | click    | 14 11:01  |       |              | https://shop.example/new
    bob | b@outlook.example | j1  | delivery | 14 10:00  |       |              |
    bob | b@outlook.example | j1  | click    | 15 10:00  |       |              | https://shop.example/new
    cat | c@outlook.example | j2  | bounce   | 15 10:01  | 5.1.1 | no such user |
    dan | d@corp.example    | j2  | bounce   | 15 10:02  |       | xyzzy plugh  |
    """,
    "q3-update",
)


def columns_in(head: str) -> set[str]:
    """The names in a head's list of columns; what stands in brackets explains them."""
    text = re.sub(r"\([^()]*\)", "", head)
    return {word for part in re.split(r"[,;:]", text) if re.fullmatch(r"\w+", word := part.strip())}


def head_of(path: Path) -> dict[str, str]:
    """What the head of an SQL file says, by its words; its first line is the question."""
    lines = [line[2:].strip() for line in path.read_text().splitlines() if line.startswith("--")]
    head = {"question": lines[0]}
    word = "question"
    for line in lines[1:]:
        key = re.match(r"(grain|params|reads|columns):", line)
        word = key[1] if key else word
        head[word] = f"{head.get(word, '')} {line.removeprefix(f'{word}:').strip()}"
    return head


@pytest.mark.parametrize("path", SQL, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_no_part_of_a_statement_reads_a_relation_of_its_own_name(path: Path) -> None:
    """It would read a relation that is never defined, since the name is taken for the part."""
    plain = COMMENT.sub("", path.read_text())

    assert [] == [name for name, body in OWN_PART.findall(plain) if name in names_read(body)]


@pytest.mark.parametrize("path", SQL, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_every_sql_file_is_described_and_portable(path: Path) -> None:
    """
    A question, the grain, the parameters, what it reads and its columns at the head; and Spark
    understands it.
    """
    head = head_of(path)

    assert "?" in head["question"]
    assert ["question", "grain", "params", "reads", "columns"] == list(head)
    sql = re.sub(r"\{(\w+)\}", r"\1", path.read_text())
    assert 1 == len(
        sqlglot.transpile(
            sql,
            read="duckdb",
            write="spark",
            unsupported_level=sqlglot.ErrorLevel.RAISE,
        )
    )


@pytest.mark.parametrize("dimension", DIMENSIONS.values(), ids=lambda each: each.name)
def test_every_dimension_is_portable(dimension: Dimension) -> None:
    """What a dimension is made of is SQL that Spark understands, and says what it is."""
    [spark] = sqlglot.transpile(f"select {dimension.expression}", read="duckdb", write="spark")

    assert spark
    assert dimension.meaning


@pytest.mark.parametrize(
    "question",
    [each for each in QUESTIONS.values() if not each.derived],
    ids=lambda each: each.name,
)
def test_the_sql_counts_what_the_entry_names(question: Question) -> None:
    """The columns of an entry, without its rates, are those of the SQL and of its head."""
    path = FOLDER / f"{question.file}.sql"
    rates = {name for rate in question.rates for name in (rate.name, *rate.interval)}
    named_columns = {part.name for part in question.parts} | {part.whole for part in question.parts}
    if not question.parts:
        named_columns = set(question.column_names()) - rates
    measured = {rate.measured for rate in question.rates if rate.measured}
    measured |= {"people"} if question.private else set()
    with Engine(STORE).session("q3-update", by=["day"]) as session:
        counted = set(session.run(path.read_text()).column_names) - {"campaign", "split"}

    assert named_columns | measured <= counted
    if not question.parts:
        assert named_columns | measured == counted
        assert counted == columns_in(head_of(path)["columns"]) - {"campaign", "split"}


@EVERY
def test_an_answer_has_the_columns_of_its_entry(question: Question) -> None:
    """In that order, behind the campaign and what it is split by; and none is without meaning."""
    by = ["day", "provider"] if question.splits else []
    table = ask(question.name, STORE, "q3-update", by=by)

    assert ["campaign", *sorted(by, key=list(DIMENSIONS).index), *question.column_names()] == list(
        table.columns
    )
    assert set(question.shown) <= set(table.columns)
    assert [] == [column.name for column in question.columns if not column.meaning]


@EVERY
def test_every_face_has_every_question(question: Question) -> None:
    """A function, a command, and a figure where the entry names one."""
    command = typer.main.get_group(app).commands[question.name]

    assert question.name in cx.__all__
    assert f"{question.question}\n\n{question.note}".strip() == command.help
    assert question.question.endswith("?")
    assert question.chart == "" or function_for(question.chart).__doc__


def test_a_new_question_is_public_without_another_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What stands in the catalogue can be asked, completed and imported; cxtools itself names nothing
    of it.
    """
    entry = replace(QUESTIONS["funnel"], name="passage", sql="funnel")
    monkeypatch.setitem(QUESTIONS, "passage", entry)
    names: dict[str, Any] = {}
    exec("from cxtools import *", names)  # noqa: S102  # what a notebook may say

    assert "passage" in cx.__all__
    assert "passage" in dir(cx)
    assert (inspect.getdoc(names["passage"]) or "").startswith("How far did the messages get?")
    assert set(cx.__all__) <= set(names)
    monkeypatch.delattr(cx, "passage")


def test_a_folder_that_an_older_edition_left_hides_no_question(tmp_path: Path) -> None:
    """git removes a package's files, and leaves its folder where Python compiled something."""
    (tmp_path / "bounces" / "__pycache__").mkdir(parents=True)
    code = f"import cxtools as cx; cx.__path__.append({str(tmp_path)!r}); print(cx.bounces)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr)


def test_every_entry_of_a_file_is_in_the_catalogue() -> None:
    """An entry is found in its file: there is no list to forget it in."""
    entry = replace(QUESTIONS["funnel"], name="passage")
    file = ModuleType("file")
    file.PASSAGE = entry  # type: ignore[attr-defined]  # as a file has it

    assert {"passage": entry} == questions_in([file])


#: A row of it is a domain, which is a dimension as well.
DOMAINS = Question(
    name="domains",
    question="Which domains bounce?",
    grain="campaign × domain",
    columns=(
        Column("domain", "text", "the address's domain"),
        Column("attempted", "messages", "with a delivery or a bounce"),
        Column("bounced", "messages", "attempted, and the last final word is a bounce"),
        Column("bounce_rate", "share", "bounced / attempted", "bounced", "attempted"),
    ),
)
COUNTS = pd.DataFrame(
    [
        ("c", "gmail", "once.example", 1, 1),
        ("c", "gmail", "often.example", 4, 3),
        ("c", "other", "never.example", 1, 0),
        ("c", "other", "seldom.example", 9, 2),
    ],
    columns=["campaign", "provider", "domain", "attempted", "bounced"],
)


def test_a_column_may_have_the_name_of_a_dimension() -> None:
    """It stands once among the columns; nobody can split by it again, but by others and filter."""
    rows = add_rates(COUNTS, DOMAINS)

    assert ["campaign", "provider", *DOMAINS.column_names()] == list(rows.columns)
    assert ["day"] == splits(DOMAINS, ["day", "domain"])
    assert ["domain"] == splits(QUESTIONS["funnel"], "domain")
    assert {"domain": ["once.example"]} == filters(DOMAINS, {"domain": "once.example"})


@EVERY
def test_shift_tab_shows_everything(question: Question) -> None:
    """What a row is, each column with its unit, what it can be asked with, errors, an example."""
    text = inspect.getdoc(getattr(cx, question.name)) or ""

    assert text.startswith(f"{question.question}\n\nOne row per ")
    assert question.grain in " ".join(text.split())
    for column in question.columns:
        assert re.search(rf"^ +{column.name} +{column.kind} +\S", text, re.MULTILINE)
    assert question.example in text
    assert "Raises:" in text
    assert all(len(line) <= 100 for line in text.splitlines())
    assert question.splits == ("by         a column" in text)
    assert question.filters == ("where      {" in text)


def test_every_example_runs(tmp_path: Path) -> None:
    """The calls that docstrings show, in a home that has their campaign."""
    (tmp_path / "events").symlink_to(STORE.root)
    script = "\n".join(["import cxtools as cx", *(each.example for each in QUESTIONS.values())])
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"CXTOOLS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ("", 0) == (ran.stderr, ran.returncode)


def test_an_unknown_question_is_answered_with_the_known_ones() -> None:
    """A typo lists what there is."""
    with pytest.raises(ConfigError, match=r"no question 'funel'[\s\S]*funnel, .*bounces"):
        named("funel")


# --- where ---


@pytest.mark.parametrize(
    ("where", "attempted"),
    [
        ({"provider": "gmail"}, 1),
        ({"provider": ["gmail", "microsoft"]}, 3),
        ({"provider": "microsoft", "job": "j2"}, 1),
        ({"hour": 10}, 4),
        ({"day": ("2026-09-14",)}, 2),
        ({}, 4),
    ],
)
def test_a_question_can_be_limited_to_some_messages(
    where: dict[str, object], attempted: int
) -> None:
    """One value or several of a column; several columns must all fit."""
    assert [attempted] == ask("funnel", STORE, where=where).attempted.tolist()


#: Question -> its columns that speak of the whole campaign, or are shares of it.
SHARES = ["bounced", "share", "share_low", "share_high"]
OF_THE_WHOLE = {"bounces": SHARES, "reasons": SHARES}


@pytest.mark.parametrize(
    "name", [each.name for each in QUESTIONS.values() if each.splits and not each.derived]
)
def test_a_filter_is_the_row_of_a_split(name: str) -> None:
    """Whoever filters by a value sees what a split shows in that value's rows."""
    split = ask(name, STORE, by="provider")
    alone = ask(name, STORE, by="provider", where={"provider": "microsoft"})
    others = OF_THE_WHOLE.get(name, [])
    expected = split[split.provider == "microsoft"].drop(columns=others)

    assert expected.records() == alone.drop(columns=others).records()


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "an unknown column": (
        "funnel",
        {"where": {"colour": "red"}},
        r"filter by colour[\s\S]*provider",
    ),
    "an unknown value": (
        "funnel",
        {"where": {"provider": ["gmail", "gmial"]}},
        r"no message has the provider gmial[\s\S]*did you mean gmail\? choose from: microsoft, gmail, other",
    ),
    "an unknown split": ("funnel", {"by": "colour"}, r"split by colour[\s\S]*provider, domain"),
    "a slip in a split": ("funnel", {"by": "Provder"}, r"did you mean provider\? choose from:"),
    "a slip in a filter": ("funnel", {"where": {"dya": "1"}}, r"did you mean day\? choose from:"),
    "what can't be split": ("data_quality", {"by": "day"}, "data_quality can't be split"),
    "a comparison split": ("comparison", {"by": "day"}, "comparison can't be split"),
    "what can't be filtered": (
        "data_quality",
        {"where": {"day": "2026-09-14"}},
        "data_quality can't be filtered",
    ),
    "a comparison of all": ("comparison", {"campaigns": None}, "asked of one campaign, not of all"),
    "a comparison of two": (
        "comparison",
        {"campaigns": ["q3-update", "q4"]},
        "asked of one campaign, not of 2",
    ),
    "an unknown campaign": ("funnel", {"campaigns": "q9"}, r"campaign q9[\s\S]*q3-update"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_asked_is_refused_with_what_can(case: str) -> None:
    """The message names the columns, values or campaigns that there are."""
    name, options, words = REFUSED[case]

    with pytest.raises(StoreError, match=words):
        answer(Engine(STORE), name, **{"campaigns": "q3-update", **options})
