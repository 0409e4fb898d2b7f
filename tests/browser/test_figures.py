"""Figures as a notebook shows them, in a real browser: no text over another, none cut off."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import plotly.io
import pytest

from cxtools.charts import style
from cxtools.events.store import EventStore
from cxtools.measures.table import Table
from cxtools.pages.page import BUNDLE
from tests import tables
from tests.browser.texts import FAULTS
from tests.tables import ask
from tests.unit.test_charts import DRAWN, STORE

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

#: Draws a figure, and finds its faults.
DRAWN_FAULTS = f"""async ([figure, width]) => {{
  const plot = document.getElementById('plot')
  await Plotly.newPlot(plot, figure.data, {{...figure.layout, width}}, {{displayModeBar: false}})
  return ({FAULTS})(plot)
}}"""

LONG_NAME = "campaign-with-a-name-that-goes-on-and-on-and-on"
EVENTS = "to | kind | at | code | url | email\n" + "".join(
    f"p{n} | delivery | {14 + n % 7} 10:0{n % 9} | | | p{n}@part-{n % 9}-of-a-company.example\n"
    f"p{n} | click | {15 + n % 7} 20:0{n % 9} | | https://x.example/{'long/' * 20}{n % 4} | "
    f"p{n}@part-{n % 9}-of-a-company.example\n"
    f"q{n} | bounce | {14 + n % 7} 11:0{n % 9} | {4 + n % 2}.{n % 3}.{n % 4} | | "
    f"q{n}@part-{n % 9}-of-a-company.example\n"
    for n in range(30)
)


@cache
def campaigns(number: int, name: str) -> EventStore:
    """Campaigns whose mail goes to several domains on several days, and in part comes back."""
    store = tables.store(EVENTS, f"0-{name}")
    for campaign in range(1, number):
        tables.store(EVENTS, f"{campaign}-{name}", store)
    return store


def ask_two(question: str, **options: Any) -> Table:
    return ask(question, campaigns(2, LONG_NAME), **options)


def ask_nine(question: str, **options: Any) -> Table:
    return ask(question, campaigns(9, "campaign-with-a-name"), **options)


SHAPES: dict[str, Callable[[], Table]] = {
    **DRAWN,
    "two campaigns": lambda: ask_two("funnel"),
    "two campaigns by domain": lambda: ask_two("funnel", by="domain"),
    "times of two": lambda: ask_two("timing"),
    "links of two": lambda: ask_two("links"),
    "nine campaigns": lambda: ask_nine("funnel"),
    "causes of nine": lambda: ask_nine("bounces"),
    "bounces of nine by domain": lambda: ask_nine("bounces", by="domain"),
    "days": lambda: ask_two("bounces", campaigns=f"0-{LONG_NAME}", by="day"),
    "one row": lambda: ask("links", STORE, "c").head(1),
    "trend of nine": lambda: ask("trend", campaigns(9, "campaign-with-a-name")),
}


@pytest.fixture(scope="module")
def page(chromium: str) -> Iterator[Page]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_content("<body><div id='plot'></div>")
        page.add_script_tag(content=zlib.decompress(BUNDLE.read_bytes()).decode())
        yield page
        browser.close()


def document(table: Table) -> dict[str, Any]:
    figure: dict[str, Any] = json.loads(table.chart().to_json())
    return figure


#: How wide a figure is in JupyterLab in the narrowest window, of 480 px, and in one of 1,600 px.
WIDTHS = [320, 1500]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_text_of_a_figure_stands_on_another(page: Page, width: int) -> None:
    """Titles, captions, names of panels, columns and rows, legends and numbers have own places."""
    faults = {
        name: page.evaluate(DRAWN_FAULTS, [document(table()), width])
        for name, table in SHAPES.items()
    }

    assert {} == {name: found for name, found in faults.items() if found}


def test_an_overlap_is_seen(page: Page) -> None:
    """The test above can fail."""
    figure = document(DRAWN["funnel by provider"]())
    figure["layout"]["margin"]["t"] = 56

    assert page.evaluate(DRAWN_FAULTS, [figure, 364])


def test_a_figure_follows_the_notebooks_own_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one it has no paper and an ink for any; with one, that says both."""
    plain = DRAWN["funnel"]().chart()
    monkeypatch.setattr(plotly.io.templates, "default", "plotly_dark")
    dark = DRAWN["funnel"]().chart()

    assert (style.INK["paper"], style.INK["ink"]) == (
        plain.layout.paper_bgcolor,
        plain.layout.font.color,
    )
    assert (None, None) == (dark.layout.paper_bgcolor, dark.layout.font.color)
    assert "rgb(17,17,17)" == dark.layout.template.layout.paper_bgcolor


def test_a_figure_has_a_still_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where plotly doesn't run, a notebook shows title, caption and numbers; no script, no weight."""
    monkeypatch.setattr(plotly.io.renderers, "default", "plotly_mimetype+notebook")
    tables = {name: table() for name, table in SHAPES.items()}

    for name, table in tables.items():
        bundle = table.chart()._repr_mimebundle_()
        still = bundle["text/html"]
        assert "application/vnd.plotly.v1+json" in bundle, name
        assert bundle["application/vnd.plotly.v1+json"]["layout"]["meta"]["title"] in still
        assert ("<table" in still) == bool(len(table))
        assert "<script" not in still
        assert len(still) < 20_000, name
