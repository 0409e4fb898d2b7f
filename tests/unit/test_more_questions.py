"""Questions beside the reports, each with its right values on a small feed made by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from cxtools.events.store import EventStore
from tests.imports import import_content
from tests.tables import ask, store

#: From Monday, September 14th 2026, 09:00 UTC.
FEED = store("""
    to  | kind        | at     | email         | code  | text         | url
    ann | sent        | +0     | ann@gmail.com |       |              |
    ann | delivery    | +10    | ann@gmail.com |       |              |
    ann | open        | +3610  | ann@gmail.com |       |              |
    ann | open        | +3700  | ann@gmail.com |       |              |
    ann | click       | +3800  | ann@gmail.com |       |              | https://x.example/a
    ann | click       | +3801  | ann@gmail.com |       |              | https://x.example/b
    ann | click       | +90000 | ann@gmail.com |       |              | https://x.example/a
    bob | sent        | +0     | bob@gmail.com |       |              |
    bob | deferral    | +5     | bob@gmail.com | 4.7.1 | try later    |
    bob | deferral    | +300   | bob@gmail.com | 4.7.1 | try later    |
    bob | delivery    | +900   | bob@gmail.com |       |              |
    bob | open        | +4501  | bob@gmail.com |       |              |
    bob | unsubscribe | +5000  | bob@gmail.com |       |              |
    bob | complaint   | +5001  | bob@gmail.com |       |              |
    cid | delivery    | 15 23:59:59 | cid@yahoo.com | |            |
    cid | bounce      | 17 23:59:59 | cid@yahoo.com | 5.1.1 | no such user |
    dan | bounce      | +20    | dan@corp.example | 5.1.1 | no such user |
    eve | delivery    | +20    | eve@yahoo.com |       |              |
    fay | bounce      | +20    | fay@yahoo.com | 5.1.1 | no such user |
    gus | delivery    | +20    | gus@yahoo.com |       |              |
    hal | sent        | 20 10:00:00 | hal@gmial.com | |            |
    ida | bounce      | 20 10:00:00 | ida@corp.con  | 5.1.2 | no such domain |
