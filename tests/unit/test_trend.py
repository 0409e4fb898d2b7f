"""Trends: the totals of a store in, charts and alerts out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import exp
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest

from cxtools.errors import ReportError
from cxtools.events.store import EventStore
from cxtools.measures.alert import METRICS, Alert
from cxtools.measures.answers import answer, history_by
from cxtools.measures.drift import drift_rows
from cxtools.measures.engine import Engine
from cxtools.measures.history import (
    EVERYTHING,
    Counted,
    Group,
    History,
    Period,
    history_of,
    whole_of,
)
from cxtools.measures.series import series
from cxtools.measures.sql import tsv_rows
from cxtools.measures.trend import alerts
from cxtools.measures.trend_notes import alert_notes, trend_notes
from cxtools.measures.trend_rows import trend
from cxtools.model import Event
from cxtools.verdicts.changes import RATES
from tests.tables import RECEIVED, ask, store

START = datetime(2026, 6, 1, 9, tzinfo=UTC)
CAMPAIGNS = 12
#: So many are mailed at each provider, and so many of them open and click.
PEOPLE = {"gmail.com": 160, "outlook.com": 120}
CLICKS = 0.25


def happened(week: int, trouble: str) -> Iterator[Event]:
    """A campaign of 280; the last one has the trouble."""
    sent = START + timedelta(weeks=week)
    is_last = week == CAMPAIGNS - 1
    for domain, people in PEOPLE.items():
        for number in range(people):
            who = f"{number}@{domain}"
            blocked = is_last and trouble == "block" and domain == "outlook.com" and number % 2
            if blocked:
                yield event(who, "bounce", sent)
                continue
            yield event(who, "delivery", sent)
            tracked = not (is_last and trouble == "tracking")
            if tracked and number % 100 < 100 * CLICKS + week % 3:
                yield event(who, "open", sent + timedelta(hours=1))
                yield event(who, "click", sent + timedelta(hours=1))


def event(who: str, kind: str, at: datetime) -> Event:
    return Event(
        f"{who}-{kind}-{at:%j}",
        kind,
        kind,
        message_id=f"{who}-{at:%Y%j}",
        email=who,
        ts=at,
        bounce_code="550 5.7.1" * (kind == "bounce"),
        bounce_text="blocked using Spamhaus" * (kind == "bounce"),
        link_url="https://shop.example/new" * (kind == "click"),
    )


def stored(folder: Path, trouble: str = "", campaign: str = "") -> EventStore:
    """Twelve weekly campaigns, or twelve weeks of one."""
    target = EventStore(folder)
    for week in range(CAMPAIGNS):
        name = campaign or f"week-{week:02}"
        target.add(name, list(happened(week, trouble)), source="test", received_at=RECEIVED)
    return target


@pytest.fixture(scope="module")
def blocked(tmp_path_factory: pytest.TempPathFactory) -> EventStore:
    """A store whose last campaign was refused by half of Microsoft."""
    return stored(tmp_path_factory.mktemp("blocked"), "block")


def test_a_block_is_laid_at_the_providers_door(blocked: EventStore) -> None:
    """Since when, how far, how many, where and why; nothing else is blamed."""
    table = ask("alerts", blocked)
    rows = {row["metric"]: row for row in table.to_dict("records")}

    assert {"delivery_rate", "block_rate"} == set(rows)
    assert {"week-11"} == {row["since"] for row in rows.values()}
    assert (60, 280) == (rows["block_rate"]["part"], rows["block_rate"]["whole"])
    assert "provider microsoft (100%)" == rows["block_rate"]["explained_by"]
    assert rows["block_rate"]["finding"] == (
        "Block rate: 21.4% instead of <0.1% since week-11 (17 Aug 2026 09:00 UTC); about 60 "
        "messages more than usual, provider microsoft (100%), mostly for reputation block."
    )


def test_an_alert_is_said_in_words(blocked: EventStore) -> None:
    """How many, how many last, and each in a sentence."""
    words = ask("alerts", blocked).words()

    assert "2 alerts, 2 still going on." == words.headline
    assert any(sentence.startswith("Block rate: 21.4%") for sentence in words.sentences)


def test_what_explains_an_alert_is_a_table(blocked: EventStore) -> None:
    """The provider and the cause, each with how much of it."""
    table = ask("contributions", blocked)
    rows = table[table.metric == "block_rate"]

    assert [("provider", "microsoft", 60, 120), ("cause", "reputation_block", 60, 280)] == [
        (row.dimension, row.member, row.part, row.whole) for row in rows.itertuples()
    ]
    assert [1.0, 1.0] == rows.explained_share.tolist()


def test_the_chart_marks_the_alert_and_the_baseline(blocked: EventStore) -> None:
    """What is as usual is the baseline, up to twenty; a panel for each rate."""
    table = ask("trend", blocked)
    own = table[table.metric == "block_rate"]
    figure = table.chart()

    assert ["baseline"] * 11 + ["alert"] == own.standing.tolist()
    assert own.usual.nunique() == 1
    assert 4 == sum(trace["mode"] == "markers" for trace in figure.data)
    assert "diamond" in {
        symbol for trace in figure.data for symbol in trace["marker"]["symbol"] or ()
    }


def test_benchmarks_are_drawn_for_those_who_ask(blocked: EventStore) -> None:
    """Off by default; each with its source and date, and what it counts below the figure."""
    table = ask("trend", blocked)
    plain = table.chart().to_dict()
    dotted = table.chart(benchmarks=True).to_dict()
    lines = [trace for trace in dotted["data"] if trace["mode"] == "lines+text"]
    labels = ["".join(trace["text"]) for trace in lines]

    assert "Mailchimp" not in str(plain)
    assert {"Mailchimp, Oct 2019: 2.9%", "MailerLite, Feb 2023: 3.4%"} <= set(labels)
    assert "MailerLite Feb 2023: who clicked, of the delivered" in str(dotted).replace("<br>", " ")
    with pytest.raises(ReportError, match="no benchmarks in the chart of funnel"):
        ask("funnel", blocked).chart(benchmarks=True)


def test_every_benchmark_names_its_source() -> None:
    """A share of a rate that is charted, a date, a definition and the page that has it."""
    rows = tsv_rows("benchmarks")

    for metric, share, source, published, definition, address in rows:
        assert metric in METRICS.values()
        assert 0 < float(share) < 1
        assert source
        assert definition
        assert re.fullmatch(r"[A-Z][a-z]{2} 20\d\d", published)
        assert address.startswith("https://")


def test_a_trend_can_be_charted_apart(blocked: EventStore) -> None:
    """By provider each has its own chart, and the alert stands in its provider's."""
    table = ask("trend", blocked, by="provider")
    own = table[(table.metric == "block_rate") & (table.standing == "alert")]

    assert ["microsoft"] == own.provider.tolist()
    assert ["microsoft"] * 2 == ask("alerts", blocked, by="provider").provider.tolist()


