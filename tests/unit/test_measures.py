"""
Measures: a table of events, and the answers that must come of it. G02 to G06 are rows of the
tutorial's defects.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from benchmarks.generate import write_campaign
from cxtools.errors import ConfigError, StoreError
from cxtools.events.database import Resources
from cxtools.events.store import EventStore
from cxtools.measures.answers import answer
from cxtools.measures.catalogue import DIMENSIONS
from cxtools.measures.catalogue.delivery import FUNNEL
from cxtools.measures.catalogue.feed import CHECKS
from cxtools.measures.cuts import AsOf
from cxtools.measures.engine import Engine
from cxtools.measures.outcomes import outcomes
from cxtools.measures.stats import wilson
from cxtools.measures.table import Table
from cxtools.model import Event
from tests.tables import RECEIVED, ask, store

STEPS = [
    "attempted",
    "delivered",
    "late_bounced",
    "bounced",
    "opened",
    "opened_strict",
    "clicked",
    "clicks_without_open",
]


def steps(text: str) -> list[int]:
    return [int(count) for count in ask("funnel", store(text))[STEPS].iloc[0]]


def values(table: Table, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[column] for column in columns) for row in table.records()]


def checks(text: str) -> dict[str, Any]:
    return {row["check"]: row["count"] for row in ask("data_quality", store(text)).records()}


# ---- funnel
# ------------------------------------------------------------------------------------------------------


def test_the_funnel_counts_each_step() -> None:
    """Four people: one clicks, one opens, one ignores, one bounces."""
    text = """
        to  | kind     | at  | code  | url
        ann | delivery | +1  |       |
        ann | open     | +60 |       |
        ann | click    | +90 |       | https://shop.example/new
        bob | delivery | +1  |       |
        bob | open     | +70 |       |
        cat | delivery | +1  |       |
        dan | bounce   | +2  | 5.1.1 |
    """

    assert [4, 3, 0, 1, 2, 2, 1, 0] == steps(text)
    assert [(0.75, 0.25, 2 / 3, 1 / 3, 0.5)] == [
        pytest.approx(row)
        for row in values(
            ask("funnel", store(text)),
            "delivery_rate",
            "bounce_rate",
            "open_rate",
            "click_rate",
            "click_to_open_rate",
        )
    ]


def test_g02_a_click_without_an_open_is_engagement() -> None:
    """
    G02: who blocks images and clicks has opened; the strict count and the difference stand beside
    it.
    """
    assert [1, 1, 0, 0, 1, 0, 1, 1] == steps("""
        to  | kind     | at  | url
        ann | delivery | +1  |
        ann | click    | +60 | https://shop.example/new
    """)


def test_g03_repeated_opens_and_clicks_are_one_person() -> None:
    """G03: three opens and three clicks are one opener and one clicker, never nine."""
    assert [1, 1, 0, 0, 1, 1, 1, 0] == steps("""
        to  | kind     | at  | url
        ann | delivery | +1  |
        ann | open     | +10 |
        ann | open     | +20 |
        ann | open     | +30 |
        ann | click    | +40 | https://shop.example/new
        ann | click    | +50 | https://shop.example/new
        ann | click    | +60 | https://shop.example/sale
    """)


def test_g04_a_bounce_without_a_code_is_undetermined() -> None:
    """G04: an empty code doesn't make an address permanently dead."""
    table = ask(
        "bounces",
        store("""
        to  | kind     | at | code
        ann | bounce   | +1 |
        bob | delivery | +1 |
    """),
    )

    assert [("unknown", "undetermined", 1, 1.0)] == values(
        table, "category", "kind", "recipients", "share"
    )


def test_g05_both_notations_of_a_soft_bounce_are_soft() -> None:
    """G05: 452 says the same as 4.2.2."""
    table = ask(
        "bounces",
        store("""
        to  | kind   | at | code
        ann | bounce | +1 | 452 4.2.2
        bob | bounce | +1 | 4.2.2
        cat | bounce | +1 | 452
    """),
    )

    assert {"soft"} == set(table.kind)
    assert 3 == table.recipients.sum()


def test_g06_a_soft_bounce_and_then_a_delivery_is_delivered() -> None:
    """G06: the last word counts, so nobody is mailed twice."""
    text = """
        to  | kind     | at  | code
        ann | bounce   | +1  | 4.2.2
        ann | delivery | +90 |
    """

    assert [1, 1, 0, 0, 0, 0, 0, 0] == steps(text)
    assert ["delivered"] == [
        row["state"] for row in outcomes(Engine(store(text)), "c", ["j1"])["j1"]
    ]


@pytest.mark.parametrize(
    ("first", "then", "code", "bounced"),
    [
        ("+1", "+90", "5.1.1", 1),
        ("+1", "+90", "4.2.2", 1),
        ("+90", "+1", "5.1.1", 0),
        ("+90", "+1", "4.2.2", 0),
        ("+1", "+1", "5.1.1", 1),
        ("+1", "+1", "4.2.2", 0),
        ("", "+1", "5.1.1", 1),
        ("", "+1", "4.2.2", 0),
        ("", "", "5.1.1", 1),
        ("+1", "", "4.2.2", 0),
    ],
)
def test_a_delivery_and_a_bounce_end_as_the_later_of_them(
    first: str, then: str, code: str, bounced: int
) -> None:
    """
    A late bounce counts as bounced; where the order can't be known, a soft bounce gives way to the
    delivery.
    """
    assert [1, 1 - bounced, bounced, bounced, 0, 0, 0, 0] == steps(f"""
        to  | kind     | at      | code
        ann | delivery | {first} |
        ann | bounce   | {then}  | {code}
    """)


