"""Postfix: lines of a log, joined by their queue ids, and the year that they don't name."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from cxtools.events import feeds
from cxtools.events.lines import Unreadable
from cxtools.events.log_lines import log_rows

LAST = datetime(2026, 3, 5, tzinfo=UTC)
SENT = "4ABC: to=<ann@one.example>, relay=mx.one.example[192.0.2.5]:25, dsn=2.0.0, status=sent (ok)"


def events_of(*said: str, day: str = "Mar  2") -> list[tuple[str, str, str]]:
    """Kind, message and address of each event in a log of these lines."""
    text = "".join(f"{day} 10:00:01 mx postfix/{line}\n" for line in said)
    found = []
    for line in log_rows(io.StringIO(text), LAST, []):
        assert isinstance(line.row, dict)
        for event in feeds.read(line.row, "postfix"):
            found.append((event.kind, event.message_id, event.email))
    return found


def test_lines_of_one_queue_id_are_one_message() -> None:
    """The Message-ID stands in a line of its own; without it the queue id is the message's."""
    named = "cleanup[1]: 4ABC: message-id=<m1@sender.example>"

    assert [("delivery", "m1@sender.example", "ann@one.example")] == events_of(
        named, f"smtp[2]: {SENT}"
    )
    assert [("delivery", "4ABC", "ann@one.example")] == events_of(f"smtp[2]: {SENT}")


def test_a_queue_id_is_used_again_after_its_mail_is_removed() -> None:
    """Short queue ids come back: what was known of the old mail isn't the new one's."""
    assert [("delivery", "4ABC", "ann@one.example")] == events_of(
        "cleanup[1]: 4ABC: message-id=<m1@sender.example>",
        "qmgr[1]: 4ABC: removed",
        f"smtp[2]: {SENT}",
    )


@pytest.mark.parametrize(
    "said",
    [
        "bounce[1]: 4ABD: sender non-delivery notification: 4ABC",
        "qmgr[1]: 4ABC: from=<>, size=9000, nrcpt=1 (queue active)",
    ],
    ids=["a notice is announced", "null sender"],
)
def test_a_notice_to_the_sender_is_not_a_delivery_of_the_campaign(said: str) -> None:
    """A mail about a bounce goes to the sender: it is nobody's of the campaign."""
    assert [] == events_of(said, f"smtp[2]: {SENT}")


def test_a_mail_that_expired_bounces_for_those_who_never_got_it() -> None:
    """Postfix names no recipient then: they are those whose last attempt was put off."""
    later = "4ABC: to=<{}>, relay=none, dsn=4.4.1, status=deferred (connection timed out)"

    assert [
        ("deferral", "4ABC", "ann@one.example"),
        ("deferral", "4ABC", "bob@two.example"),
        ("delivery", "4ABC", "ann@one.example"),
        ("bounce", "4ABC", "bob@two.example"),
    ] == events_of(
        f"smtp[2]: {later.format('ann@one.example')}",
        f"smtp[2]: {later.format('bob@two.example')}",
        f"smtp[2]: {SENT}",
        "qmgr[1]: 4ABC: from=<news@sender.example>, status=expired, returned to sender",
    )


@pytest.mark.parametrize(
    ("day", "year"),
    [("Mar  2", 2026), ("Mar  6", 2026), ("Mar  9", 2025), ("Dec 31", 2025), ("Feb 29", 2024)],
)
def test_the_year_of_a_line_is_the_last_before_the_file_was_written(day: str, year: int) -> None:
    """Syslog names no year; the file's own moment tells it, a day or two around it."""
    text = f"{day} 10:00:01 mx postfix/smtp[2]: {SENT}"
    notes: list[str] = []
    [line] = log_rows(io.StringIO(text), LAST, notes)
    assert isinstance(line.row, dict)
    [event] = feeds.read(line.row, "postfix")

    assert 1 == len(notes)
    assert event.ts is not None
    assert (year, 10) == (event.ts.year, event.ts.hour)


def test_lines_that_are_none_of_a_log_are_set_aside() -> None:
    """What isn't a line of syslog is kept as unreadable, blank lines are nothing."""
    [line] = log_rows(io.StringIO("\n--- rotated ---\n"), LAST, [])

    assert Unreadable("not a line of a log", "--- rotated ---") == line.row


def test_a_delivery_in_another_form_is_set_aside() -> None:
    """A status without a recipient is said not to be understood."""
    with pytest.raises(ValueError, match="of another form"):
        events_of("smtp[2]: 4ABC: status=sent")