def test_what_is_charted_apart_has_its_own_numbers(blocked: EventStore) -> None:
    """Half of Microsoft's 120 were refused, not a fifth of all 280; and what explains it is of these."""
    rows = {row["metric"]: row for row in ask("alerts", blocked, by="provider").to_dict("records")}
    reasons = ask("contributions", blocked, by="provider")
    drift = ask("drift", blocked, by="provider")

    assert {"delivery_rate": (60, 120, 0.5), "block_rate": (60, 120, 0.5)} == {
        metric: (row["part"], row["whole"], row["share"]) for metric, row in rows.items()
    }
    assert rows["block_rate"]["finding"] == (
        "Block rate of provider microsoft: 50.0% instead of <0.1% since week-11 (17 Aug 2026 09:00 "
        "UTC); about 60 messages more than usual, mostly for reputation block."
    )
    assert [("microsoft", "cause", "reputation_block", 60, 120)] * 2 == [
        (row.provider, row.dimension, row.member, row.part, row.whole)
        for row in reasons.itertuples()
    ]
    assert [("microsoft", "reputation_block", 60, 480)] == [
        (row.provider, row.category, row.part, row.whole) for row in drift.itertuples()
    ]


def test_a_group_is_judged_as_if_there_were_no_other(tmp_path: Path) -> None:
    """By provider, or asked about that provider alone: the same alerts and points."""
    target = stored(tmp_path, "tracking")
    late = [event("late@gmail.com", "delivery", START + timedelta(weeks=CAMPAIGNS))]
    late += [event("late@outlook.com", "delivery", START + timedelta(weeks=CAMPAIGNS))]
    target.add("late", late, source="test", received_at=RECEIVED)
    for question, column in [("alerts", "until"), ("trend", "standing")]:
        names = ["campaign", "metric", "part", "whole", "usual", "distance", column]
        apart = ask(question, target, by="provider")
        for provider in ("gmail", "microsoft"):
            alone = ask(question, target, where={"provider": provider})
            own = apart[apart.provider == provider]

            assert len(own)
            assert alone[names].to_csv(index=False) == own[names].to_csv(index=False)


