"""Charts: a table in, a figure out that the pages can draw, with the numbers in words beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from math import log10
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from cxtools import wording
from cxtools.charts import style
from cxtools.charts import tables as written
from cxtools.events.store import EventStore
from cxtools.measures.catalogue import QUESTIONS
from cxtools.measures.choices import By
from cxtools.measures.engine import Engine
from cxtools.measures.table import Table
from cxtools.pages.figures import by_day
from cxtools.verdicts import evidence
from cxtools.verdicts.verdict import CampaignVerdict
from tests import tables
from tests.tables import ask

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
tables.store(
    "to | kind | at | code\nann | delivery | +900000 |\nbob | bounce | +900000 | 5.7.1",
    "later",
    into=STORE,
)
SLOW = tables.store(
    "to | kind | at\nann | delivery | +0\nann | open | +60\nbob | delivery | +0\nbob | open | +90000\nbob | click | +90000"
)

#: Two campaigns at two mailbox providers, each with opens and clicks.
TWO = tables.store("""
    to  | kind     | at     | email         | url
    ----+----------+--------+---------------+--------------------
    ann | delivery | +0     | ann@gmail.com |
    ann | open     | +60    | ann@gmail.com |
    ann | click    | +9000  | ann@gmail.com | https://x.example/a
    bob | delivery | +0     | bob@yahoo.com |
    bob | open     | +7200  | bob@yahoo.com |
    bob | click    | +90000 | bob@yahoo.com | https://x.example/a
""")
tables.store(
    "to | kind | at | email | url\neve | delivery | +0 | eve@gmail.com |\n"
    "eve | open | +30 | eve@gmail.com |\neve | click | +50 | eve@gmail.com | https://x.example/b",
    "second",
    into=TWO,
)

#: name -> a table that this chart draws
DRAWN: dict[str, Callable[[], Table]] = {
    "funnel": lambda: ask("funnel", STORE, "c"),
    "funnel of campaigns": lambda: ask("funnel", STORE),
    "funnel by provider": lambda: ask("funnel", STORE, "c", by="provider"),
    "bounces": lambda: ask("bounces", STORE, "c"),
    "bounces by provider": lambda: ask("bounces", STORE, "c", by="provider"),
    "bounces by day": lambda: ask("bounces", STORE, "c", by="day"),
    "bounces by hour": lambda: ask("bounces", STORE, "c", by="hour"),
    "bounces of campaigns by provider": lambda: ask("bounces", STORE, by="provider"),
    "funnel of campaigns by provider": lambda: ask("funnel", STORE, by="provider"),
    "curve of campaigns": lambda: ask("curve", TWO),
    "timing of campaigns": lambda: ask("timing", TWO),
    "timing of campaigns by provider": lambda: ask("timing", TWO, by="provider"),
    "links of campaigns": lambda: ask("links", TWO),
    "reasons of campaigns": lambda: ask("reasons", STORE),
    "compare": lambda: ask("compare", STORE),
    "nothing to compare": lambda: ask("compare", STORE, "c"),
    "reasons": lambda: ask("reasons", STORE, "c"),
    "links": lambda: ask("links", STORE, "c"),
    "curve": lambda: ask("curve", SLOW),
    "timing": lambda: ask("timing", STORE, "c"),
    "jobs": lambda: ask("jobs", STORE, "c"),
    "comparison": lambda: ask("comparison", STORE, "later"),
}
#: Every other question that has a chart: a new one is drawn in these tests without a word.
DRAWN |= {
    name: partial(ask, name, STORE, "c")
    for name, question in QUESTIONS.items()
    if question.chart and name not in DRAWN
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_chart_is_one_the_pages_can_draw(name: str) -> None:
    """
    Its traces are in the bundle, its colours in the palette (which has a dark twin for each), its
    caption in words.
    """
    figure = DRAWN[name]().chart().to_plotly_json()
    colours = set(re.findall(r"#[0-9a-f]{6}|rgba[^\"]+", json.dumps(by_day(figure))))

    assert set() == {trace["type"] for trace in figure["data"]} - set(style.TRACES)
    assert set() == colours - {day for day, _ in style.PALETTE.values()}
    assert figure["layout"]["meta"]["title"].endswith("?")
    assert len(figure["layout"]["meta"]["caption"]) > 40
    assert holds_only_json(figure)


def holds_only_json(figure: dict[str, Any]) -> bool:
    """Whether a figure can be written without NaN or infinity, which JSON doesn't know."""
    try:
        json.dumps(figure, allow_nan=False)
    except ValueError:
        return False
    return True


