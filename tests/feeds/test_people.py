"""Tables with one person a row: what their columns tell, and what can't be told of counts."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from cxtools.errors import ConfigError
from cxtools.events.feeds.dialect import Dialect
from cxtools.events.feeds.table import TableReader
from cxtools.events.feeds.wide import marks
from cxtools.events.store import EventStore
from tests.imports import import_content, query

ANN = {"email": "ann@one.example"}


def kinds(
    row: Mapping[str, object],
    column_map: Mapping[str, str] | None = None,
    event_map: Mapping[str, str] | None = None,
) -> list[str]:
    """The kinds of a row's events."""
    dialect = Dialect(event_map=event_map or {})
    return [event.kind for event in TableReader(column_map).events(ANN | dict(row), dialect)]


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("opened", "opened"),
        ("Opened Email", "opened"),
        ("is_opened", "opened"),
        ("isOpened", "opened"),
        ("opens", "opens"),
        ("Total Opens", "opens"),
        ("Unique Opens", "opens"),
        ("# Opens", "opens"),
        ("open_count", "open"),
        ("Number of Clicks", "clicks"),
        ("Opened At", "opened"),
        ("opened_first_time_at", "opened"),
        ("Last Click Date", "click"),
        ("Sent At (Your time zone)", "sent"),
        ("emails_sent", "sent"),
        ("Hard Bounced", "hardbounced"),
        ("soft_bounces", "softbounces"),
        ("Marked Email as Spam", "markedspam"),
        ("Unsubscribed", "unsubscribed"),
        ("Open rate", None),
        ("Bounce Reason", None),
        ("Email", None),
        ("Send Weekday", None),
        ("opening_hours", None),
        ("", None),
    ],
)
def test_a_column_tells_by_its_name_what_it_is_about(column: str, kind: str | None) -> None:
    """Case, spaces and words that say nothing don't matter; a rate or a reason is no event."""
    assert ([kind] if kind else []) == [mark.word for mark in marks([column])]


@pytest.mark.parametrize(
    ("cell", "happened"),
    [
        ("1", True),
        ("3", True),
        ("2.0", True),
        ("TRUE", True),
        ("t", True),
        ("yes", True),
        ("x", True),
        ("2026-03-02T09:10:00Z", True),
        (True, True),
        (4, True),
        ("0", False),
        ("00", False),
        ("false", False),
        ("f", False),
        ("no", False),
        ("", False),
        ("-", False),
        ("n/a", False),
        (None, False),
        (False, False),
        (0.0, False),
        (float("nan"), False),
    ],
)
def test_a_cell_is_a_flag_a_count_or_a_moment(cell: object, happened: bool) -> None:
    """However it is written, it says whether the person opened."""
    assert ["sent", *["open"][:happened]] == kinds({"sent": 1, "opened": cell})


def test_moments_make_an_event_each_and_their_flag_none_more() -> None:
    """First and last are two opens, unless they are one; a date without a time is one, too."""
    row = {"sent": "1", "opened": "t", "opened_first": "2026-03-02", "opened_last": "2026-03-03"}

    assert ["sent", "open", "open"] == kinds(row)
    assert ["sent", "open"] == kinds(row | {"opened_last": "2026-03-02"})


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"sent": "1", "opened": "f", "opened_at": "2026-03-02"}, "another that it was not"),
        ({"sent": "1", "opened": "perhaps"}, "can't be read"),
        ({"sent": "1", "opened": "0.5"}, "can't be read"),
        ({"opened": "0", "clicked": "0"}, "--event-map =sent"),
    ],
)
def test_a_row_that_contradicts_itself_or_tells_nothing_is_set_aside(
    row: dict[str, str], reason: str
) -> None:
    """Each with what is wrong; a person of whom nothing is told was perhaps never mailed."""
    with pytest.raises(ValueError, match=reason):
        kinds(row)