def test_receipts_are_no_alert_where_a_column_tells_them_apart(tmp_path: Path) -> None:
    """Their stream never told of clicks: nothing is lost there, and newsletters are as usual."""
    target = stored(tmp_path)
    for week in (9, 10):
        sent = START + timedelta(weeks=week, days=1)
        people = [event(f"{number}@corp.example", "delivery", sent) for number in range(150)]
        target.add(f"receipt-{week}", people, source="test", received_at=RECEIVED)
    apart = ask("trend", target, by="provider")
    receipts = apart[apart.campaign.str.startswith("receipt")]

    assert ["receipt-9", "receipt-10"] == ask("alerts", target).since.tolist()
    assert 0 == len(ask("alerts", target, by="provider"))
    assert {"delivery_rate", "hard_bounce_rate", "block_rate"} == set(receipts.metric)
    assert (
        "Left out, where opens and clicks are asked for, younger than three days: week-11 (gmail), "
        "week-11 (microsoft).",
        "What is usual isn't known yet where fewer than 8 campaigns of 100 messages are: other.",
    ) == apart.notes


def test_small_groups_are_folded_in_a_trend_too(tmp_path: Path) -> None:
    """What is asked by a domain of one person shows nobody by himself."""
    target = EventStore(tmp_path)
    happened = [event("only@one.example", "delivery", START)]
    happened += [event(f"{number}@two.example", "delivery", START) for number in range(9)]
    target.add("c", happened, source="test", received_at=RECEIVED)
    table = answer(Engine(target, least_group=5), "trend", by="domain")

    assert "one.example" in set(answer(Engine(target), "trend", by="domain").domain)
    assert "one.example" not in set(table.domain)


def test_weeks_take_the_place_of_campaigns(tmp_path: Path, blocked: EventStore) -> None:
    """What one campaign sends week by week has the same trend, by the Monday of each week."""
    one = stored(tmp_path, "block", campaign="always-on")
    columns = ["metric", "part", "whole", "share", "usual", "standing"]
    by_week = ask("trend", one, by="week")

    assert ask("trend", blocked)[columns].equals(by_week[columns])
    assert ["2026-06-01", "2026-06-08"] == by_week.week.tolist()[:2]
    assert {"2026-08-17"} == set(ask("alerts", one, by="week").since)


def test_lost_tracking_is_seen(tmp_path: Path) -> None:
    """A campaign of which no open and no click is told has none, where all others tell of them."""
    store = stored(tmp_path, "tracking")
    late = [event("late@corp.example", "delivery", START + timedelta(weeks=CAMPAIGNS))]
    store.add("late", late, source="test", received_at=RECEIVED)
    rows = ask("alerts", store).to_dict("records")

    assert (
        "no clicks at all are told of 280 messages (tracking is lost, or off)"
        in (rows[0]["finding"])
    )
    assert "What came later is too young or too small to judge (1)." in rows[0]["finding"]
    assert [("click_rate", "week-11", "", 0, "no single group")] == [
        tuple(row[name] for name in ("metric", "since", "until", "part", "explained_by"))
        for row in rows
    ]


def of_clicks(told: str) -> History:
    """A campaign a letter, of 1,000: some clicked (c), or the feed tells of no click (-)."""
    columns = ["campaign", "attempted", "delivered", "bounced"]
    columns += ["opened_measured", "clicked_measured", "first_at", "last_at"]
    rows = []
    for week, letter in enumerate(told):
        sent = START + timedelta(weeks=week)
        clicked = 50 if letter == "c" else None
        rows.append([f"{week:02}", 1000, 1000, 0, None, clicked, sent, sent + timedelta(days=6)])
    nothing = pd.DataFrame(columns=["campaign", "category", "kind", "recipients"])
    links = pd.DataFrame(columns=["campaign", "link_url", "purpose", "clickers"])
    return history_of(Counted(pd.DataFrame(rows, columns=columns), nothing, links, {}))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("-ccc", "-ccc"),  # what came first was never measured
        ("c-ccccccc", "c-ccccccc"),  # nor is it by those that come later
        ("c-" * 9, "c-" * 9),  # receipts between newsletters
        ("ccccccc-", "ccccccc-"),  # too few to know
        ("cccccccc-", "cccccccc0"),
        ("c-cccccccc---", "c-cccccccc000"),
        ("cccccccc" + "-" * 20, "cccccccc" + "0" * 20),  # however long it lasts
    ],
)
def test_silence_is_a_zero_only_where_the_feed_had_told(told: str, expected: str) -> None:
    """Where eight campaigns before it and three in four told of clicks; later ones change nothing."""
    letters = {None: "-", 0: "0", 50: "c"}
    for number in range(1, len(told) + 1):
        rows = of_clicks(told[:number]).groups[EVERYTHING]

        assert expected[:number] == "".join(letters[row.get("clicked")] for row in rows)