def test_a_hole_in_a_figure_is_seen() -> None:
    """The check of the charts above can fail; plotly's own writer would make null of a NaN."""
    assert not holds_only_json(go.Figure(go.Bar(x=[1.0, float("nan")])).to_plotly_json())


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_table_draws_the_same_figure(name: str) -> None:
    """Nothing random: notebooks are compared output by output."""
    assert DRAWN[name]().chart().to_json() == DRAWN[name]().chart().to_json()


THIN = tables.store("to | kind | at | email\nann | delivery | +0 | ann@gmail.com", "thin")
DEAD = tables.store("to | kind | at | code\nann | bounce | +0 | 5.1.1", "dead")
UNTOLD = tables.store(
    """
    to  | kind   | at | email         | code
    ann | bounce | +0 | ann@gmail.com | 5.1.1
    bob | open   | +0 | bob@yahoo.com |
    """,
    "untold",
)
NO_TIMES = "No open or click can be timed yet: that takes the time of the delivery, too."
NOT_TOLD = (
    "The events tell of no delivery and of no sending, so nobody can say of how many messages the "
    "bounces, opens and clicks are a part."
)
TIMELESS = tables.store("to | kind | code\nann | bounce | 5.1.1", "timeless")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (lambda: ask("bounces", THIN), "No bounces."),
        (lambda: ask("bounces", THIN, by="provider"), "No bounces."),
        (lambda: ask("reasons", THIN), "No bounces."),
        (lambda: ask("links", THIN), "No click is known."),
        (lambda: ask("curve", THIN), NO_TIMES),
        (lambda: ask("timing", THIN), NO_TIMES),
        (
            lambda: ask("funnel", THIN, by="provider"),
            "There is nothing to compare: all mail belongs to one mailbox provider, gmail.",
        ),
        (
            lambda: ask("bounces", DEAD, by="day"),
            "There is nothing to compare: all mail that came back belongs to one day, 2026-09-14.",
        ),
        (lambda: ask("bounces", TIMELESS, by="day"), "No bounce has a known time yet."),
        (
            lambda: ask("comparison", THIN, "thin"),
            "There is nothing to compare with yet: no earlier campaign is known.",
        ),
        (
            lambda: ask("funnel", THIN, as_of="2020-01-01"),
            "No delivery or bounce has been reported yet.",
        ),
        (lambda: ask("jobs", STORE, "c", as_of="2020-01-01"), "No send job is known yet."),
        (
            lambda: ask("curve", STORE, "c"),
            "All who reacted did so within the first hour: images loaded 50.0%, clicked 50.0%.",
        ),
        (lambda: ask("funnel", UNTOLD), NOT_TOLD),
        (lambda: ask("funnel", UNTOLD, by="provider"), NOT_TOLD),
        (lambda: ask("funnel", UNTOLD, by=["provider", "day"]), NOT_TOLD),
        (lambda: ask("jobs", UNTOLD), NOT_TOLD),
    ],
    ids=map(str, range(17)),
)
def test_nothing_to_draw_is_said(table: Callable[[], Table], said: str) -> None:
    """One sentence in place of an empty frame; the figure has no axes."""
    figure = table().chart()

    assert (said, 0, said) == (
        figure.layout.meta["caption"],
        len(figure.data),
        figure.layout.annotations[0].text.replace("<br>", " "),
    )
    assert (False, False) == (figure.layout.xaxis.visible, figure.layout.yaxis.visible)


