"""The index of a folder: a row a campaign, what it said before, and a thousand of them."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cxtools.pages.earlier import drop_states, keep_state, moment_in, states_of
from cxtools.pages.facts import PageFacts
from cxtools.pages.index import entries, index_page, is_behind, write_index
from cxtools.pages.page import MAX_BYTES
from cxtools.pages.portfolio import Entry, rows_of

PAGE = """<!DOCTYPE html><html><head><script type="application/json" id="about">{facts}</script></head>
<body><!-- reports --><!-- /reports --></body></html>"""
COUNTS = {"attempted": 1000, "delivered": 950, "bounced": 50, "opened": 300, "clicked": 95}


def facts(day: int = 14, word: str = "PASS", **more: Any) -> PageFacts:
    """What a page says that was made on a day of September."""
    moment = f"2026-09-{day:02}T20:00:00+00:00"
    told = {
        "report": "bounce_report",
        "title": "Bounce report",
        "campaign": "q3",
        "headline": "950 of 1,000 messages (95.0%) were delivered.",
        "last_at": moment,
        "made_at": moment,
        "counts": COUNTS,
    }
    return PageFacts(word=word, **{**told, **more})


def put(folder: Path, name: str, said: PageFacts) -> Path:
    file = folder / name
    file.write_text(PAGE.format(facts=said.to_json()))
    return file


def test_what_a_page_said_before_is_kept_where_it_says_something_else(tmp_path: Path) -> None:
    """Under its moment; the same again isn't a state, and a kill in between leaves one copy."""
    page = put(tmp_path, "bounce_report-q3.html", facts(14))
    same = keep_state(page, facts(14, made_at="2026-09-15T20:00:00+00:00"))
    kept = keep_state(page, facts(16, "WARN"))
    again = keep_state(page, facts(16, "WARN"))

    assert same is None
    assert kept == again == tmp_path / "bounce_report-q3.20260914T200000Z.html"
    assert [kept] == states_of(page)
    assert kept.read_text() == page.read_text()
    assert keep_state(tmp_path / "none.html", facts()) is None


@pytest.mark.parametrize(
    ("keep", "keep_for", "left"),
    [
        (10, None, [10, 11, 12, 13]),
        (2, None, [12, 13]),
        (0, None, []),
        (10, timedelta(days=3), [12, 13]),
        (1, timedelta(days=30), [13]),
    ],
)
def test_how_many_states_are_kept(
    tmp_path: Path, keep: int, keep_for: timedelta | None, left: list[int]
) -> None:
    """By number and by age; those of another campaign whose name begins alike stay."""
    page = put(tmp_path, "bounce_report-q3.html", facts(14))
    other = put(tmp_path, "bounce_report-q3.1.20260910T200000Z.html", facts(10))
    for day in (10, 11, 12, 13):
        put(tmp_path, f"bounce_report-q3.202609{day}T200000Z.html", facts(day))
    now = datetime(2026, 9, 14, 21, tzinfo=UTC).timestamp()
    drop_states(page, keep=keep, keep_for=keep_for, now=now)
    days = [moment.day for file in states_of(page) if (moment := moment_in(file.name))]

    assert left == days
    assert page.exists()
    assert other.exists()


def test_a_row_says_what_changed(tmp_path: Path) -> None:
    """One row a campaign: its pages, the word before, rates with their trend, earlier pages."""
    put(tmp_path, "bounce_report-q3.html", facts(16, "WARN"))
    put(tmp_path, "run_campaign-q3.html", facts(16, "WARN", report="run_campaign", title="q3"))
    for day, clicked in ((14, 80), (15, 90)):
        put(
            tmp_path,
            f"run_campaign-q3.202609{day}T200000Z.html",
            facts(day, report="run_campaign", title="q3", counts={**COUNTS, "clicked": clicked}),
        )
    put(tmp_path, "bounce_report-q3-as-of-2026-09-14.html", facts(14))
    put(tmp_path, "bounce_report-q2.html", facts(2, campaign="q2", counts=None))
    (tmp_path / "other.html").write_text("<p>somebody else's</p>")
    q3, q2 = rows_of(entries(tmp_path))

    assert ("q3", "WARN", "was PASS on 15 Sep 2026") == (q3.name, q3.word, q3.change)
    assert ["run_campaign-q3.html", "bounce_report-q3.html"] == [page.file for page in q3.pages]
    assert 3 == len(q3.earlier)
    assert "Bounce report as of 2026-09-14" in [page.label for page in q3.earlier]
    rate = q3.rates[2]
    assert ("10.0%", "8.4% to 10.0%") == (rate.text, rate.course)
    assert ("q2", "", ["–", "–", "–"]) == (q2.name, q2.change, [rate.text for rate in q2.rates])


def test_the_index_follows_its_pages(tmp_path: Path) -> None:
    """A page that is newer shows that the index is behind; an earlier state is no page of now."""
    page = put(tmp_path, "bounce_report-q3.html", facts(14))
    assert is_behind(tmp_path)
    index = write_index(tmp_path)
    assert index
    assert not is_behind(tmp_path)
    later = index.stat().st_mtime_ns + 1_000_000
    os.utime(page, ns=(later, later))
    assert is_behind(tmp_path)


def test_a_thousand_campaigns_fit_into_a_page() -> None:
    """With three reports each, and earlier states of every fourth."""
    pages = []
    for number in range(1000):
        name = f"2026-09-newsletter-{number:04}"
        for report in ("run_campaign", "bounce_report", "engagement_report")[: 1 + number % 3]:
            said = facts(number % 28 + 1, report=report, campaign=name)
            pages.append(Entry(f"{report}-{name}.html", said))
        if number % 4 == 1:
            for day in (1, 2, 3):
                said = facts(day, "WARN", report="run_campaign", campaign=name)
                pages.append(Entry(f"run_campaign-{name}.202609{day:02}T200000Z.html", said))
    body = index_page(pages)

    assert 1000 == body.count("<tr><td")
    assert len(body.encode()) < MAX_BYTES