def test_a_silent_campaign_is_named_and_no_baseline() -> None:
    """What isn't measured has no row; what is lost has one, and is no part of what is usual."""
    history = of_clicks("c-cccccccc-cc")
    table = trend(history, ())
    own = table[table.metric == "click_rate"].set_index("campaign")

    assert "01" not in own.index
    assert (0, "alert") == (own.part["10"], own.standing["10"])
    assert [0.05] == own.usual.round(4).unique().tolist()
    assert [
        "Left out, where clicks are asked for, since none are measured: 01.",
        "Counted as 0, since no clicks are told, where the ones before told of some: 10.",
        "Where tracking is off on purpose, ask about the other campaigns alone: name them, or "
        "choose them by a segment with where.",
    ] == trend_notes(history, ())
    row = series(history, next(rate for rate in RATES if rate.part == "clicked"), EVERYTHING)
    assert [9] == list(row.filled)
    assert 9 not in row.baseline


def test_young_campaigns_are_not_blamed_for_clicks_to_come(tmp_path: Path) -> None:
    """Without the later campaign nobody knows whether the clicks of the last will come."""
    store = stored(tmp_path, "tracking")
    table = ask("trend", store)
    own = table[(table.campaign == "week-11") & (table.metric == "click_rate")]

    assert ["too early"] == own.standing.tolist()
    assert 0 == len(ask("alerts", store))
    assert "Nothing has changed" in str(ask("alerts", store)._repr_html_())


def test_a_short_history_has_no_alerts(tmp_path: Path) -> None:
    """Below eight campaigns there is no usual; the shares are there all the same."""
    store = EventStore(tmp_path)
    for week in (0, 1, CAMPAIGNS - 1):
        store.add(f"w{week}", list(happened(week, "block")), source="t", received_at=RECEIVED)
    table = ask("trend", store)

    assert 0 == len(ask("alerts", store))
    assert table.usual.isna().all()
    assert table.share.notna().all()


@pytest.mark.parametrize("number", [1, 2, 7, 8, 9])
def test_a_history_may_be_of_any_length(number: int) -> None:
    """Of one period, too, there are rows; up to eight all of them are the baseline."""
    table = trend(past([counts(500)] * number, {}), ["week"])
    own = table[table.metric == "click_rate"]

    assert ["baseline"] * number == own.standing.tolist()
    assert (number < 8) == own.usual.isna().all()


def test_every_face_judges_the_same_history(blocked: EventStore) -> None:
    """The rows of the answer are the alerts of the history that the questions' totals make."""
    said = alerts(history_by(Engine(blocked), None))
    table = ask("alerts", blocked)

    assert [(each.metric, each.part, each.whole) for each in said] == list(
        table[["metric", "part", "whole"]].itertuples(index=False, name=None)
    )


# --- the judgement alone ---


def past(rows: list[dict[str, int]], groups: dict[Group, list[dict[str, int]]]) -> History:
    periods = [Period(f"p{place:02}", START + timedelta(weeks=place)) for place in range(len(rows))]
    return History(periods, {EVERYTHING: rows, **groups})


def counts(clicked: int, delivered: int = 10_000) -> dict[str, int]:
    return {"attempted": delivered, "delivered": delivered, "clicked": clicked}


#: The clicks of twenty usual periods.
USUAL = [500, 520, 490, 505, 515, 480, 510, 495, 500, 505, 490, 512, 500, 488, 507, 499, 503, 511]


@pytest.mark.parametrize(
    ("clicks", "expected"),
    [
        (USUAL, []),
        ([*USUAL, 380], []),  # a quarter less: far, but not two fifths
        ([*USUAL, 200], [(18, 18)]),
        ([*USUAL[:6], 150, *USUAL[6:]], [(6, 6)]),  # in the baseline
        ([*USUAL, 250, 240, 260, 255], [(18, 21)]),
        ([*USUAL, 900], []),  # better is no alert
    ],
)
def test_what_is_far_and_matters_is_an_alert(
    clicks: list[int], expected: list[tuple[int, int]]
) -> None:
    """From its first period to its last, on the bad side."""
    said = alerts(past([counts(number) for number in clicks], {}))

    assert expected == [(alert.first, alert.last) for alert in said]