def test_rows_are_mailed_people_if_the_user_says_so() -> None:
    """`--event-map =sent` is one event more for each row."""
    assert ["sent"] == kinds({"opened": "0"}, event_map={"": "sent"})
    assert ["sent", "open"] == kinds({"opened": "1"}, event_map={"": "sent"})


def test_a_person_who_was_not_mailed_has_no_event() -> None:
    """Nothing happened, and the row says that nothing was sent."""
    assert [] == kinds({"sent": "0", "opened": "0"})


def test_any_column_can_be_named_as_a_kind() -> None:
    """`--map visit=click`: then its flags are clicks."""
    row = {"segment": "Mens", "visit": "1", "conversion": "0"}

    assert ["click"] == kinds(row, {"visit": "click"})


def test_a_column_called_type_is_no_event_beside_columns_for_things() -> None:
    """It may be the sort of the mailing; with one such column only, it says what happened."""
    assert ["sent", "open"] == kinds({"type": "newsletter", "sent": "1", "opened": "1"})
    assert ["click"] == kinds({"type": "click", "sent_at": "2026-03-02"})
    assert ["click"] == kinds({"event": "click", "sent": "1", "opened": "1"})


@pytest.mark.parametrize(
    ("row", "has_bounced"),
    [
        ({"bounce_reason": "550 5.1.1 user unknown"}, True),
        ({"Bounce Reason": "mailbox full"}, True),
        ({"bounce_code": "5.1.1"}, True),
        ({"Bounce Type": "Hard"}, True),
        ({"response": "smtp; 550 5.1.1 no"}, True),
        ({"bounced_at": "", "bounce_reason": "mailbox full"}, True),
        ({"bounce_reason": ""}, False),
        ({"bounce_reason": "none"}, False),
        ({"bounce_code": "0"}, False),
        ({"bounce_code": "250 2.0.0"}, False),
        ({"response": "250 queued as 512"}, False),
        ({"reason": "moved away"}, False),
        ({"bounced": "no", "bounce_reason": "550 5.1.1 user unknown"}, False),
    ],
)
def test_who_has_a_reason_to_bounce_has_bounced(row: dict[str, str], has_bounced: bool) -> None:
    """Where no other column says whether a mail came back, that of its reason does."""
    assert ["sent", *["bounce"][:has_bounced]] == kinds({"sent": "1", "delivered": "0"} | row)


@pytest.mark.parametrize(
    "cell",
    [
        "0000-00-00 00:00:00",
        "0000-00-00",
        "1970-01-01 00:00:00",
        "1970-01-01T00:00:00Z",
        "1970-01-01 00:00:00.000+00:00",
        "0001-01-01T00:00:00",
        "0",
    ],
)
def test_the_first_day_of_a_calendar_is_never(cell: str) -> None:
    """What databases write where there is no moment."""
    assert ["sent"] == kinds({"sent": "1", "opened_at": cell})


@pytest.mark.parametrize("sort", ["Hard", "Soft", "hard bounce", "Transient"])
def test_a_column_of_bounces_may_hold_their_sort(sort: str) -> None:
    """It is one bounce of that class."""
    row = ANN | {"sent": "yes", "Bounced": sort}

    assert [("sent", ""), ("bounce", sort)] == [
        (event.kind, event.bounce_class) for event in TableReader().events(row)
    ]


def test_columns_of_moments_are_not_the_events_moment() -> None:
    """Several columns with moments would leave open which is meant; each has its own thing."""
    row = {"sent_at": "2026-03-02", "opened_at": "2026-03-03", "clicked_at": ""}
    events = TableReader().events(ANN | row)

    assert [("sent", 2), ("open", 3)] == [
        (event.kind, event.ts.day if event.ts else None) for event in events
    ]


PEOPLE_AND_MAILINGS = """user,mailing,sent_on,opened,clicked
u1,spring,2026-03-02,1,0
u1,autumn,2026-09-02,0,0
u2,autumn,2026-09-02,1,1
"""