@pytest.mark.parametrize("table", ["reasons", "suspects"])
def test_a_table_without_rows_is_a_sentence(table: str) -> None:
    """Headings over nothing say nothing."""
    assert written.html(ask(table, THIN)) in ("<p>No bounces.</p>", "<p>No click is known.</p>")


def test_rates_that_nobody_can_have_get_no_panel() -> None:
    """Where nothing was delivered, nobody can open: two panels less."""
    store = tables.store(
        "to | kind | at | email | code\nann | sent | +0 | ann@gmail.com |\nann | bounce | +0 | ann@gmail.com | 5.1.1\nbob | bounce | +0 | bob@yahoo.com | 5.1.1"
    )

    assert ["Delivered"] == [
        axis.title.text[3:-4]
        for axis in (ask("funnel", store, by="provider").chart().layout.xaxis,)
    ]
    assert 1 == len(ask("funnel", store, by="provider").chart().data)
    assert "nobody could open or click" in ask("funnel", store).chart().layout.meta["caption"]


def test_axes_hold_what_they_show() -> None:
    """
    The curve's axis begins at nothing and ends near its highest value; the smallest time lies
    within, also one below a second.
    """
    curve, timing = ask("curve", SLOW).chart(), ask("timing", STORE, "c").chart()
    at_once = ask(
        "timing", tables.store("to | kind | at\nann | delivery | +0\nann | open | +0")
    ).chart()

    assert [0, 1.15] == [round(edge, 3) for edge in curve.layout.yaxis.range]
    assert "Share of the 2 delivered" in curve.layout.meta["caption"]
    for figure in (timing, at_once):
        low, high = figure.layout.xaxis.range
        assert (
            low
            < min(log10(second) for trace in figure.data for second in trace.x)
            <= max(log10(second) for trace in figure.data for second in trace.x)
            < high
        )


def test_images_loaded_are_not_called_opened() -> None:
    """
    The funnel's opened counts clicks as well: two measures on one page have two names, and the
    caption says why.
    """
    for figure in (ask("curve", SLOW).chart(), ask("timing", STORE, "c").chart()):
        assert "mages loaded" in figure.to_json()
        assert (
            "The funnel's opened counts clicks without images as well."
            in figure.layout.meta["caption"]
        )
    assert "unsubscribe and preference links too" in written.html(ask("suspects", STORE, "c"))


def test_the_funnel_tells_numerator_and_denominator() -> None:
    """Each bar has its count and the rate that its card has; the caption the intervals."""
    figure = ask("funnel", STORE, "c").chart()

    assert (
        "<b>5</b>",
        "<b>2</b>  40.0%",
        "<b>1</b>  50.0%",
        "<b>1</b>  50.0%",
    ) == figure.data[0].text
    assert (
        "2 were delivered (40.0%, 11.8–76.9); 1 of these 2 clicked (50.0%, 9.5–90.5)"
        in figure.layout.meta["caption"]
    )


def test_the_figure_carries_its_table() -> None:
    """All columns for the CSV; those that a reader wants for the page."""
    meta = ask("bounces", STORE, "c").chart().layout.meta

    assert {"campaign", "category", "kind", "recipients", "bounced", "share_low"} <= set(
        meta["columns"]
    )
    assert ("category", "kind", "recipients", "share", "rate") == tuple(meta["shown"])
    recipients = meta["columns"].index("recipients")
    assert 3 == sum(row[recipients] for row in meta["rows"])


def test_causes_are_named_with_their_kind() -> None:
    """Colour tells nothing alone."""
    labels = [label.text for label in ask("bounces", STORE, "c").chart().layout.annotations]

    assert "invalid recipient · hard" in labels


def test_groups_stand_by_size_and_time_by_time() -> None:
    """Providers by size; campaigns in their own order."""
    by_size = ask("funnel", STORE, by="provider", campaigns="c").chart().layout.annotations

    assert ["gmail  (2)", "yahoo  (2)", "other  (1)"] == [label.text for label in by_size[:-1]]