@pytest.mark.parametrize(
    ("lost", "named"),
    [((0, 250), ["link a"]), ((125, 125), [])],
)
def test_a_group_is_named_when_the_rest_is_as_usual(
    lost: tuple[int, int], named: list[str]
) -> None:
    """Half of the clicks are on each link: one that is dead is named, two that are half dead not."""
    whole = [counts(number) for number in [500] * 18 + [500 - sum(lost)]]
    values: list[Any] = ["b", "a"]
    links = {
        Group("link", value): [counts(250)] * 18 + [counts(250 - gone)]
        for value, gone in zip(values, lost, strict=True)
    }
    [alert] = alerts(past(whole, links))

    assert named == [f"link {each.group.value}" for each in alert.explained]
    assert 250 == pytest.approx(alert.excess)


def test_clicks_that_are_the_only_opens_are_told_once() -> None:
    """A feed without opens: its opened are its clicked, and only the clicks are blamed."""
    rows = [counts(number) | {"opened": number} for number in [*USUAL, 100]]

    assert ["click_rate"] == [alert.metric for alert in alerts(past(rows, {}))]


# --- what is usual ---


def days(rates: list[float], delivered: int = 10_000) -> History:
    """A history of days, the first of which is a Monday."""
    rows = [counts(round(rate * delivered), delivered) for rate in rates]
    periods = [
        Period(f"{START + timedelta(days=place):%Y-%m-%d}", START + timedelta(days=place))
        for place in range(len(rows))
    ]
    return History(periods, {EVERYTHING: rows})


def noisy(number: int, seed: int, spread: float = 0.1) -> list[float]:
    """Rates that differ by themselves."""
    rng = Random(seed)
    return [0.05 * exp(rng.gauss(0, spread)) for _ in range(number)]


@pytest.mark.parametrize("seed", range(6))
def test_an_alert_stays_when_the_history_grows(seed: int) -> None:
    """Half of the clicks are gone from the twelfth week on: found at once, and ever after."""
    rates = noisy(60, seed)
    rates[11:] = [rate / 3 for rate in rates[11:]]
    first = [
        [
            alert.first
            for alert in alerts(past([counts(round(1e4 * rate)) for rate in rates[:n]], {}))
        ]
        for n in range(13, 61)
    ]

    assert [[11]] * 48 == first


def test_what_came_slowly_is_no_alert_but_is_said() -> None:
    """Three in five clicks are gone after a hundred weeks, and no week is to blame."""
    rates = [rate * exp(-0.009 * place) for place, rate in enumerate(noisy(100, 1))]
    history = past([counts(round(1e4 * rate)) for rate in rates], {})
    [note] = alert_notes(history, [])

    assert [] == alerts(history)
    assert note == (
        "Not an alert, since it came slowly: click rate 2.6% since p44; in the baseline 4.5%."
    )


def test_what_came_slowly_to_a_group_is_said_of_it() -> None:
    """A group that is charted apart declines; the sentence names it."""
    rates = [rate * exp(-0.009 * place) for place, rate in enumerate(noisy(100, 1))]
    own = past([counts(round(1e4 * rate)) for rate in rates], {})
    whole = past([counts(500)] * 100, {})
    history = History(whole.periods, whole.groups, apart={Group("plan", "pro"): own})

    assert [
        "Not an alert, since it came slowly: click rate of plan pro 2.6% since p44; in the baseline "
        "4.5%."
    ] == alert_notes(history, ["plan"])
    assert [] == alert_notes(history, [])


def test_a_bad_week_is_found_while_the_rate_declines() -> None:
    """In it the clicks fall by what they don't fall in a year."""
    rates = [rate * exp(-0.009 * place) for place, rate in enumerate(noisy(100, 2))]
    rates[70] *= 0.2
    history = past([counts(round(1e4 * rate)) for rate in rates], {})

    assert [(70, 70)] == [(alert.first, alert.last) for alert in alerts(history)]


def test_sundays_are_no_news() -> None:
    """Half as many click at weekends: no alert, but a Wednesday that is like a Sunday is one."""
    rates = noisy(84, 3, spread=0.03)
    usual = [rate / 2 if place % 7 >= 5 else rate for place, rate in enumerate(rates)]
    wednesday = [rate / 2 if place == 58 else rate for place, rate in enumerate(usual)]

    assert [] == alerts(days(usual))
    assert [(58, 58)] == [(alert.first, alert.last) for alert in alerts(days(wednesday))]


#: Upworthy's visitors in the weeks from 18 March 2013, and those who left at once, in thousands
#: (github.com/natematias/upworthy-archive, Google Analytics). On 25 June 2013 the site's cache
#: began to serve it otherwise (Matias et al. 2024, correction in Scientific Data).
VISITORS = """
4509 0 4641 0 3899 3 3736 0 6321 7 4505 3 5268 0 7693 7 6810 3 17993 0 8736 9
7083 13 6196 9 7138 12 8299 819 6192 816 12745 1572 9129 1254 8382 1172 7330 996 8357 1161
"""


