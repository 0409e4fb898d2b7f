"""
The cells of the reports' notebooks and of the explorer, one after the other in one process, as a
kernel runs them: what each costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import cxtools as cx
from benchmarks.contestants.answering import Rows, cpu_s, main

#: Questions whose figure a report shows, with what they are split by; the others show their table.
FIGURES = (
    ("funnel", ""),
    ("curve", ""),
    ("timing", ""),
    ("links", ""),
    ("funnel", "provider"),
    ("comparison", ""),
    ("bounces", ""),
    ("bounces", "provider"),
    ("jobs", ""),
)
TABLES = ("suspects", "data_quality", "reasons")
REPORTS = ("engagement", "bounces")


def cells(home: Path, campaign: str) -> Rows:
    """Each cell with its seconds; the first one imports what all of them need."""
    rows: Rows = []
    for name, show in chain(_report(home, campaign), _explorer(home, campaign)):
        cpu_before = cpu_s()
        started_at = time.monotonic()
        show()
        row = {
            "cell": name,
            "cpu_s": cpu_s() - cpu_before,
            "wall_s": time.monotonic() - started_at,
        }
        rows.append(row)
    return rows


def _report(home: Path, campaign: str) -> Iterator[tuple[str, Callable[[], object]]]:
    yield "import", _import
    for about in REPORTS:
        yield f"verdict about {about}", partial(_verdict, home, campaign, about)
    for name, by in FIGURES:
        split = f" by {by}" if by else ""
        yield f"figure of {name}{split}", partial(_figure, name, by, home, campaign)
    for name in TABLES:
        yield f"table of {name}", partial(_table, name, home, campaign)


def _explorer(home: Path, campaign: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """
    A person who chooses a campaign, goes through all questions, and splits each that can be split.
    """
    from cxtools.connection import Connection
    from cxtools.explorer.answers import output_of, prepare_campaigns
    from cxtools.explorer.choice import Choice
    from cxtools.measures.catalogue import QUESTIONS
    from cxtools.settings import load_settings

    engine = Connection(load_settings(home=home)).engine
    yield "explorer: campaign chosen", partial(prepare_campaigns, engine, (campaign,))
    for question in QUESTIONS.values():
        choice = Choice((campaign,), question.name)
        yield f"explorer: {question.name}", partial(output_of, engine, choice)
        if question.splits:
            split = Choice((campaign,), question.name, ("provider",))
            yield f"explorer: {question.name} by provider", partial(output_of, engine, split)


def _import() -> None:
    import plotly.graph_objects  # noqa: F401

    import cxtools.charts
    import cxtools.explorer.answers
    import cxtools.measures.answers
    import cxtools.notebook  # noqa: F401


def _verdict(home: Path, campaign: str, about: str) -> object:
    return cx.verdict(campaign, about=about, home=home)._repr_mimebundle_()


def _figure(name: str, by: str, home: Path, campaign: str) -> object:
    return _ask(name, by, home, campaign).chart().to_plotly_json()


def _table(name: str, home: Path, campaign: str) -> object:
    return _ask(name, "", home, campaign)._repr_html_()


def _ask(name: str, by: str, home: Path, campaign: str) -> Any:
    split = {"by": by} if by else {}
    return getattr(cx, name)(campaign, home=home, **split)


if __name__ == "__main__":
    main({"cells": cells})
