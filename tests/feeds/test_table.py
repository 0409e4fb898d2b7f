"""Tables: columns and words by their common names, or as the user maps them."""

from __future__ import annotations

from typing import Any

import pytest

from cxtools.events.store import EventStore
from tests.imports import TABLE, counts, import_content, query


def test_a_table_with_common_column_names_needs_no_map(target: EventStore) -> None:
    """
    Columns and words that everybody uses are understood, moments in any form, unknown words kept.
    """
    assert (5, 5, 0, 0) == counts(import_content(target, TABLE))
    assert [
        ("bounce", "hard bounce", "bob@two.example", "m2", "5.1.1", "09:00"),
        ("click", "click", "ann@one.example", "m1", "", "09:11"),
        ("delivery", "Delivered", "ann@one.example", "m1", "", "09:00"),
        ("open", "opened", "ann@one.example", "m1", "", "09:10"),
        ("unknown", "teleported", "bob@two.example", "m2", "", None),
    ] == query(target, "kind, raw_kind, email, message_id, bounce_code, strftime(ts, '%H:%M')")


def test_a_map_says_what_the_names_dont(target: EventStore) -> None:
    """`--map` names the columns, `--event-map` the words; what is mapped isn't guessed any more."""
    content = "who,what,when,mail\nann@one.example,sent out,2026-09-14T09:00:00Z,7\nann@one.example,read,2026-09-14T09:10:00Z,7\n"
    import_content(
        target,
        content,
        column_map={"who": "email", "what": "event", "when": "timestamp", "mail": "message_id"},
        event_map={"sent out": "delivery", "read": "open"},
    )

    assert [
        ("delivery", "7", "ann@one.example", 0),
        ("open", "7", "ann@one.example", 10),
    ] == query(target, "kind, message_id, email, minute(ts)")


def test_a_list_of_openers_is_a_table_of_opens(target: EventStore) -> None:
    """
    The empty word is the kind of rows that have none; a header in quotes is read without them.
    """
    import_content(
        target,
        '"""email_id"""\n101\n102\n',
        column_map={'"email_id"': "recipient_id"},
        event_map={"": "open"},
    )

    assert [("101", "open"), ("102", "open")] == query(target, "recipient_id, kind")


def test_people_without_ids_stay_apart(target: EventStore) -> None:
    """Two people who open in the same second are two events, though the table has no ids."""
    content = "event,email,time\nopen,ann@one.example,2026-09-14\nopen,bob@one.example,2026-09-14\n"

    assert 2 == import_content(target, content).added


@pytest.mark.parametrize(
    ("cells", "people"),
    [
        ({"to": ["ann@one.example"]}, ["ann@one.example"]),
        ({"to": ["ann@one.example", "bob@one.example"]}, ["ann@one.example", "bob@one.example"]),
        ({"to": [{"email": "ann@one.example"}]}, ["ann@one.example"]),
        ({"to": {"email": "ann@one.example"}}, ["ann@one.example"]),
        ({"to": {"name": "Ann"}}, []),
        ({"to": []}, [""]),
        ({"to": "ann@one.example", "reason": {"code": 550}}, []),
        ({"to": "ann@one.example", "reason": ["a", "b"]}, []),
        ({"to": "ann@one.example", "score": {"a": [1, 2]}}, ["ann@one.example"]),
    ],
)
def test_a_list_of_addresses_is_one_event_each_and_nothing_nested_a_text(
    target: EventStore, cells: dict[str, Any], people: list[str]
) -> None:
    """A list of one is what it holds; other lists and objects cost their row, if they are read."""
    bounce = {"event": "bounce", "message_id": "m1", **cells}
    done = import_content(target, [bounce, {"event": "open", "message_id": "m2"}])

    assert (not people) == (done.rejected == 1)
    assert [(person,) for person in people] == query(target, "email", "kind = 'bounce'")