def test_a_public_log_shows_its_incident() -> None:
    """
    None of four million, and then seven thousand of six, are the same, however far apart by their
    logarithms; an eighth is not. Who left at once stands for a bounce; the week of the incident is
    the fifteenth.
    """
    rows = visitors()

    assert {("hard_bounce_rate", 14, 20), ("delivery_rate", 14, 20)} == told(alerts(past(rows, {})))


@pytest.mark.parametrize("weeks", [3, 7, 12])
def test_an_incident_is_no_part_of_what_is_usual(weeks: int) -> None:
    """However long it lasts, soon after the first weeks."""
    rows = visitors()
    known = [*rows[:8], *(rows[14:] * 2)[:weeks]]

    assert ("hard_bounce_rate", 8, 7 + weeks) in told(alerts(past(known, {})))


def visitors() -> list[dict[str, int]]:
    """The weeks as messages."""
    numbers = [1000 * int(number) for number in VISITORS.split()]
    return [
        {"attempted": everybody, "delivered": everybody - left, "hard": left}
        for everybody, left in zip(numbers[::2], numbers[1::2], strict=True)
    ]


def told(said: Sequence[Alert]) -> set[tuple[str, int, int]]:
    """Which rate, from which period to which."""
    return {(alert.metric, alert.first, alert.last) for alert in said}


def test_what_comes_again_and_again_is_usual() -> None:
    """Every fifth mailing is a receipt that few click; one newsletter that few click is an alert."""
    newsletters = noisy(40, 4)
    mixed = [rate / 3 if place % 5 == 4 else rate for place, rate in enumerate(newsletters)]
    once = [rate / 3 if place == 24 else rate for place, rate in enumerate(newsletters)]

    assert [] == alerts(past([counts(round(1e4 * rate)) for rate in mixed], {}))
    assert 1 == len(alerts(past([counts(round(1e4 * rate)) for rate in once], {})))


def test_opens_that_only_clicks_proved_are_not_missed_twice() -> None:
    """Most open without images: clicks are gone, and with them those opens, but no other."""
    usual = counts(500) | {"opened": 600, "opened_told": 300}
    lost = counts(0) | {"opened": 300, "opened_told": 300}

    assert ["click_rate"] == [
        alert.metric for alert in alerts(past([*[usual] * 20, lost, *[usual] * 3], {}))
    ]


def test_what_is_not_judged_is_said(tmp_path: Path) -> None:
    """Too young for clicks, too small, without a moment: each by its name."""
    store = stored(tmp_path)
    tiny = [event(f"{number}@corp.example", "delivery", START) for number in range(9)]
    store.add("tiny", tiny, source="test", received_at=RECEIVED)
    undated = [replace(each, ts=None) for each in happened(0, "")]
    store.add("undated", undated, source="test", received_at=RECEIVED)

    assert (
        "Left out, since (some of) their mail has no moment: undated.",
        "Left out, of fewer than 100 messages: tiny.",
        "Left out, where opens and clicks are asked for, younger than three days: week-11.",
    ) == ask("trend", store).notes
    assert (
        "Left out, younger than three days: week-11.",
        "Left out, without a moment: undated.",
    ) == ask("league", store).notes


def test_a_part_of_the_messages_reaches_as_far_as_all(tmp_path: Path) -> None:
    """Nobody at Outlook clicks in the last week that counts; what others did later says it is over."""
    store = stored(tmp_path)
    late = [event("late@corp.example", "delivery", START + timedelta(weeks=CAMPAIGNS))]
    store.add("late", late, source="test", received_at=RECEIVED)
    table = ask("trend", store, where={"provider": "microsoft"})
    league = ask("league", store, where={"provider": "microsoft"})

    assert "too early" not in table.standing.tolist()
    assert "week-11" in league.campaign.tolist()


def test_a_week_is_young_until_its_last_mail_is_old(tmp_path: Path) -> None:
    """What was sent on Sunday can't have been clicked on Monday."""
    store = EventStore(tmp_path)
    for day in range(0, 7 * 10, 2):
        sent = START + timedelta(days=day)
        mail = [event(f"{number}@corp.example", "delivery", sent) for number in range(60)]
        clicks = [event(f"{number}@corp.example", "click", sent) for number in range(9)]
        store.add("daily", [*mail, *clicks], source="test", received_at=RECEIVED)
    own = ask("trend", store, by="week")
    standing = dict(zip(own.week, own.standing, strict=True))

    assert "too early" == list(standing.values())[-1]
    assert "too early" not in list(standing.values())[:-1]