def test_a_table_in_words() -> None:
    """
    Rates in percent with their interval, durations with a unit, missing as a dash, text escaped.
    """
    row = {
        "provider": "<b>x</b>",
        "attempted": 1234,
        "click_rate": 0.05,
        "click_rate_low": 0.04,
        "click_rate_high": 0.06,
        "median_s": 5400.0,
        "open_rate": None,
    }
    text = written.html(pd.DataFrame([row]))

    assert [
        "&lt;b&gt;x&lt;/b&gt;",
        "1,234",
        "5.0% (4.0\u2060–\u20606.0)",
        "1.5 h",
        "–",
    ] == re.findall(r"<td[^>]*>(.*?)</td>", text)
    assert 5 == text.count('scope="col"')


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"cause": "mailbox_full", "excess": 4}, "mailbox full"),
        ({"category": "mailbox_full"}, "mailbox full"),
        ({"member": "mailbox_full", "dimension": "cause"}, "mailbox full"),
        ({"member": "a_segment", "dimension": "plan"}, "a_segment"),
        ({"member": "3", "dimension": "weekday"}, "Wed"),
    ],
)
def test_a_cause_is_written_in_words(row: dict[str, Any], words: str) -> None:
    """In whatever column it stands; what others named stays as they wrote it."""
    assert f"<td>{words}</td>" in written.html(pd.DataFrame([row]))


def test_no_bounce_is_no_unknown_cause() -> None:
    """Who didn't bounce is another row than who bounced for a cause that nobody knows."""
    lines = [f"a{number} | delivery | | " for number in range(30)]
    lines += [f"b{number} | bounce | 5.0.0 | weird words nobody knows" for number in range(30)]
    table = ask("funnel", tables.store("\n".join(["to | kind | code | text", *lines])), by="cause")
    names = [note.text for note in table.chart().layout.annotations]

    assert ["no bounce  (30)", "unknown  (30)"] == sorted(names[:2])
    for written_so in (table.text(), re.sub("<[^>]*>", " ", written.html(table))):
        assert ["no bounce", "unknown"] == sorted(re.findall("no bounce|unknown", written_so))
    assert "<td>–</td>" in written.html(pd.DataFrame([{"cause": "", "excess": 4}]))


def test_reasons_by_cause_are_named_by_what_servers_said() -> None:
    """A row of the map is a reason; that it was called by its cause made a diagonal of causes."""
    store = tables.store(
        "to | kind | code | text\nann | bounce | 5.1.1 | user unknown\nbob | bounce | 5.1.1 | user unknown\n"
        "cid | bounce | 5.2.2 | mailbox over quota"
    )
    figure = ask("reasons", store, by="cause").chart()
    names = [note.text for note in figure.layout.annotations]

    assert ["user unknown · hard", "mailbox over quota · soft"] == names[:2]
    assert ["invalid recipient", "mailbox full"] == list(figure.layout.xaxis.ticktext)
    assert "reason by cause" in figure.layout.meta["caption"]


@pytest.mark.parametrize("question", ["bounces", "late_bounces"])
def test_causes_are_not_split_by_themselves(question: str) -> None:
    """Their rows are causes as they are, so the answer and the figure are those without a split."""
    one = ask(question, STORE, by="cause")
    other = ask(question, STORE)

    assert (other.text(), other.notes) == (one.text(), one.notes)
    assert other.chart().to_json() == one.chart().to_json()


@pytest.mark.parametrize("question", ["bounces", "late_bounces"])
def test_causes_are_split_by_what_else_is_asked(question: str) -> None:
    """A cause among other columns takes nothing from these."""
    both = ask(question, STORE, by=["cause", "provider"])

    assert ask(question, STORE, by="provider").text() == both.text()


UNMEASURED = [
    ("to | kind\nann | bounce", ["–", "–"]),  # nobody could open
    ("to | kind\nann | delivery", ["–", "–"]),  # nobody says who opened
    ("to | kind\nann | delivery\nann | open", ["1", "0"]),  # of so few perhaps nobody clicked
]


@pytest.mark.parametrize(("feed", "shown"), UNMEASURED, ids=["bounced", "untold", "told"])
def test_what_is_not_measured_is_no_zero_in_a_terminal(feed: str, shown: list[str]) -> None:
    """Opens and clicks, also where nothing was delivered."""
    _, row = ask("funnel", tables.store(feed)).text().splitlines()

    assert shown == row.split()[2:4]