def test_opens_of_bounced_mail_are_not_engagement() -> None:
    """A robot of the refusing server may fetch the image: bounced is bounced."""
    assert [2, 1, 0, 1, 0, 0, 0, 0] == steps("""
        to  | kind     | at | code
        ann | bounce   | +1 | 5.1.1
        ann | open     | +3 |
        bob | delivery | +1 |
    """)


def test_clicks_to_unsubscribe_are_no_clicks_on_content() -> None:
    """Leaving isn't interest; unsubscribe and preference links don't count as clicked."""
    assert [2, 2, 0, 0, 0, 0, 0, 0] == steps("""
        to  | kind     | at  | url
        ann | delivery | +1  |
        ann | click    | +60 | https://shop.example/unsubscribe?u=1
        bob | delivery | +1  |
        bob | click    | +60 | https://shop.example/Preferences
    """)


def test_other_kinds_are_neither_attempts_nor_bounces() -> None:
    """Complaints, suppressions, deferrals and unknown kinds change no step."""
    assert [1, 1, 0, 0, 0, 0, 0, 0] == steps("""
        to  | kind        | at
        ann | sent        | +0
        ann | deferral    | +1
        ann | delivery    | +2
        ann | complaint   | +60
        ann | unsubscribe | +61
        bob | suppressed  | +1
        cat | unknown     | +1
        dan | open        | +1
    """)


def test_two_messages_to_one_person_are_two() -> None:
    """The unit is the message to a recipient, not the recipient."""
    assert [2, 2, 0, 0, 1, 1, 0, 0] == steps("""
        to  | msg | kind     | at
        ann | m1  | delivery | +1
        ann | m2  | delivery | +1
        ann | m2  | open     | +9
    """)


def test_without_recipient_ids_the_address_is_the_recipient() -> None:
    """Feeds that know addresses only are counted by message and address."""
    assert [2, 2, 0, 0, 1, 1, 0, 0] == steps("""
        to              | msg | kind     | at
        ann@one.example | m1  | delivery | +1
        bob@one.example | m1  | delivery | +1
        bob@one.example | m1  | open     | +9
    """)


def test_rates_without_a_denominator_are_missing() -> None:
    """Nobody accepted: the open rate is unknown, in JSON null, and never 0 %."""
    [row] = ask(
        "funnel",
        store("""
        to  | kind   | at | code
        ann | sent   | +0 |
        ann | bounce | +1 | 5.1.1
    """),
    ).records()

    assert (0.0, 1.0) == (row["delivery_rate"], row["bounce_rate"])
    assert [None] * 9 == [
        row[f"{rate}{end}"]
        for rate in ("open_rate", "click_rate", "click_to_open_rate")
        for end in ("", "_low", "_high")
    ]


def test_the_funnels_json_has_the_promised_columns() -> None:
    """Scripts rely on these names (CLI)."""
    [row] = ask("funnel", store("to | kind | at\n ann | delivery | +1")).records()
    rates = [name for rate in FUNNEL.rates for name in (rate.name, *rate.interval)]

    assert ["campaign", *STEPS, *rates, "first_at", "last_at"] == list(row)
    assert "2026-09-14T09:00:01.000Z" == row["first_at"]


SPLIT = """
    to  | email            | job | kind     | at        | code
    ann | a@gmail.example  | j1  | delivery | +1        |
    ann | a@gmail.example  | j1  | open     | 16 10:00  |
    bob | b@HOTMAIL.com    | j1  | delivery | 15 10:30  |
    cat | c@hotmail.com    | j2  | bounce   | 15 11:00  | 5.1.1
    dan | d@corp.example   | j2  | delivery | 15 23:59  |
"""


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("provider", [("gmail", 1, 1), ("microsoft", 2, 1), ("other", 1, 1)]),
        ("domain", [("corp.example", 1, 1), ("gmail.example", 1, 1), ("hotmail.com", 2, 1)]),
        ("job", [("j1", 2, 2), ("j2", 2, 1)]),
        ("day", [("2026-09-14", 1, 1), ("2026-09-15", 3, 2)]),
        ("hour", [(9, 1, 1), (10, 1, 1), (11, 1, 0), (23, 1, 1)]),
        ("weekday", [(1, 1, 1), (2, 3, 2)]),
    ],
)
def test_the_funnel_can_be_split(by: str, rows: list[tuple[Any, ...]]) -> None:
    """A message belongs to the day and hour of its first event, whenever it is opened."""
    assert rows == values(ask("funnel", store(SPLIT), by=by), by, "attempted", "delivered")


def test_several_dimensions_at_once() -> None:
    """By provider and day: only pairs that occur."""
    table = ask("funnel", store(SPLIT), by=["provider", "day"])

    assert [
        ("gmail", "2026-09-14", 1),
        ("microsoft", "2026-09-15", 2),
        ("other", "2026-09-15", 1),
    ] == values(table, "provider", "day", "attempted")


def test_an_unknown_dimension_is_answered_with_the_known_ones() -> None:
    """A typo in `by` lists what there is."""
    with pytest.raises(
        StoreError,
        match=rf"can't split by colour[\s\S]*choose from: {', '.join(DIMENSIONS)}",
    ):
        ask("funnel", store(SPLIT), by="colour")


