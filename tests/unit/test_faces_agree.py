"""
Every question of the catalogue has the same numbers in Python, in a notebook's call, on the command
line and in the explorer, split and filtered; and a page's facts are those of the funnel.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterable
from datetime import datetime
from random import Random
from typing import Any

import nbformat
import pytest
from plotly.utils import PlotlyJSONEncoder
from typer.testing import CliRunner

import cxtools as cx
from cxtools.cli.program import app
from cxtools.connection import Connection
from cxtools.explorer.answers import FIGURE
from cxtools.explorer.answers import answer as explored
from cxtools.explorer.choice import Choice
from cxtools.measures.answers import answer
from cxtools.measures.catalogue import QUESTIONS
from cxtools.measures.question import Question
from cxtools.pages.facts import facts_of
from cxtools.pages.page import render_page
from cxtools.settings import load_settings
from tests.oracle.answers import Oracle
from tests.oracle.events import random_events, with_arms
from tests.tables import RECEIVED

CAMPAIGNS = ("first", "second")
#: What a page shows as figures.
DRAWN = [question for question in QUESTIONS.values() if question.chart]
#: The seeds of the events: of each campaign other ones, and odd in every way that events are.
SEEDS = {"first": 5, "second": 6}
EVENTS = 120
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T")
BY = "arm"
WHERE = {"domain_kind": ["company", "consumer"], "arm": ["A", "B"]}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Connection:
    """Two campaigns of random events, with an arm in each row."""
    home = tmp_path_factory.mktemp("home")
    client = Connection(load_settings(environ={}, home=home), quiet=True)
    for name in CAMPAIGNS:
        happened = with_arms(random_events(Random(SEEDS[name]), EVENTS))
        client.store.add(name, happened, source="test", received_at=RECEIVED)
    client.store.keep_columns(CAMPAIGNS, ["arm"])
    return client


def campaigns_of(question: Question) -> tuple[str, ...]:
    """One campaign for a question that stands beside earlier ones, else both."""
    return CAMPAIGNS[-1:] if question.earlier else CAMPAIGNS


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=lambda each: each.name)
def test_every_face_has_the_same_numbers(client: Connection, question: Question) -> None:
    """Row by row, cell by cell; what a question can't be split or filtered by is left out."""
    campaigns = campaigns_of(question)
    asked: dict[str, Any] = {}
    words = [question.name, *campaigns]
    if question.splits:
        asked["by"] = [BY]
        words += ["--by", BY]
    if question.filters:
        asked["where"] = WHERE
        words += [f"--where={name}={value}" for name in WHERE for value in WHERE[name]]
    home = client.settings.home
    table = answer(client.engine, question.name, campaigns, **asked)
    called = getattr(cx, question.name)(*campaigns, home=home, **asked)
    text = ",".join(f"{name}={value}" for name in WHERE for value in WHERE[name])
    chosen = explored(client.engine, Choice(campaigns, question.name, (BY,), text))
    printed = CliRunner(env={"CXTOOLS_HOME": str(home)}).invoke(app, [*words, "--json"])

    assert 0 == printed.exit_code, printed.stderr
    assert table.records() == called.records() == chosen.records() == json.loads(printed.stdout)
    assert table.notes == called.notes == chosen.notes


def test_the_numbers_are_those_of_the_raw_events(client: Connection) -> None:
    """By the slow and readable definition of the funnel."""
    [[truth]] = Oracle(client.store).answers(["funnel"], bys=[[BY]], where=WHERE)
    table = answer(client.engine, "funnel", by=BY, where=WHERE)

    assert truth["attempted"].tolist() == table["attempted"].tolist()
    assert sum(table["attempted"]) > 20


@pytest.mark.parametrize("question", DRAWN, ids=lambda each: each.name)
def test_a_page_has_the_rows_of_its_figures(client: Connection, question: Question) -> None:
    """All columns of an answer, which the page's script shows, sorts and saves as CSV."""
    asked = {"by": BY} if question.splits else {}
    table = answer(client.engine, question.name, campaigns_of(question), **asked)
    figure = table.chart().to_plotly_json()
    output = nbformat.v4.new_output("display_data", {FIGURE: json.loads(dumped(figure))})
    cell = nbformat.v4.new_code_cell("chart", outputs=[output], execution_count=1)
    page = render_page(nbformat.v4.new_notebook(cells=[cell]), name="figures")
    [numbers] = numbers_in(page)

    assert numbers["total"] == len(table)
    assert plain_rows(numbers["rows"]) == plain_rows(row.values() for row in table.records())


def dumped(figure: dict[str, Any]) -> str:
    """A figure as the kernel writes it into the notebook."""
    return json.dumps(figure, cls=PlotlyJSONEncoder)


def numbers_in(page: str) -> list[dict[str, Any]]:
    """What a page's script unpacks."""
    [text] = re.findall(r'<script id="numbers"[^>]*>(.+?)</script>', page)
    unpacked = zlib.decompress(base64.b64decode(text))
    document: list[dict[str, Any]] = json.loads(unpacked)
    return document


def plain_rows(rows: Iterable[Iterable[Any]]) -> list[list[Any]]:
    """Values as they are meant: moments are written in two ways, and shares to fifteen places."""
    return [[plain_value(value) for value in row] for row in rows]


def plain_value(value: Any) -> Any:
    """One of them."""
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-12)
    if isinstance(value, str) and MOMENT.match(value):
        return datetime.fromisoformat(value)
    return value


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_a_page_has_the_counts_of_the_funnel(client: Connection, campaign: str) -> None:
    """An index reads them of its verdict."""
    bundle = client.verdict(campaign)._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", bundle)
    cell = nbformat.v4.new_code_cell("client.verdict()", outputs=[output])
    facts = facts_of(
        nbformat.v4.new_notebook(cells=[cell]), report="r", title="t", campaign=campaign
    )
    [row] = answer(client.engine, "funnel", campaign).records()

    assert facts.counts
    assert {name: row[name] for name in facts.counts} == dict(facts.counts)