def test_a_table_fits_into_a_terminal() -> None:
    """
    Counts and rates in percent, no bounds, at most 120 characters a line, whatever the measure and
    its texts.
    """
    long = tables.store(
        "to | kind | at | code | text | url\nann | bounce | +1 | 5.1.1 | "
        + "no such mailbox here " * 30
        + "|\nbob | delivery | +1 | | |\n"
        "bob | click | +9 | | | https://x.example/" + "path/" * 60
    )
    asked = [
        ask(measure, store, "c")
        for store in (STORE, long)
        for measure in (
            "funnel",
            "bounces",
            "reasons",
            "links",
            "curve",
            "timing",
            "jobs",
            "data_quality",
            "suspects",
            "unknown",
        )
    ] + [ask("funnel", STORE, by="provider")]

    assert [] == [
        line
        for table in asked
        for line in table.text().splitlines()
        if len(line) > 120 or "_low" in line
    ]
    assert [
        "Attempted  Delivered  Opened  Clicked  Clicks without open  Delivery rate  Open rate  Click rate",
        "        5          2       1        1                    0          40.0%      50.0%       50.0%",
    ] == ask("funnel", STORE, "c").text().splitlines()
    assert "Reason" == ask("reasons", THIN).text()[:6]


def test_a_confidence_is_no_count() -> None:
    """0.95 is shown as 95%: neither as 1, which would be certainty, nor 0.4 as 0."""
    text = written.html(pd.DataFrame({"reason": ["full", "odd"], "confidence": [0.95, 0.4]}))

    assert ["95%", "40%"] == re.findall(r'<td class="n">(.*?)</td>', text)


def test_data_quality_shows_what_was_found() -> None:
    """Findings and unmeasured kinds are rows; checks without a finding are counted in one line."""
    text = written.html(ask("data_quality", STORE, "c"))

    assert "not measured" in text
    assert re.search("<caption>[0-9]+ other checks found nothing.</caption>", text)
    assert not re.search(r'<td class="n">0</td>', text)


def test_a_long_table_is_cut_and_says_so() -> None:
    """Twenty rows are read; the rest is in the numbers, not on the page."""
    text = written.html(
        pd.DataFrame({"reason": [f"r{number}" for number in range(45)], "recipients": range(45)})
    )

    assert 20 == text.count("<td>")
    assert "Showing 20 of 45." in text


LONG = tables.store(
    "to | kind | at | url | job\n"
    + "".join(
        f"p{n} | delivery | +{n} | | j{n}\np{n} | open | +{n * 3000} | | j{n}\np{n} | click | +{n * 4000} | https://x.example/{n}/{'x' * 1900}.html | j{n}\n"
        for n in range(3000)
    )
)


@pytest.mark.parametrize("measure", ["links", "jobs", "curve", "reasons"])
def test_no_feed_makes_a_chart_too_large(measure: str) -> None:
    """
    3,000 links, jobs or hours: what a page needs of them is bounded, and the caption says what is
    missing.
    """
    figure = ask(measure, LONG, "c").chart()

    assert len(figure.to_json()) < 130_000
    assert ("Showing 20 of 3,000." in figure.layout.meta["caption"]) == (
        measure in ("links", "jobs")
    )


def test_a_map_of_many_domains_is_cut_too() -> None:
    """A heat map has as many columns as a page is wide."""
    store = tables.store(
        "to | kind | at | code | email\n"
        + "".join(f"p{n} | bounce | +{n} | 5.1.1 | p@d{n}.example\n" for n in range(300))
    )
    figure = ask("bounces", store, by="domain").chart()

    assert 20 == len(figure.data[0].x)
    assert "Showing 20 of 300" in figure.layout.meta["caption"]


def texts_of(figure: go.Figure) -> str:
    """Everything that a figure says: labels, names and texts of marks, ticks."""
    return json.dumps([figure.to_plotly_json()["data"], figure.layout.to_plotly_json()])


