"""A few thousand of the rows that `tests.feeds.fuzz` makes by the million."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.feeds.fuzz import TEXTS, Fuzzing, contradictions

ROWS = 2_000
EVENT: dict[str, Any] = {
    **dict.fromkeys(TEXTS, ""),
    "event_id": "e1",
    "kind": "bounce",
    "ts": None,
    "raw": '{"id": "e1", "who": "Ann@one.example", "why": {"code": 550, "hard_bounce": true}}',
}


def test_no_mutated_row_is_lost_or_contradicted(tmp_path: Path) -> None:
    """No exception but a refusal, each row counted, each event told by the row that it keeps."""
    fuzzing = Fuzzing(tmp_path, seed=2026)
    fuzzing.run(ROWS)

    assert [] == fuzzing.problems
    assert ROWS <= fuzzing.counts["rows"]
    assert ROWS / 2 < fuzzing.counts["events"]


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