def test_campaigns_stay_apart(tmp_path: Path) -> None:
    """The same ids in two campaigns are different messages; a name alone is as good as a list."""
    both = EventStore(tmp_path)
    store(SPLIT, "q2", both)
    store(SPLIT, "q3", both)

    assert [("q2", 4), ("q3", 4)] == values(ask("funnel", both), "campaign", "attempted")
    assert [("q3", 4)] == values(ask("funnel", both, "q3"), "campaign", "attempted")


def test_as_of_looks_back() -> None:
    """Events after a moment don't count, be it a moment in time or an age of the campaign."""
    known = store(SPLIT)

    def counts(as_of: Any) -> list[tuple[Any, ...]]:
        return values(ask("funnel", known, as_of=as_of), "attempted", "opened")

    assert [(1, 0)] == counts("2026-09-15T00:00:00Z")
    assert [(4, 0)] == counts(datetime(2026, 9, 16, 11, 59, tzinfo=UTC) - timedelta(hours=2))
    assert [(3, 0)] == counts(timedelta(hours=30))
    assert [(4, 1)] == counts(timedelta(days=3))
    with pytest.raises(ConfigError, match="as_of is not a moment: 'soon'"):
        counts("soon")
    for number in (24, "1999-12-31"):
        with pytest.raises(ConfigError, match=f"as_of lies before 2000: {number!r}"):
            counts(number)


EDGES = store("""
    to  | kind     | at
    ann | delivery | +0
    bob | delivery | +53999
    cid | delivery | +54000
""")


@pytest.mark.parametrize(
    ("as_of", "attempted"),
    [
        ("2026-09-13", []),
        ("2026-09-14", [(2,)]),
        (" 20260914 ", [(2,)]),
        (date(2026, 9, 14), [(2,)]),
        ("2026-09-14T00:00", []),
        ("2026-09-14T23:59:58Z", [(1,)]),
        ("2026-09-15T01:59:59+02:00", [(2,)]),
        (datetime(2026, 9, 15, tzinfo=UTC), [(3,)]),
        ("2026-09-15", [(3,)]),
    ],
)
def test_a_date_includes_its_day(as_of: AsOf, attempted: list[tuple[int]]) -> None:
    """A campaign begins at 9:00 UTC; of 23:59:59 and midnight only the one is of that day."""
    assert attempted == values(ask("funnel", EDGES, as_of=as_of), "attempted")


def test_hours_are_those_of_the_sending() -> None:
    """
    Of some messages only the bounce is told, hours later: they belong to the last sending of their
    job before it, so that no hour is a disaster in which nothing was sent; each job by itself.
    """
    known = store("""
        to  | kind     | at    | code  | job
        ann | delivery | +0    |       | j1
        bob | delivery | +3600 |       | j1
        cid | bounce   | +1800 | 5.1.1 | j1
        dot | bounce   | +9000 | 5.1.1 | j1
        eve | bounce   | +60   | 5.1.1 | j2
        fay | sent     | +7200 |       | j2
        fay | bounce   | +9900 | 4.2.2 | j2
        gil | open     | +8000 |       | j2
    """)

    assert [(9, 3, 1), (10, 2, 1), (11, 1, 0)] == values(
        ask("funnel", known, by="hour"), "hour", "attempted", "delivered"
    )
    assert [(11, "mailbox_full")] == values(
        ask("bounces", known, where={"hour": 11}, by="hour"), "hour", "category"
    )
    assert "Mon" in ask("funnel", known, by="weekday").text()


def test_events_without_a_moment_are_told_of_where_they_do_not_count_yet() -> None:
    """They count from when they came in; where everything counts there is nothing to say."""
    known = store("to | kind | at\nann | delivery | +0\nbob | delivery |\ncid | delivery |")
    early = ask("funnel", known, as_of="2026-09-14T23:00:00Z")
    late = ask("funnel", known, as_of=RECEIVED + timedelta(days=1))

    assert [(1,)] == values(early, "attempted")
    assert (
        "Events without a moment (2, of c) count from when they came in, not before.",
    ) == early.notes
    assert ([(3,)], ()) == (values(late, "attempted"), late.notes)


@pytest.mark.parametrize("as_of", ["14.09.2026", "09/14/2026", "yesterday", "2026-09-31"])
def test_a_day_that_is_none_is_refused(as_of: str) -> None:
    """What can be read in two ways, or in none, is not guessed; how to write it is said."""
    with pytest.raises(ConfigError, match="as_of is not a moment") as refused:
        ask("funnel", EDGES, as_of=as_of)

    assert "write a day as 2026-09-14, which counts to its end" in str(refused.value)


def test_an_age_below_zero_and_a_filter_without_a_value_are_refused() -> None:
    """Neither is an answer without rows."""
    with pytest.raises(ConfigError, match="as_of is an age below zero"):
        ask("funnel", EDGES, as_of=timedelta(hours=-1))
    with pytest.raises(StoreError, match="names no value of provider"):
        ask("funnel", EDGES, where={"provider": []})


def test_an_age_is_counted_from_each_campaigns_own_start(tmp_path: Path) -> None:
    """Campaigns of different days are compared at the same age."""
    both = EventStore(tmp_path)
    store(
        "to | kind | at\n ann | delivery | 01 10:00\n ann | open | 01 11:00\n bob | delivery | 01 10:00\n bob | open | 01 13:00",
        "old",
        both,
    )
    store("to | kind | at\n ann | delivery | 20 10:00\n ann | open | 20 10:30", "new", both)

    assert [("new", 1, 1), ("old", 2, 1)] == values(
        ask("funnel", both, as_of=timedelta(hours=2)), "campaign", "attempted", "opened"
    )