@pytest.mark.parametrize("question", ["funnel", "bounces", "timing"])
def test_two_splits_are_both_drawn(question: str) -> None:
    """A campaign and a mailbox provider: one down, one across, no part of either left out."""
    store = STORE if question == "bounces" else TWO
    table = ask(question, store, by="provider")
    figure = table.chart()
    drawn = texts_of(go.Figure(figure.data, figure.layout.to_plotly_json() | {"meta": None}))

    assert {"heatmap"} == {trace.type for trace in figure.data} - {"scatter"}
    assert [] == [
        part for column in ("campaign", "provider") for part in table[column] if part not in drawn
    ]


def test_a_map_has_the_number_of_each_pair() -> None:
    """Rows and columns are the splits; a cell holds the rate of its row of the table."""
    table = ask("funnel", TWO, by="provider")
    attempted, *rates = [trace for trace in table.chart().data if trace.type == "scatter"]
    places = [(0, 1), (1, 1), (0, 2)]

    assert dict(zip(places, "111", strict=True)) == texts_at(attempted)
    assert [3 * ["100%"]] * 3 == [list(texts_at(rate).values()) for rate in rates]


def texts_at(trace: go.Scatter) -> dict[tuple[int, int], str]:
    """Column and row of a map -> what stands there."""
    return dict(zip(zip(trace.x, trace.y, strict=True), trace.text, strict=True))


def test_the_colours_of_a_map_lead_to_what_differs() -> None:
    """
    Where less arrived than elsewhere it is orange, and nothing else: what chance explains has no
    colour, a share of few is grey, however bad.
    """
    people = [("gmail.com", number, number % 25 > 0) for number in range(300)]
    people += [("outlook.com", number, number % 2 > 0) for number in range(300)]
    people += [("yahoo.com", number, False) for number in range(30)]
    lines = [
        f"{number}@{domain} | {'delivery' if arrived else 'bounce'} | {14 + day} 10:00"
        for domain, number, arrived in people
        for day in range(2)
    ]
    store = tables.store("\n".join(["to | kind | at", *lines]))
    panels = ask("funnel", store, by=["provider", "weekday"]).chart().data
    [coloured] = [trace for trace in panels if trace.type == "heatmap" and trace.zmin == -1]
    [grey] = [trace for trace in panels if trace.type == "heatmap" and trace.hoverinfo == "skip"]
    names = ["gmail", "microsoft", "yahoo"]

    assert style.INK["orange"] == coloured.colorscale[0][1]
    assert ["microsoft"] == [
        name
        for name, line in zip(names, coloured.z, strict=True)
        if any(cell is not None and cell < 0 for cell in line)
    ]
    assert ["yahoo"] == [
        name
        for name, line in zip(names, grey.z, strict=True)
        if any(cell is not None for cell in line)
    ]


def test_a_single_bounce_of_a_small_part_is_grey() -> None:
    """The strongest colour is for the largest share of enough messages."""
    lines = [f"a{number}@gmail.com | delivery | +0 | " for number in range(200)]
    lines += [f"b{number}@gmail.com | bounce | +0 | 5.1.1" for number in range(40)]
    lines += ["c@yahoo.com | bounce | +0 | 5.1.1"]
    table = ask(
        "bounces", tables.store("\n".join(["to | kind | at | code", *lines])), by="provider"
    )
    coloured, grey, texts = table.chart().data

    assert [[1.0, None]] == [list(line) for line in coloured.z]
    assert [["40 (16.7%)", ""]] == [list(line) for line in coloured.text]
    assert [[None, 0]] == [list(line) for line in grey.z]
    assert ["1"] == list(texts.text)


@pytest.mark.parametrize(
    "question", ["funnel", "bounces", "reasons", "links", "curve", "timing", "jobs"]
)
def test_a_chart_of_several_campaigns_draws_each(question: str) -> None:
    """None is dropped: each stands on an axis or above its mark."""
    store = STORE if question in ("bounces", "reasons") else TWO
    figure = ask(question, store).chart()
    drawn = texts_of(go.Figure(figure.data, figure.layout.to_plotly_json() | {"meta": None}))

    assert [] == [name for name in store.campaigns() if name not in drawn]


