"""What `tests.feeds.fuzz` holds against an event."""

from __future__ import annotations

from typing import Any

import pytest

from tests.feeds.fuzz import TEXTS, contradictions

EVENT: dict[str, Any] = {
    **dict.fromkeys(TEXTS, ""),
    "event_id": "e1",
    "kind": "bounce",
    "ts": None,
    "raw": '{"id": "e1", "who": "Ann@one.example", "why": {"code": 550, "hard_bounce": true}}',
}


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"email": "ann@one.example", "bounce_code": "550"}, []),
        ({"bounce_class": "mailjet: hard"}, []),
        ({"email": "bob@one.example"}, ["email"]),
        ({"bounce_code": "551"}, ["bounce_code"]),
        ({"bounce_class": "mailjet: blocked"}, ["bounce_class"]),
        ({"kind": "teleported"}, ["kind"]),
        ({"event_id": "e2"}, ["event_id"]),
        ({"message_id": "['e1', 'e3']"}, ["message_id"]),
    ],
)
def test_what_a_row_does_not_say_is_found(changed: dict[str, Any], found: list[str]) -> None:
    """The property can fail: words of an event that its row doesn't have."""
    assert found == contradictions(EVENT | changed)