def test_two_mailings_to_one_person_are_two_messages(target: EventStore) -> None:
    """A person's row is the message of one mailing, which its columns name."""
    import_content(target, PEOPLE_AND_MAILINGS)

    assert [("u1", 2), ("u2", 1)] == query(
        target, "recipient_id, count(distinct message_id)", "kind = 'sent' group by all"
    )
    assert [("spring", "u1")] == query(
        target, "message_id, recipient_id", "kind = 'open' and recipient_id = 'u1'"
    )


def test_what_was_before_the_sending_is_another_mailings(target: EventStore) -> None:
    """It is left out and counted; who unsubscribed long ago has done so still."""
    content = """email,last_sent,last_opened,last_bounced,unsubscribed_at
ann@one.example,2026-03-02,2024-01-05,,
bob@one.example,2026-03-02,,2023-05-01,2024-01-05
cyd@one.example,2026-03-02 09:00,2026-03-02,,
"""
    done = import_content(target, content)

    assert {"sent": 3, "open": 1, "unsubscribe": 1} == done.kinds
    assert [
        "left out, since it was days before the sending in the same row: 2 events"
    ] == done.warnings


def test_two_mails_to_one_person_that_nothing_tells_apart_are_said(target: EventStore) -> None:
    """They count as one."""
    row = "ann@one.example,1,{}\n"
    done = import_content(target, "email,sent,opened\n" + row.format(1) + row.format(0))

    assert done.warnings[0].startswith("rows of somebody who had one before: 1; ")


def test_the_same_list_later_adds_what_is_new(target: EventStore) -> None:
    """An export that is made again has the same events, and those that came since."""
    import_content(target, PEOPLE_AND_MAILINGS)
    done = import_content(target, PEOPLE_AND_MAILINGS.replace("02,0,0", "02,1,0"))

    assert (1, 6) == (done.added, done.duplicates)


@pytest.mark.parametrize(
    "content",
    [
        "Title,Subject,Total Recipients,Unique Opens,Open Rate\nMarch,Hello,100,40,42.11%\n",
        "campaign,emails_sent,opens,clicks\nspring,1000,400,75\nautumn,900,300,60\n",
        "date,sent,opened\n2026-03-02,1000,400\n",
        "email,emails_sent,opens\nann@one.example,1,1\nbob@two.example,12,3\n",
    ],
    ids=["export of campaigns", "by campaign", "by day", "by person"],
)
def test_counts_of_many_mails_are_refused_as_a_whole(target: EventStore, content: str) -> None:
    """Nobody's opens can be attributed: the tool says so, and keeps nothing of the file."""
    with pytest.raises(ConfigError, match="can't be attributed"):
        import_content(target, content)

    assert [] == query(target, "*")


def test_counts_among_rows_of_json_are_set_aside(target: EventStore) -> None:
    """A stream has rows of many sorts: one that counts costs itself."""
    done = import_content(
        target,
        [{"campaign": "spring", "opens": 400}, ANN | {"event": "open", "time": "2026-03-02"}],
    )

    assert (1, 1) == (done.added, done.rejected)


def test_each_row_can_be_a_person_without_a_name(target: EventStore) -> None:
    """`--map =recipient_id` takes the number of the row, so that equal rows are different people."""
    content = "segment,visit\nMens,1\nMens,1\nWomens,0\n"
    done = import_content(
        target,
        content,
        column_map={"": "recipient_id", "visit": "click"},
        event_map={"": "sent"},
    )

    assert 5 == done.added
    assert [("click", 2), ("sent", 3)] == query(
        target, "kind, count(distinct recipient_id)", "true group by all"
    )


def test_without_that_it_is_said_how(target: EventStore) -> None:
    """The refusal names both ways out."""
    content = "segment,clicked\nMens,1\n"
    with pytest.raises(ConfigError, match="--map =recipient_id"):
        import_content(target, content)