KINDS = some.sampled_from(
    ["delivery", "bounce", "open", "click", "complaint", "sent", "deferral", "unknown"]
)
CODES = some.sampled_from(["5.1.1", "4.2.2", "", "550 5.7.1", "garbage"])


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    some.lists(
        some.tuples(
            some.sampled_from("abcdefgh"),
            KINDS,
            CODES,
            some.one_of(some.none(), some.integers(0, 99)),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_the_parts_add_up_whatever_the_events(
    happened: list[tuple[str, str, str, int | None]],
) -> None:
    """
    delivered + bounced = attempted, bounces sum to bounced and their shares to 1, and order of
    arrival changes nothing.
    """
    lines = [
        f"{to}|{kind}|{'' if at is None else f'+{at}'}|{code if kind == 'bounce' else ''}|{'https://shop.example/' if kind == 'click' else ''}"
        for to, kind, code, at in happened
    ]
    known = store("\n".join(["to|kind|at|code|url", *lines]))
    row = ask("funnel", known).iloc[0]
    causes = ask("bounces", known)

    told = any(kind in ("delivery", "sent") for _, kind, _, _ in happened)
    assert row.attempted == (row.delivered + row.bounced if told else 0)
    assert row.delivered >= row.opened or not told
    assert row.opened >= row.clicked
    assert row.bounced >= row.late_bounced
    assert row.opened == row.opened_strict + row.clicks_without_open
    assert (
        row.bounced
        == causes.recipients.sum()
        == ask("reasons", known).recipients.sum()
        == ask("bounces", known, by=["provider", "day"]).recipients.sum()
    )
    assert causes.empty or causes.share.sum() == pytest.approx(1)
    assert ask("funnel", known).equals(
        ask("funnel", store("\n".join(["to|kind|at|code|url", *reversed(lines)])))
    )


# ---- published figures
# -------------------------------------------------------------------------------------------

#: The 100,000 e-mail challenge: country -> sent, opened but not clicked, clicked
#: (reference/engagement.md 4.2).
COUNTRIES = {
    "es": (9967, 310, 83),
    "fr": (9995, 332, 80),
    "uk": (19939, 1915, 492),
    "us": (60099, 5719, 1464),
}
CLICKED_WITHOUT_OPEN = 50


def challenge() -> Iterator[Event]:
    at, orphans = datetime(2026, 9, 14, tzinfo=UTC), CLICKED_WITHOUT_OPEN
    for country, (sent, opened_only, clicked) in COUNTRIES.items():
        for number in range(sent):
            message = f"{country}{number}"
            known: dict[str, Any] = {
                "message_id": message,
                "recipient_id": message,
                "email": f"{message}@{country}.example",
                "ts": at,
            }
            yield Event(f"{message}d", "delivery", "delivery", **known)
            if number < clicked:
                yield Event(
                    f"{message}c", "click", "click", link_url="https://shop.example/", **known
                )
                orphans -= 1
            if number < clicked + opened_only and (number >= clicked or orphans < 0):
                yield Event(f"{message}o", "open", "open", **known)


def test_the_published_figures_come_out(tmp_path: Path) -> None:
    """
    100,000 sent, 10,345 opened, 2,119 clicked, 50 of these without an open, 10,395 either: rates
    and segments as published.
    """
    target = EventStore(tmp_path)
    target.add("challenge", challenge(), source="test", received_at=RECEIVED)
    row = ask("funnel", target).iloc[0]
    countries = ask("funnel", target, by="domain")

    assert [100_000, 100_000, 0, 0, 10_395, 10_345, 2_119, 50] == row[STEPS].tolist()
    assert (0.10395, 0.02119, 0.20385) == pytest.approx(
        (row.open_rate, row.click_rate, row.click_to_open_rate), abs=5e-6
    )
    assert (0.02032, 0.02210) == pytest.approx((row.click_rate_low, row.click_rate_high), abs=6e-6)
    assert (0.10158, 0.10535) == pytest.approx(
        wilson(int(row.opened_strict), int(row.delivered)), abs=6e-6
    )
    assert [
        (f"{name}.example", sent, opened + clicked, clicked)
        for name, (sent, opened, clicked) in COUNTRIES.items()
    ] == values(countries, "domain", "delivered", "opened", "clicked")
    assert (row.opened, row.clicked) == (countries.opened.sum(), countries.clicked.sum())


# ---- bounces and reasons
# -----------------------------------------------------------------------------------------

BOUNCED = """
    to  | email           | kind     | at       | code  | text
    ann | a@gmail.example | bounce   | 14 10:00 | 5.1.1 | no such user
    bob | b@gmail.example | bounce   | 15 10:00 | 5.1.1 | no such user
    cat | c@corp.example  | bounce   | 15 11:00 | 4.2.2 | mailbox full
    cat | c@corp.example  | bounce   | 15 12:00 | 4.2.2 | mailbox full
    dan | d@corp.example  | delivery | 15 12:00 |       |
"""


def test_bounces_by_cause() -> None:
    """
    One row per category and kind, shares of the bounced, rates of the attempted; a message that
    bounces twice is one.
    """
    table = ask("bounces", store(BOUNCED))

    assert [
        ("c", "invalid_recipient", "hard", 2, 3, 4),
        ("c", "mailbox_full", "soft", 1, 3, 4),
    ] == values(table, "campaign", "category", "kind", "recipients", "bounced", "attempted")
    assert [(2 / 3, 0.5), (1 / 3, 0.25)] == [
        pytest.approx(row) for row in values(table, "share", "rate")
    ]


def test_bounces_by_provider_and_day() -> None:
    """
    Shares are of the campaign's bounced, so they sum to 1 over all rows; rates are of the group's
    attempted.
    """
    table = ask("bounces", store(BOUNCED), by=["provider", "day"])

    assert [
        ("gmail", "2026-09-14", 1, 1.0),
        ("gmail", "2026-09-15", 1, 1.0),
        ("other", "2026-09-15", 1, 0.5),
    ] == values(table, "provider", "day", "recipients", "rate")
    assert 1 == pytest.approx(table.share.sum())


def test_the_latest_bounce_tells_the_cause() -> None:
    """Full at first and then unknown: the address is gone."""
    table = ask(
        "bounces",
        store("""
        to  | kind   | at  | code
        ann | bounce | +90 | 5.1.1
        ann | bounce | +1  | 4.2.2
    """),
    )

    assert [("invalid_recipient", 1)] == values(table, "category", "recipients")


def test_no_bounces_are_an_empty_table() -> None:
    """A table without rows still has its columns."""
    table = ask("bounces", store("to | kind | at\n ann | delivery | +1"))

    assert [] == table.records()
    assert {"campaign", "category", "kind", "recipients", "share", "share_low", "rate"} <= set(
        table.columns
    )


def test_reasons_are_ordered_by_frequency() -> None:
    """The commonest cause first, with an example of its code and when it was seen."""
    table = ask("reasons", store(BOUNCED))

    assert [
        ("invalid_recipient", "5.1.1", 2, "2026-09-14T10:00:00.000Z", "2026-09-15T10:00:00.000Z"),
        ("mailbox_full", "4.2.2", 1, "2026-09-15T12:00:00.000Z", "2026-09-15T12:00:00.000Z"),
    ] == values(table, "category", "bounce_code", "recipients", "first_at", "last_at")


# ---- links, timing, jobs
# -----------------------------------------------------------------------------------------


def test_links_without_their_tracking_parameters() -> None:
    """
    One page, however it was tracked; clickers don't add up over links, unsubscribe stands apart.
    """
    table = ask(
        "links",
        store("""
        to  | kind     | at  | url
        ann | delivery | +1  |
        ann | click    | +10 | https://shop.example/new?utm_source=mail&id=7
        ann | click    | +20 | https://shop.example/new?id=7&utm_campaign=q3#top
        ann | click    | +30 | https://shop.example/sale?gclid=x
        bob | delivery | +1  |
        bob | click    | +40 | https://shop.example/new?utm_source=mail&utm_medium=x&id=7
        bob | click    | +50 | https://shop.example/unsubscribe
        cat | click    | +60 | https://shop.example/new?id=7
    """),
    )

    assert [
        ("https://shop.example/new?id=7", "content", 2, 3, 2, 1.0),
        ("https://shop.example/sale", "content", 1, 1, 2, 0.5),
        ("https://shop.example/unsubscribe", "unsubscribe", 1, 1, 2, 0.5),
    ] == values(table, "link_url", "purpose", "clickers", "clicks", "all_clickers", "share")


def test_scanners_are_left_out_of_where_people_went() -> None:
    """
    A scanner follows all links at once, the unsubscribe link too: what people followed stands
    beside it, and who did nothing but unsubscribe is not a machine.
    """
    known = store("""
        to  | kind     | at    | url
        bot | delivery | +0    |
        bot | click    | +60   | https://shop.example/new
        bot | click    | +60.5 | https://shop.example/unsubscribe
        ann | delivery | +0    |
        ann | click    | +600  | https://shop.example/new
        bob | delivery | +0    |
        bob | click    | +700  | https://shop.example/unsubscribe
    """)
    suspects = ask("suspects", known).set_index("rule").clickers

    assert [
        ("https://shop.example/new", 1, 2, 2, 3, 0.5),
        ("https://shop.example/unsubscribe", 1, 2, 2, 3, 0.5),
    ] == values(
        ask("links", known),
        "link_url",
        "people",
        "clickers",
        "all_people",
        "all_clickers",
        "people_share",
    )
    assert (1, 2, 1, 1) == tuple(
        suspects[["suspect", "human", "human_clicked", "human_unsubscribed"]]
    )
    assert [2] == ask("funnel", known).clicked.tolist()


def test_links_inside_of_what_a_mail_filter_made_of_them() -> None:
    """Safe Links and URL Defense wrap the same link, each in its own way: it is one link."""
    table = ask(
        "links",
        store("""
        to  | kind     | at  | url
        ann | delivery | +1  |
        ann | click    | +10 | https://shop.example/new?b=2&id=7
        bob | delivery | +1  |
        bob | click    | +40 | https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fshop.example%2Fnew%3Fb%3D2%26id%3D7%26utm_source%3Dmail&data=05
        cat | delivery | +1  |
        cat | click    | +40 | https://urldefense.com/v3/__https://shop.example/new?b=2&id=7__;!!A!x$
    """),
    )

    assert [("https://shop.example/new?b=2&id=7", 3, 3)] == values(
        table, "link_url", "clickers", "clicks"
    )


def test_links_that_differ_by_recipient_are_one_link() -> None:
    """
    `?u=<id>` is one page however many people got it; what people share in a query keeps links
    apart, and a scanner of both is seen.
    """
    rows = "".join(
        f"""
        p{number} | delivery | +1 |
        p{number} | click | +1000 | https://shop.example/p?u={number}&page={"ab"[number % 2]}
        p{number} | click | +{1001 if number == 3 else 5000} | https://shop.example/q?{number:032x}#top"""
        for number in range(10)
    )
    target = store(f"to | kind | at | url{rows}")

    assert [
        ("https://shop.example/q?…", 10, 10),
        ("https://shop.example/p?u=…&page=a", 5, 5),
        ("https://shop.example/p?u=…&page=b", 5, 5),
    ] == values(ask("links", target), "link_url", "clickers", "clicks")
    assert 1 == ask("suspects", target).set_index("rule").clickers["r1"]


ADDRESSED = """
    to  | kind     | at    | url
    ann | delivery | +1    |
    ann | click    | +1000 | https://shop.example/unsubscribe?email=ann@one.example
    ann | click    | +1100 | https://shop.example/unsubscribe?email=ann%40one.example&utm_source=x
    bob | delivery | +1    |
    bob | click    | +2000 | https://shop.example/unsubscribe?email=bob%2540two.example#top
    cat | delivery | +1    |
    cat | click    | +3000 | https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fshop.example%2Funsubscribe%3Femail%3Dcat%40two.example&data=05
    cat | click    | +4000 | https://shop.example/for/cat@two.example/new
    dan | delivery | +1    |
    dan | click    | +5000 | https://shop.example/for/dan%40three.example/new
"""


def test_a_link_stands_once_whatever_address_is_in_it() -> None:
    """Clicks add up, who followed it in two spellings is one, and no address is shown."""
    target = store(ADDRESSED)

    assert [
        ("https://shop.example/unsubscribe?email=…", "unsubscribe", 3, 4),
        ("https://shop.example/for/…/new", "content", 2, 2),
    ] == values(ask("links", target), "link_url", "purpose", "clickers", "clicks")
    assert [
        ("https://shop.example/unsubscribe?email=…", 3, 4),
        ("https://shop.example/for/…/new", 1, 4),
    ] == values(ask("first_links", target), "link_url", "recipients", "all_recipients")


WAITING = """
    to  | kind     | at    | url
    ann | delivery | +0    |
    ann | open     | +100  |
    ann | open     | +9000 |
    bob | delivery | +10   |
    bob | open     | +310  |
    bob | click    | +7210 | https://shop.example/
    cat | delivery | +20   |
    cat | open     | +5    |
    dan | delivery | +30   |
"""


def test_timing_is_from_delivery_to_the_first() -> None:
    """Medians in seconds of those who did; an open before the delivery is 0 s."""
    assert [("open", 3, 4, 100.0, 260.0), ("click", 1, 4, 7200.0, 7200.0)] == values(
        ask("timing", store(WAITING)), "kind", "recipients", "delivered", "median_s", "p90_s"
    )


def test_the_curve_grows_hour_by_hour() -> None:
    """Within the first hour three of four had opened, within the second one of four had clicked."""
    assert [("open", 1, 3, 3, 0.75), ("click", 2, 1, 1, 0.25)] == values(
        ask("curve", store(WAITING)), "kind", "hours", "recipients", "cumulative", "rate"
    )


def test_jobs_by_their_counts_and_latency() -> None:
    """
    Per job: how many, from when to when, and how long a message waited after the job's first event.
    """
    assert [
        ("j1", 2, 2, 0, "2026-09-14T09:00:00.000Z", "2026-09-14T09:05:00.000Z", 20, 30.0),
        ("j2", 1, 0, 1, *["2026-09-14T09:01:00.000Z"] * 2, 0, None),
    ] == values(
        ask(
            "jobs",
            store("""
            to  | job | kind     | at   | code
            ann | j1  | sent     | +0   |
            ann | j1  | delivery | +20  |
            bob | j1  | delivery | +40  |
            bob | j1  | open     | +300 |
            cat | j2  | bounce   | +60  | 5.1.1
        """),
        ),
        "job_id",
        "attempted",
        "delivered",
        "bounced",
        "first_at",
        "last_at",
        "span_s",
        "delivery_median_s",
    )


def test_outcomes_tell_the_crm_and_the_next_wave() -> None:
    """
    Per recipient of a job: the state, the bounce that stands with its verdict, opens and clicks;
    other jobs are left out.
    """
    known = store("""
        to  | job | kind     | at   | code  | url
        ann | j1  | delivery | +1   |       |
        ann | j1  | open     | +60  |       |
        ann | j1  | click    | +90  |       | https://shop.example/
        bob | j1  | bounce   | +1   | 5.1.1 |
        cat | j1  | bounce   | +1   | 4.2.2 |
        dan | j1  | sent     | +1   |       |
        eve | j2  | delivery | +1   |       |
    """)
    rows = outcomes(Engine(known), "c", ["j1"])["j1"]

    assert [
        (
            "ann@gmail.example",
            "delivered",
            ("", ""),
            "2026-09-14T09:01:00Z",
            [("https://shop.example/", "2026-09-14T09:01:30Z")],
        ),
        ("bob@gmail.example", "bounced", ("hard", "no"), None, []),
        ("cat@gmail.example", "bounced", ("soft", "later"), None, []),
        ("dan@gmail.example", "", ("", ""), None, []),
    ] == [
        (
            row["email"],
            row["state"],
            (row["kind"], row["retry"]),
            row["opened_at"],
            row["clicks"],
        )
        for row in rows
    ]
    assert ("invalid_recipient", "no", "now") == (
        rows[1]["category"],
        rows[1]["retry"],
        rows[1]["suppress"],
    )
    assert {} == outcomes(Engine(known), "not yet", ["j1"])


def test_a_message_is_judged_by_all_its_events_whichever_jobs_were_asked_for() -> None:
    """
    Asked alone or among others, a job's answer is the same; an event under another job, or under
    none, still belongs to its message.
    """
    known = store("""
        to  | job | msg | kind     | at   | code
        ann | j1  | m1  | bounce   | +1   | 4.2.2
        ann | j0  | m1  | delivery | +90  |
        ann |     | m1  | open     | +95  |
        bob | j1  | m2  | delivery | +1   |
        bob | j2  | m2  | bounce   | +60  | 5.1.1
        cat | j2  | m3  | delivery | +1   |
    """)
    everything = outcomes(Engine(known), "c", ["j0", "j1", "j2"])

    assert {"j1": ["delivered"], "j2": ["bounced", "delivered"]} == {
        job: [row["state"] for row in rows] for job, rows in everything.items()
    }
    assert everything == {
        job: rows
        for asked in ("j0", "j1", "j2")
        for job, rows in outcomes(Engine(known), "c", [asked]).items()
    }
    assert {} == outcomes(Engine(known), "c", [])


# ---- data quality and suspects
# -----------------------------------------------------------------------------------


def test_data_quality_counts_what_is_odd() -> None:
    """Each oddity is said, and none is thrown away silently."""
    odd = checks("""
        to          | id | msg | kind     | at   | code  | url
        ann         | 1  | m1  | delivery | +10  |       |
        ann         | 2  | m1  | delivery | +10  |       |
        ann         | 3  | m1  | open     | +5   |       |
        ann         | 4  | m1  | click    | +6   |       | https://shop.example/
        bob         | 5  | m2  | delivery | +10  |       |
        bob         | 6  | m2  | open     | +15  |       |
        bob         | 7  | m2  | bounce   | +99  | 5.1.1 |
        cat         | 8  | m3  | open     |      |       |
        dan         | 9  | m4  | click    | +5   |       | https://shop.example/
        e@x.example | 10 | m5  | delivery | +10  |       |
        e@x.example | 11 | m5  | click    | +20  |       | https://shop.example/
        fay         | 12 | m6  | unknown  | +10  |       |
        gus         | 13 | m7  | sent     | +10  |       |
        gus         | 13 | m7  | sent     | +10  |       |
        gus         | 14 | m7  | none     | +10  |       |
    """)

    assert {
        "repeated_rows": 1,
        "same_content": 1,
        "without_timestamp": 1,
        "unknown_kind": 1,
        "says_nothing": 1,
        "without_recipient_id": 2,
        "without_message_id": 0,
        "unattributed": 0,
        "not_bounces": 0,
        "late_bounces": 1,
        "without_outcome": 2,
        "orphan_opens": 1,
        "orphan_clicks": 1,
        "active_though_bounced": 1,
        "opens_before_delivery": 1,
        "clicks_before_delivery": 1,
        "fast_opens": 1,
        "clicks_without_open": 1,
        "machine_opens": 0,
        "not_sent": 0,
        "opens": 3,
        "clicks": 3,
        "deferrals": None,
        "complaints": None,
        "unsubscribes": None,
    } == odd


def test_what_the_platform_did_not_send_has_its_own_row() -> None:
    """
    Rejects and rendering failures are named with their words; they aren't among the messages of
    which nothing is known.
    """
    [row] = [
        row
        for row in ask(
            "data_quality",
            store("""
        to  | kind       | at
        ann | suppressed | +1
        bob | suppressed | +1
        cat | suppressed | +1
        cat | delivery   | +2
        dan | sent       | +1
    """),
        ).records()
        if row["check"] == "not_sent"
    ]

    assert (2, 4, "messages not sent by the platform; not attempted: suppressed 2") == (
        row["count"],
        row["total"],
        row["meaning"],
    )


def test_what_a_feed_never_has_is_not_measured() -> None:
    """No complaint in the feed is missing, not zero; one makes it a count."""
    assert checks("to | kind | at\n ann | delivery | +1")["complaints"] is None
    assert 1 == checks("to | kind | at\n ann | delivery | +1\n ann | complaint | +9")["complaints"]


def test_data_quality_has_a_row_for_every_campaign_and_check(tmp_path: Path) -> None:
    """The list of checks is complete for each campaign, and can't be split."""
    both = EventStore(tmp_path)
    store(SPLIT, "q2", both)
    store(SPLIT, "q3", both)

    assert [(campaign, check.name) for campaign in ("q2", "q3") for check in CHECKS] == values(
        ask("data_quality", both), "campaign", "check"
    )
    with pytest.raises(StoreError, match="can't be split"):
        ask("data_quality", both, by="day")


CLICKERS = """
    to  | email           | kind     | at     | url
    ann | a@gmail.example | delivery | +0     |
    ann | a@gmail.example | open     | +50    |
    ann | a@gmail.example | click    | +60    | https://shop.example/1
    bob | b@corp.example  | delivery | +0     |
    bob | b@corp.example  | click    | +100   | https://shop.example/1
    bob | b@corp.example  | click    | +100.5 | https://shop.example/2
    cat | c@corp.example  | delivery | +0     |
    cat | c@corp.example  | open     | +60    |
    cat | c@corp.example  | click    | +70    | https://shop.example/1
    cat | c@corp.example  | click    | +73    | https://shop.example/2
    cat | c@corp.example  | click    | +76    | https://shop.example/3
    dan | d@mail.example  | delivery | +0     |
    dan | d@mail.example  | click    | +2     | https://shop.example/1
    eve | e@mail.example  | delivery | +0     |
    eve | e@mail.example  | click    | +25    | https://shop.example/1
"""


def test_suspects_are_tagged_by_rule_and_still_counted() -> None:
    """
    One strong rule or two weak ones make a suspect; images blocked (r4 alone) doesn't; clicked
    stays as it is.
    """
    known = store(CLICKERS)

    assert [
        ("r1", 1, 5),
        ("r2", 1, 5),
        ("r3", 1, 5),
        ("r4", 2, 5),
        ("r5", 0, 5),
        ("suspect", 3, 5),
        ("human", 2, 5),
        ("human_clicked", 2, 5),
        ("human_unsubscribed", 0, 5),
    ] == values(ask("suspects", known), "rule", "clickers", "total")
    assert [5] == ask("funnel", known).clicked.tolist()
    assert [("corp.example", 2), ("gmail.example", 0), ("mail.example", 1)] == values(
        (table := ask("suspects", known, by="domain"))[table.rule == "suspect"],
        "domain",
        "clickers",
    )


def test_a_domain_full_of_scanners_makes_its_fast_clickers_suspect() -> None:
    """
    Three of five at one domain click everything at once: the early clicks of the other two are weak
    hits, and one is early indeed.
    """
    scanners = "".join(
        f"s{n} | s{n}@corp.example | delivery | +0 |\n s{n} | s{n}@corp.example | open | +90 |\n s{n} | s{n}@corp.example | click | +100 | https://shop.example/1\n"
        f" s{n} | s{n}@corp.example | click | +100 | https://shop.example/2\n"
        for n in range(3)
    )
    people = "".join(
        f"p{n} | p{n}@corp.example | delivery | +0 |\n p{n} | p{n}@corp.example | click | +{at} | https://shop.example/1\n"
        for n, at in enumerate((20, 50))
    )

    assert [
        ("r1", 3),
        ("r2", 0),
        ("r3", 0),
        ("r4", 1),
        ("r5", 2),
        ("suspect", 4),
        ("human", 1),
        ("human_clicked", 1),
        ("human_unsubscribed", 0),
    ] == values(
        ask("suspects", store("to | email | kind | at | url\n" + scanners + people)),
        "rule",
        "clickers",
    )


def test_scanners_are_found_where_memory_is_short(tmp_path: Path) -> None:
    """A real DuckDB that can't hold all messages and clicks at once; the answers are the same."""
    write_campaign(tmp_path / "events" / "campaign=c", 500_000, seed=1)
    plenty = EventStore(tmp_path / "events", Resources(tmp_path / "spill"))
    little = EventStore(tmp_path / "events", Resources(tmp_path / "spill", "24 MB", threads=2))

    assert ask("links", plenty).equals(ask("links", little))


# ---- tables and SQL
# ----------------------------------------------------------------------------------------------


def test_300_000_events_are_counted(tmp_path: Path) -> None:
    """
    No join grows with the square of the events; a quadratic one wouldn't come back from 300,000.
    """

    def stream() -> Iterator[Event]:
        at = datetime(2026, 9, 14, tzinfo=UTC)
        for number in range(100_000):
            known: dict[str, Any] = {
                "message_id": f"m{number}",
                "recipient_id": f"r{number}",
                "email": f"p{number}@gmail.example",
                "ts": at + timedelta(seconds=number),
            }
            yield Event(f"{number}d", "delivery", "delivery", **known)
            yield Event(f"{number}o", "open", "open", **known)
            yield Event(
                f"{number}c",
                "click",
                "click",
                link_url=f"https://shop.example/{number % 9}",
                **known,
            )

    target = EventStore(tmp_path)
    target.add("c", stream(), source="test", received_at=RECEIVED)
    table = ask("funnel", target, by=["provider", "day"])

    assert (100_000, 100_000) == (table.attempted.sum(), table.clicked.sum())


def test_a_bounce_is_an_outcome_whatever_else_the_feed_tells() -> None:
    """Who bounced is not among those of whom nothing is known, though nothing is attempted."""
    quality = ask(
        "data_quality",
        store("""
        to  | kind     | at | code
        ann | bounce   | +1 | 5.1.1
        bob | deferral | +1 |
    """),
    ).set_index("check")

    assert 1 == quality["count"]["without_outcome"]


def test_jobs_tell_what_the_api_told_of_them() -> None:
    """Latency and spam score of a job that was sent from here; of others they are missing."""
    told = [("j1", 4.25, 1.6), ("elsewhere", 1.0, None)]
    engine = Engine(
        store("""
            to  | job | kind
            ann | j1  | delivery
            bob | j2  | delivery
        """),
        job_facts=lambda: told,
    )
    rows = answer(engine, "jobs", "c")

    assert [("j1", 4.25, 1.6), ("j2", None, None)] == values(
        rows, "job_id", "latency_s", "spam_score"
    )
    assert ["4.2", "s", "1.6"] == rows.text().splitlines()[1].split()[-3:]
