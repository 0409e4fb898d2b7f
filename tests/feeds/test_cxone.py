"""CXone: the same events from a file as from the API."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from cxtools.events.store import EventStore
from cxtools.model import Event
from tests.imports import NOW, counts, import_content

CXONE_ROWS = [
    {
        "eventType": "delivery",
        "jobId": "j1",
        "messageId": "m1",
        "recipientId": "r1",
        "emailAddress": "Ann@one.example",
        "timestamp": "2026-09-14T11:00:00+02:00",
    },
    {
        "eventType": "click",
        "jobId": "j1",
        "messageId": "m1",
        "recipientId": "r1",
        "emailAddress": "ann@one.example",
        "timestamp": "2026-09-14T09:30:00Z",
        "linkUrl": "https://shop.example/",
    },
    {
        "eventType": "bounce",
        "jobId": "j1",
        "messageId": "m2",
        "recipientId": "r2",
        "emailAddress": "bob@two.example",
        "timestamp": "2026-09-14T09:00:00Z",
        "bounceCode": "5.1.1",
        "bounceDescription": "nobody",
    },
]


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return "\n".join(
        [",".join(columns), *(",".join(str(row.get(name, "")) for name in columns) for row in rows)]
    )


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"results": CXONE_ROWS, "nextCursor": None}),
        json.dumps(CXONE_ROWS),
        "\n".join(map(json.dumps, CXONE_ROWS)),
        as_csv(CXONE_ROWS),
        "\n".join(json.dumps({"results": [row]}) for row in CXONE_ROWS),
    ],
    ids=["page", "array", "lines", "CSV", "pages"],
)
def test_cxone_events_are_the_same_from_a_file_as_from_the_api(
    target: EventStore, content: str
) -> None:
    """
    The export of a page, of lines or of a table has the ids that collecting would give, so both
    together are no duplicates.
    """
    target.add("c", map(Event.from_api, CXONE_ROWS), source="cxone", received_at=NOW)

    assert (3, 0, 3, 0) == counts(import_content(target, content))