""")
HOUR, DAY = 3600, 86400
#: Question, how it is asked, the columns that are looked at, and their rows.
ANSWERS: list[tuple[str, dict[str, Any], list[str], list[tuple[Any, ...]]]] = [
    (
        "windows",
        {},
        ["kind", "hours", "recipients", "ever", "delivered"],
        [
            ("open", 1, 1, 2, 4),  # ann after an hour to the second, bob a second later
            ("open", 24, 2, 2, 4),
            ("open", 72, 2, 2, 4),
            ("open", 168, 2, 2, 4),
            ("click", 1, 0, 1, 4),
            ("click", 24, 1, 1, 4),
            ("click", 72, 1, 1, 4),
            ("click", 168, 1, 1, 4),
        ],
    ),
    (
        "repeats",
        {},
        ["kind", "times", "recipients", "events", "all_recipients", "share"],
        [("open", 1, 1, 1, 2, 0.5), ("open", 2, 1, 2, 2, 0.5), ("click", 3, 1, 3, 1, 1.0)],
    ),
    (
        "late_bounces",
        {},
        ["category", "kind", "recipients", "taken", "median_s", "p90_s", "share"],
        [("invalid_recipient", "hard", 1, 5, 2 * DAY, 2 * DAY, 0.2)],
    ),
    (
        "worst_domains",
        {},
        ["domain", "attempted", "bounced"],
        # 100 % of 1 is 20.7 % at least, 50 % of 4 is 15 %
        [("corp.con", 1, 1), ("corp.example", 1, 1), ("yahoo.com", 4, 2)],
    ),
    (
        "typo_domains",
        {},
        ["domain", "meant", "recipients", "attempted", "delivered", "bounced"],
        [("corp.con", "corp.com", 1, 1, 0, 1), ("gmial.com", "gmail.com", 1, 0, 0, 0)],
    ),
    (
        "first_links",
        {},
        ["link_url", "recipients", "all_recipients"],
        [("https://x.example/a", 1, 1)],
    ),
    (
        "send_times",
        {},
        ["weekday", "hour", "attempted", "delivered", "clicked"],
        [(1, 9, 6, 4, 1), (2, 23, 1, 0, 0), (7, 10, 1, 0, 0)],
    ),
    (
        "complaints",
        {"by": "provider"},
        ["provider", "delivered", "complained", "unsubscribed", "complaint_rate"],
        [("gmail", 2, 1, 1, 0.5), ("yahoo", 2, 0, 0, 0.0)],
    ),
    (
        "deferrals",
        {"by": "provider", "where": {"provider": ["gmail", "yahoo"]}},
        ["provider", "attempted", "deferred", "deferrals", "timed", "median_s", "p90_s"],
        [("gmail", 2, 1, 2, 2, 455, 811), ("yahoo", 4, 0, 0, 0, None, None)],
    ),
    (
        "deferrals",
        {"as_of": "2026-09-14T09:00:10Z"},
        ["attempted", "waiting", "messages", "deferred", "deferrals", "timed", "deferral_rate"],
        [(1, 1, 2, 1, 1, 1, 0.5)],  # bob waits still
    ),
]


@pytest.mark.parametrize(
    ("question", "how", "columns", "rows"),
    ANSWERS,
    ids=[f"{name} {how}" for name, how, *_ in ANSWERS],
)
def test_right_values(
    question: str, how: dict[str, Any], columns: list[str], rows: list[tuple[Any, ...]]
) -> None:
    """Cell by cell, in the order of the answer."""
    table = ask(question, FEED, "c", **how)[columns]

    assert rows == [tuple(row.values()) for row in table.records()]


#: Hours after the delivery -> the median and the ninth decile, in hours.
AFTER = [
    ([5], (5, 5)),
    ([2, 4], (3, 3.8)),
    ([9, 1, 5], (5, 8.2)),
    ([3, 3, 3, 8, 8, 8], (5.5, 8)),
    ([3, 3, 3, 8], (3, 6.5)),
    ([1, 2, 3, 27, 42, 43, 44, 45], (34.5, 44.3)),
]


@pytest.mark.parametrize(("hours", "expected"), AFTER)
@pytest.mark.parametrize(
    ("question", "first", "last"),
    [("late_bounces", "delivery", "bounce"), ("deferrals", "sent", "delivery")],
)
def test_medians_are_medians(
    question: str, first: str, last: str, hours: list[int], expected: tuple[float, float]
) -> None:
    """What lies between two is interpolated: of bounces after deliveries, and of mail that waits."""
    lines = ["to | kind | at | msg | email"]
    for number, after in enumerate(hours):
        days, hour = divmod(after, 24)
        who = f"p{number}"
        lines.append(f"{who} | {first} | 14 00:00 | m{number} | {who}@one.example")
        lines.append(f"{who} | {last} | {14 + days} {hour:02}:00 | m{number} | {who}@one.example")
    [row] = ask(question, store("\n".join(lines))).to_dict("records")

    assert expected == pytest.approx((row["median_s"] / 3600, row["p90_s"] / 3600))


def test_who_bounces_again() -> None:
    """Two of three campaigns are asked about, and the third counts for nothing; so does a split."""
    target = store("to | kind | at | email\nann | bounce | +0 | ann@x.example", "a")
    for name in ("b", "c"):
        text = "to | kind | at | email | code\nann | bounce | +9 | ann@x.example | 5.1.1\n"
        store(f"{text}bob | bounce | +9 | bob@y.example | 5.1.1", name, into=target)
    table = ask("repeat_bouncers", target, ["a", "b"], by="domain")
    columns = ["campaign", "domain", "campaigns", "recipients", "all_recipients"]

    assert [
        ("a", "x.example", 2, 1, 1),
        ("b", "x.example", 2, 1, 1),
        ("b", "y.example", 1, 1, 1),
    ] == [tuple(row.values()) for row in table[columns].records()]


@pytest.mark.parametrize("question", sorted({name for name, *_ in ANSWERS}))
def test_each_is_drawn(question: str) -> None:
    """With its table; and a feed that tells nothing of the kind is said to do so."""
    figure = ask(question, FEED, "c").chart()
    silent = ask(question, store("to | kind | at\nann | sent | +0"), "c").chart()

    assert figure.data
    assert figure.layout.meta["rows"]
    assert silent.layout.meta["title"]


def test_mail_that_a_block_holds_up_is_deferred_mail() -> None:
    """Of three that were sent two wait, and nothing was delivered or bounced but one."""
    held = store("""
        to  | kind     | at  | code
        ann | sent     | +0  |
        ann | delivery | +5  |
        bob | sent     | +0  |
        bob | deferral | +5  | 4.7.1
        cid | sent     | +0  |
        cid | deferral | +5  | 4.7.1
        cid | deferral | +65 | 4.7.1
    """)
    columns = ["attempted", "waiting", "messages", "deferred", "deferrals", "deferral_rate"]
    [row] = ask("deferrals", held)[columns].to_dict("records")

    assert (1, 2, 3, 2, 3, 2 / 3) == tuple(row.values())


def test_what_is_not_measured_is_missing() -> None:
    """No complaint and no deferral at all: 0 would be a claim."""
    silent = store("to | kind | at\nann | delivery | +0")

    assert [None] == [row["complaint_rate"] for row in ask("complaints", silent).records()]
    assert [None] == [row["deferral_rate"] for row in ask("deferrals", silent).records()]


def test_campaigns_without_clicks_are_no_part_of_the_share_of_an_hour() -> None:
    """Whose feed tells of none is delivered all the same."""
    told = [f"a{n} | delivery | +0" for n in range(200)]
    told += [f"a{n} | click | +9" for n in range(50)]
    target = store("to | kind | at\n" + "\n".join(told), "told")
    silent = "\n".join(f"b{n} | delivery | +0" for n in range(200))
    store(f"to | kind | at\n{silent}", "silent", target)
    sizes, shares = ask("send_times", target).chart().data[:2]

    assert "400" in str(sizes.text)
    assert "25.0" in str(shares.text)


def test_positions_are_those_that_the_feed_tells(target: EventStore) -> None:
    """Two people click the first link, one of them the third, too; of one click nothing is told."""
    places = [("ann", 0), ("bob", 0), ("ann", 2), ("cat", None)]
    clicks = [
        {
            "email": f"{who}@corp.example",
            "event": "click",
            "timestamp": 1789376400 + number,
            "sg_message_id": who,
            "sg_event_id": f"c{number}",
            "url": f"https://shop.example/{place}",
        }
        | ({} if place is None else {"url_offset": {"index": place, "type": "html"}})
        for number, (who, place) in enumerate(places)
    ]
    mail = [
        {
            "email": f"{who}@corp.example",
            "event": "delivered",
            "timestamp": 1789372800,
            "sg_message_id": who,
            "sg_event_id": f"d{who}",
        }
        for who in ("ann", "bob", "cat")
    ]
    import_content(target, [*mail, *clicks])
    table = ask("link_positions", target)

    assert [("html", 1, 2, 3), ("html", 3, 1, 3), (None, None, 1, 3)] == [
        tuple(None if pd.isna(value) else value for value in row)
        for row in table[["body", "position", "clickers", "all_clickers"]].itertuples(index=False)
    ]
    assert ask("link_positions", FEED).empty


#: What a feed tells beside two deliveries -> recipients, undated and rate of the first window of opens.
WINDOWS = [
    ("", (0, 0, None)),
    ("a | open | ", (0, 1, None)),
    ("a | open | +60", (1, 0, 0.5)),
    ("a | open | +60\nb | open | ", (1, 1, 0.5)),
    ("a | open | +90000", (0, 0, 0.0)),
]


@pytest.mark.parametrize(("told", "first"), WINDOWS)
def test_what_is_not_measured_is_no_zero(told: str, first: tuple[Any, ...]) -> None:
    """Neither where a feed tells of no opens, nor where no moment is known of those it tells of."""
    target = store(f"to | kind | at\na | delivery | +0\nb | delivery | +0\n{told}")
    table = ask("windows", target)
    row = table[(table["kind"] == "open") & (table["hours"] == 1)].to_dict("records")[0]
    rate = None if row["rate"] != row["rate"] else row["rate"]

    assert first == (row["recipients"], row["undated"], rate)
