"""Charts: a table in, a figure out that the pages can draw, with the numbers in words beside it."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from cxtools import charts, measures
from tests import tables

STORE = tables.store("""
    to  | kind     | at  | code  | url                          | email            | job
    ----+----------+-----+-------+------------------------------+------------------+----
    ann | delivery | +0  |       |                              | ann@gmail.com    | j1
    ann | open     | +60 |       |                              | ann@gmail.com    | j1
    ann | click    | +90 |       | https://x.example/a?utm_id=1 | ann@gmail.com    | j1
    bob | delivery | +5  |       |                              | bob@yahoo.com    | j1
    bob | click    | +95000 |    | https://x.example/unsubscribe | bob@yahoo.com   | j1
    cid | bounce   | +2  | 5.1.1 |                              | cid@gmail.com    | j2
    dot | bounce   | +3  | 4.2.2 |                              | dot@yahoo.com    | j2
    eve | bounce   | +90000 | 5.1.1 |                           | eve@example.org  | j2
""")
tables.store("to | kind | at | code\nann | delivery | +900000 |\nbob | bounce | +900000 | 5.7.1", "later", into=STORE)

#: name -> a table that this chart draws
DRAWN = {
    "funnel": lambda: measures.funnel(STORE, "c"), "funnel of campaigns": lambda: measures.funnel(STORE),
    "funnel by provider": lambda: measures.funnel(STORE, "c", by="provider"), "bounces": lambda: measures.bounces(STORE, "c"),
    "bounces by provider": lambda: measures.bounces(STORE, "c", by="provider"), "bounces by day": lambda: measures.bounces(STORE, "c", by="day"),
    "bounces by hour": lambda: measures.bounces(STORE, "c", by="hour"), "reasons": lambda: measures.reasons(STORE, "c"), "links": lambda: measures.links(STORE, "c"),
    "curve": lambda: measures.curve(STORE, "c"), "timing": lambda: measures.timing(STORE, "c"), "jobs": lambda: measures.jobs(STORE, "c"),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_chart_is_one_the_pages_can_draw(name):
    """Its traces are in the bundle, its colours in the palette (which has a dark twin for each), its caption in words."""
    figure = json.loads(DRAWN[name]().chart().to_json())
    colours = set(re.findall(r"#[0-9a-f]{6}", json.dumps(figure)))

    assert set() == {trace["type"] for trace in figure["data"]} - set(charts.TRACES)
    assert set() == colours - set(charts.INK.values())
    assert figure["layout"]["meta"]["title"].endswith("?")
    assert len(figure["layout"]["meta"]["caption"]) > 40
    assert "NaN" not in json.dumps(figure)


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_table_draws_the_same_figure(name):
    """Nothing random: notebooks are compared output by output."""
    assert DRAWN[name]().chart().to_json() == DRAWN[name]().chart().to_json()


@pytest.mark.parametrize("name", charts.CHARTS)
def test_nothing_to_draw_is_drawn(name):
    """A campaign without events has an empty chart, not an error."""
    assert charts.CHARTS[name](getattr(measures, name)(STORE, "c", as_of="2020-01-01")).layout.meta["title"]


def test_the_funnel_tells_numerator_and_denominator():
    """Each bar has its count and its share of all; the caption the rates that people quote."""
    figure = measures.funnel(STORE, "c").chart()

    assert ("<b>5</b>  100.0%", "<b>2</b>  40.0%", "<b>1</b>  20.0%", "<b>1</b>  20.0%") == figure.data[0].text
    assert "2 were accepted (40.0%, 11.8–76.9); 1 of these 2 clicked (50.0%, 9.5–90.5)" in figure.layout.meta["caption"]


def test_the_figure_carries_its_table():
    """All columns for the CSV; those that a reader wants for the page."""
    meta = measures.bounces(STORE, "c").chart().layout.meta

    assert {"campaign", "category", "kind", "recipients", "bounced", "share_low"} <= set(meta["columns"])
    assert ("category", "kind", "recipients", "share", "rate") == tuple(meta["shown"])
    assert 3 == sum(row["recipients"] for row in meta["rows"])


def test_causes_are_named_with_their_kind():
    """Colour tells nothing alone."""
    labels = [label.text for label in measures.bounces(STORE, "c").chart().layout.annotations]

    assert "invalid recipient · hard" in labels


def test_groups_stand_by_size_and_time_by_time():
    """Providers by size; campaigns in their own order."""
    by_size = measures.funnel(STORE, by="provider", campaigns="c").chart().layout.annotations

    assert ["gmail  (2)", "yahoo  (2)", "other  (1)"] == [label.text for label in by_size]


def test_a_table_in_words():
    """Rates in percent with their interval, durations with a unit, missing as a dash, text escaped."""
    row = {"provider": "<b>x</b>", "attempted": 1234, "click_rate": 0.05, "click_rate_low": 0.04, "click_rate_high": 0.06, "median_s": 5400.0, "open_rate": None}
    text = charts.html(pd.DataFrame([row]))

    assert ["&lt;b&gt;x&lt;/b&gt;", "1,234", "5.0% (4.0–6.0)", "1.5 h", "–"] == re.findall(r"<td[^>]*>(.*?)</td>", text)
    assert 5 == text.count('scope="col"')


def test_data_quality_shows_what_was_found():
    """Findings and unmeasured kinds are rows; checks without a finding are named in one line."""
    text = charts.html(measures.data_quality(STORE, "c"))

    assert "not measured" in text
    assert "Nothing found: repeated rows" in text
    assert not re.search(r'<td class="n">0</td>', text)


def test_a_long_table_is_cut_and_says_so():
    """Twenty rows are read; the rest is in the numbers, not on the page."""
    text = charts.html(pd.DataFrame({"reason": [f"r{number}" for number in range(45)], "recipients": range(45)}))

    assert 20 == text.count("<td>")
    assert "The first 20 of 45 rows." in text