def test_many_causes_are_many_looks() -> None:
    """Of one cause it is more than usual; of forty that are looked at one is so by chance."""
    usual = {"attempted": 10_000, "bounced": 100, "hard": 100, "block": 0}
    odd = usual | {"bounced": 125, "hard": 125}
    whole = [counts(500)] * 24
    causes = {Group("cause", f"cause {number}"): [usual] * 24 for number in range(40)}
    moved = {Group("cause", "moved"): [*[usual] * 20, *[odd] * 4]}
    alone = drift_rows(past(whole, moved), [])
    among = drift_rows(past(whole, causes | moved), [])

    assert ["more"] == alone.change.tolist()
    assert ["as usual"] * 41 == among.change.tolist()


# --- an audience over many campaigns ---

AUDIENCE = """
    to  | email            | msg | kind     | at        | code  | url
    ann | ann@corp.example | a1  | delivery | 01 09:00  |       |
    ann | ann@corp.example | a1  | click    | 01 10:00  |       | https://shop.example/new
    bob | bob@corp.example | b1  | delivery | 01 09:00  |       |
    ann | ann@corp.example | a2  | delivery | 03 09:00  |       |
    bob | bob@corp.example | b2  | bounce   | 03 09:00  | 5.1.1 |
    ann | ann@corp.example | a3  | delivery | 20 09:00  |       |
    ann | ann@corp.example | a3  | click    | 20 09:30  |       | https://shop.example/new
    bob | bob@corp.example | b3  | delivery | 20 09:00  |       |
"""
#: Question -> its key and counts (attempted, delivered, bounced, clicked), counted by hand.
BY_HAND = {
    "cohorts": [
        (("2026-09", 1), (2, 2, 0, 1)),
        (("2026-09", 2), (2, 1, 1, 0)),
        (("2026-09", 3), (2, 2, 0, 1)),
    ],
    "last_click": [
        (("first mailing",), (2, 2, 0, 1)),
        (("up to 14 days",), (1, 1, 0, 0)),
        (("up to 90 days",), (1, 1, 0, 1)),
        (("never clicked",), (2, 1, 1, 0)),
    ],
    "frequency": [((1,), (4, 4, 0, 2)), ((2,), (2, 1, 1, 0))],
}


@pytest.mark.parametrize("name", BY_HAND)
def test_an_audience_is_counted_as_by_hand(name: str) -> None:
    """Two people, three messages each: one clicks twice, one bounces once and never clicks."""
    table = ask(name, store(AUDIENCE))
    keys = [
        column
        for column in table.columns
        if column in ("cohort", "mailing", "last_click", "mails_a_week")
    ]
    found = [
        (
            tuple(row[key] for key in keys),
            tuple(row[count] for count in ("attempted", "delivered", "bounced", "clicked")),
        )
        for row in table.to_dict("records")
    ]

    assert BY_HAND[name] == found


#: The mailings of a week (days after its first, time) -> mails a week of how many people's mails, of
#: forty who are mailed for six weeks.
RHYTHMS = [
    ([(0, "09:00")], {1: 240}),
    ([(0, "23:45")], {1: 240}),  # half of them come after midnight
    ([(0, "09:00"), (3, "09:00")], {1: 40, 2: 440}),  # the very first alone
    ([(0, "09:00"), (0, "15:00")], {1: 240, 2: 240}),  # the first of a day has none before it
]


@pytest.mark.parametrize(("rhythm", "expected"), RHYTHMS)
def test_a_weekly_sender_is_weekly_in_any_order(
    tmp_path: Path, rhythm: list[tuple[int, str]], expected: dict[int, int]
) -> None:
    """Each mailing takes half an hour, in an order of its own."""
    rng = Random(7)
    happened = []
    for place in range(6 * len(rhythm)):
        week, number = divmod(place, len(rhythm))
        days, clock = rhythm[number]
        begun = datetime.fromisoformat(f"2026-06-01T{clock}:00+00:00")
        for person in range(40):
            seconds = rng.randrange(1800)
            sent = begun + timedelta(weeks=week, days=days, seconds=seconds)
            mail = event(f"{person}@one.example", "delivery", sent)
            name = f"{place}-{person}"
            happened.append(replace(mail, event_id=name, message_id=name))
    target = EventStore(tmp_path)
    target.add("news", happened, source="test", received_at=RECEIVED)
    rows = ask("frequency", target)

    assert expected == dict(zip(rows.mails_a_week, rows.attempted, strict=True))