@pytest.mark.parametrize("question", ["funnel", "bounces", "timing", "curve"])
def test_more_splits_than_a_picture_has_is_said(question: str) -> None:
    """Three splits (of the curve two, its time is a third) are a sentence, not a wrong picture."""
    by = ["provider"] if question == "curve" else ["provider", "day"]
    store = STORE if question == "bounces" else TWO
    figure = ask(question, store, by=by).chart()

    assert 0 == len(figure.data)
    assert figure.layout.meta["caption"].startswith("Not drawn: the table is split by provider, ")


def test_a_curve_of_parts_ends_where_its_news_end() -> None:
    """How many had reacted by then; a cell after the last reaction stays empty."""
    loaded, clicked = ask("curve", TWO, "c", by="provider").chart().data

    assert [["100.0%", "", "", "", ""], ["0.0%", "100.0%", "", "", ""]] == [
        list(line) for line in loaded.text
    ]
    assert [["0.0%", "100.0%", "", "", ""], ["0.0%", "0.0%", "0.0%", "0.0%", "100.0%"]] == [
        list(line) for line in clicked.text
    ]


def test_the_curves_of_two_campaigns_are_lines_that_can_be_told_apart() -> None:
    """A panel for each reaction; in both a campaign has the same colour and the same dashes."""
    figure = ask("curve", TWO).chart()
    looks = {(trace.name, trace.line.color, trace.line.dash) for trace in figure.data}
    panels = {trace.yaxis for trace in figure.data}

    assert ["c", "second", "c", "second"] == [trace.name for trace in figure.data]
    assert 2 == len(looks) == len({dash for _, _, dash in looks}) == len(panels)
    assert (
        "at the end of c (2 delivered) images loaded 100.0%, clicked 100.0%"
        in (figure.layout.meta["caption"])
    )


CAMPAIGN = tables.store(
    "to | kind | at | code | url\n"
    + "".join(f"b{n} | bounce | +{n} | 5.1.1 |\n" for n in range(17))
    + "".join(f"s{n} | bounce | +{n} | 4.2.2 |\n" for n in range(6))
    + "".join(f"d{n} | delivery | +{n} | |\n" for n in range(400))
    + "".join(f"d{n} | open | +{n + 99} | |\n" for n in range(131))
    + "".join(f"d{n} | click | +{n + 9000} | | https://x.example/a\n" for n in range(29))
)


def test_cards_and_figures_have_the_same_numbers() -> None:
    """One rate has one number on a page: that of the card stands in the figure, with its whole."""
    cards = {card.name: card for card in verdict_on(CAMPAIGN, "run").cards}
    funnel = ask("funnel", CAMPAIGN).chart()
    wholes = [label.rpartition("of ")[2].removesuffix("</span>") for label in stage_labels(funnel)]
    figure = dict(zip(funnel.data[0].y, zip(funnel.data[0].text, wholes, strict=True), strict=True))

    assert {
        "Attempted": ("<b>423</b>", "Attempted"),
        "Delivered": ("<b>400</b>  94.6%", "attempted"),
        "Opened": ("<b>131</b>  32.8%", "delivered"),
        "Clicked": ("<b>29</b>  7.2%", "delivered"),
    } == figure
    assert ("94.6%", "7.2%") == (cards["Delivered"].share, cards["Clicked"].share)
    assert cards["Opened"].share.endswith("–32.8%")
    assert cards["Delivered"].basis.startswith("400 of 423 ")
    assert cards["Clicked"].basis.startswith("29 of 400 ")
    assert cards["Opened"].basis.endswith("to 131 of 400")


def test_the_curve_ends_where_the_card_stands() -> None:
    """All who clicked had done so at the curve's end."""
    [clicked] = [card for card in verdict_on(CAMPAIGN, "run").cards if card.name == "Clicked"]
    curve = ask("curve", CAMPAIGN).chart()

    assert f"clicked {clicked.share}" in curve.layout.meta["caption"]