def test_a_new_cause_is_seen(blocked: EventStore) -> None:
    """It was never there before the last four weeks; when it came, and how much of it."""
    [row] = ask("drift", blocked).to_dict("records")

    assert ("reputation_block", "new", "week-11", 60) == tuple(
        row[name] for name in ("category", "change", "first_seen", "part")
    )


def test_the_league_is_of_one_age(blocked: EventStore) -> None:
    """The youngest is left out; what has more clicks stands before."""
    table = ask("league", blocked)

    assert "week-11" not in table.campaign.tolist()
    assert 11 == len(table)
    assert table.click_rate.is_monotonic_decreasing
    assert 1 == table["rank"].iloc[0]


# --- what isn't an incident, and what isn't over ---


def test_an_outage_goes_on_though_the_newest_campaign_is_young() -> None:
    """What can't tell yet ends no alert, and is said."""
    clicks = [*USUAL, 200, 210, 190, 205]
    rows = [counts(number) for number in [*clicks, 3]]
    history = past(rows, {})
    periods = [*history.periods[:-1], history.periods[-1]._replace(is_ripe=False)]
    [alert] = alerts(History(periods, history.groups))

    assert (18, 21, True) == (alert.first, alert.last, alert.lasts)
    assert not alerts(past([counts(number) for number in [*USUAL, 200, *USUAL]], {}))[0].lasts


def test_a_link_that_another_one_replaces_is_no_incident() -> None:
    """The same place under a new URL: nobody clicks less."""
    whole = [counts(number) for number in USUAL]
    old = [counts(number if place < 9 else 0) for place, number in enumerate(USUAL)]
    new = [counts(number if place >= 9 else 0) for place, number in enumerate(USUAL)]

    assert [] == alerts(past(whole, {Group("link", "a"): old, Group("link", "b"): new}))


def test_a_link_that_is_gone_is_no_incident_while_as_many_click() -> None:
    """It isn't in the mail any more, and people follow the others instead."""
    whole = [counts(number) for number in USUAL]
    gone = [counts(number // 2 if place < 9 else 0) for place, number in enumerate(USUAL)]
    kept = [counts(number // 2 if place < 9 else number) for place, number in enumerate(USUAL)]

    assert [] == alerts(past(whole, {Group("link", "a"): gone, Group("link", "b"): kept}))


def test_clicks_are_a_part_of_what_could_be_clicked() -> None:
    """A week's receipts, whose feed tells of no click, make no click rate smaller."""
    columns = ["campaign", "week", "attempted", "delivered", "bounced"]
    columns += ["opened_measured", "clicked_measured", "first_at", "last_at"]
    monday = START.date().isoformat()
    told = ["news", monday, 1000, 1000, 0, 300, 100, START, START + timedelta(days=6)]
    untold = ["receipts", monday, 3000, 3000, 0, None, None, START, START + timedelta(days=6)]
    nothing = pd.DataFrame(columns=["week", "category", "kind", "recipients"])
    links = pd.DataFrame(columns=["week", "link_url", "purpose", "clickers"])
    counted = Counted(pd.DataFrame([told, untold], columns=columns), nothing, links, {})
    [counts_of_week] = history_of(counted, "week").groups[EVERYTHING]

    assert (100, 1000) == (
        counts_of_week["clicked"],
        whole_of(counts_of_week, "clicked", "delivered"),
    )
    assert 4000 == counts_of_week["delivered"]


SILENT = """
    to  | email             | msg | kind     | at       | code | url
    ann | ann@corp.example  | a9  | delivery | 21 09:00 |      |
    bob | bob@corp.example  | b9  | delivery | 21 09:00 |      |
"""


def test_a_feed_without_clicks_makes_no_click_rate_smaller() -> None:
    """Its messages are delivered, but not among those whose clicks are told."""
    target = store(AUDIENCE, "news")
    store(SILENT, "silent", target)
    table = ask("frequency", target)

    assert [(4, 4, 2), (3, 1, 0)] == [
        (row.delivered, row.delivered_told, row.clicked) for row in table.itertuples()
    ]
    assert ask("cohorts", store(SILENT, "silent")).click_rate.isna().all()


def test_a_later_click_counts_for_the_last_one() -> None:
    """Of one message the first click is long ago, the second isn't."""
    target = store(
        """
        to  | email            | msg | kind     | at       | url
        ann | ann@corp.example | a1  | delivery | 01 09:00 |
        ann | ann@corp.example | a1  | click    | 01 10:00 | https://shop.example/new
        ann | ann@corp.example | a1  | click    | 18 10:00 | https://shop.example/old
        ann | ann@corp.example | a2  | delivery | 20 09:00 |
        """
    )

    assert ["first mailing", "up to 14 days"] == ask("last_click", target)["last_click"].tolist()