def test_causes_have_the_numbers_of_the_verdict() -> None:
    """The share of the most frequent cause is that of the first bar, of the same bounces."""
    sentences = " ".join(verdict_on(CAMPAIGN, "bounces").sentences)
    figure = ask("bounces", CAMPAIGN).chart()

    assert "invalid recipient: 17 messages (73.9%)" in sentences
    assert "<b>17</b>  73.9%" == figure.data[0].text[0]
    assert "percentages are of all 23 bounces" in figure.layout.meta["caption"]


def test_a_split_has_the_rates_of_the_cards() -> None:
    """A campaign beside another has the numbers that it has on its own cards."""
    table = ask("funnel", STORE)
    row = table[table.campaign == "c"].iloc[0]
    figure = table.chart()
    cards = {card.name: card.share for card in verdict_on(STORE, "run").cards}

    assert ["Delivered", "Opened", "Clicked"] == [
        axis.title.text[3:-4]
        for axis in (figure.layout.xaxis, figure.layout.xaxis2, figure.layout.xaxis3)
    ]
    assert [row.delivery_rate, row.open_rate, row.click_rate] == [
        trace.x[0] for trace in figure.data
    ]
    assert (cards["Delivered"], cards["Clicked"]) == (
        wording.percent(row.delivery_rate),
        wording.percent(row.click_rate),
    )
    assert (
        "delivered of attempted, opened of delivered, clicked of delivered"
        in figure.layout.meta["caption"]
    )


def verdict_on(store: EventStore, about: str) -> CampaignVerdict:
    """The verdict on the campaign "c" of a store."""
    return evidence.verdict_on(Engine(store), "c", about=about)


def stage_labels(figure: go.Figure) -> list[str]:
    """The labels of a funnel's stages, from the top down."""
    return list(figure.layout.yaxis.ticktext)


#: 100 people at each of two providers and 2 at a third; a tenth of gmail's mail bounces, half of
#: the small one's.
LARGE = tables.store(
    "to | kind | at | email | code | url\n"
    + "".join(
        f"p{n} | {'bounce' if n % 10 == 0 else 'delivery'} | +0 | p{n}@gmail.com | 5.1.1 |\n"
        f"q{n} | delivery | +1 | q{n}@yahoo.com | |\n"
        f"q{n} | open | +{60 + n} | q{n}@yahoo.com | |\n"
        for n in range(100)
    )
    + "x1 | bounce | +0 | x1@icloud.com | 4.2.2 |\nx2 | delivery | +0 | x2@icloud.com | |\n"
    + "q1 | click | +90000 | q1@yahoo.com | | https://x.example/a"
)
AMONG = ", among those with 100 messages or more"


@pytest.mark.parametrize(
    ("question", "by", "said"),
    [
        ("funnel", None, "94.6% of the mail was delivered, 0.5% of that was clicked"),
        ("funnel", "provider", f"Delivered: from 90.0% (gmail) to 100.0% (yahoo){AMONG}"),
        ("funnel", ["provider", "day"], ""),
        ("bounces", None, "Invalid recipient is the most frequent cause: 10 of 11 bounces"),
        ("bounces", "provider", ""),
        ("links", None, "Most followed: x.example/a, by 1 person"),
        ("timing", None, "Half of those who loaded the images did so within 1.8 min"),
        ("curve", None, ""),
        ("jobs", None, "1 send job, which delivered half of its mail within 1 s"),
        ("comparison", None, ""),
    ],
)
def test_a_figure_answers_its_question(question: str, by: By, said: str) -> None:
    """
    In a sentence of numbers that its table holds; parts that are small are not named as the best or
    the worst, and where no sentence is true enough the question stays.
    """
    options = {"by": by} if by else {}
    figure = ask(question, LARGE, "c", **options).chart()

    assert said == figure.layout.meta["answer"]


def test_a_campaign_is_placed_among_the_earlier_ones() -> None:
    """By what was delivered and clicked; what isn't measured has no place."""
    table = ask("comparison", STORE, "later")

    assert "later: 50.0% delivered (2nd of 2)" == table.chart().layout.meta["answer"]
