"""Whose a row is: each row of JSON is judged by itself, a table by its header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxtools.events import feeds
from cxtools.events.store import EventStore
from tests.feeds.test_samples import SAMPLES, rows
from tests.imports import import_content, query, sendgrid_row

SES_ROW = {
    "eventType": "Delivery",
    "mail": {"messageId": "s1", "destination": ["ann@one.example"]},
    "delivery": {"timestamp": "2026-09-14T09:00:00Z", "recipients": ["ann@one.example"]},
}
CXONE_ROW = {"eventType": "OPEN", "messageId": "c1", "emailAddress": "bob@one.example"}
TABLE_ROW = {"kind": "click", "to": "cat@one.example", "message_id": "t1"}
OLD_SENDGRID_ROW = {
    "email": "dan@one.example",
    "timestamp": 1789376400,
    "event": "bounce",
    "type": "bounce",
    "reason": "500 unknown recipient",
}
#: A row, and its feed.
ROWS: list[tuple[dict[str, Any], str]] = [
    (SES_ROW, "ses"),
    ({**SES_ROW, "sg_event_id": None}, "ses"),
    ({"event": "open", "mail": "ann@one.example", "messageid": "m1"}, "table"),
    ({"detail-type": "open", "email": "ann@one.example"}, "table"),
    ({"Type": "open", "Message": "", "email": "ann@one.example"}, "table"),
    (sendgrid_row(1, "delivered"), "sendgrid"),
    ({"event": "processed", "email": "ann@one.example", "smtp-id": "<a@x.example>"}, "sendgrid"),
    ({"event": "open", "email": "ann@one.example", "sg_message_id": ""}, "sendgrid"),
    ({"event": "open", "email": "ann@one.example", "sg_message_id": None}, "table"),
    (OLD_SENDGRID_ROW, "sendgrid"),
    ({**OLD_SENDGRID_ROW, "message_id": "m1"}, "table"),
    ({**OLD_SENDGRID_ROW, "timestamp": "2026-09-14"}, "table"),
    ({"event": "open", "email": "ann@one.example", "timestamp": 1789376400}, "table"),
    (CXONE_ROW, "cxone"),
    ({"eventType": "open", "timestamp": 1789376400}, "table"),
    (TABLE_ROW, "table"),
]


@pytest.mark.parametrize(("row", "feed"), ROWS)
def test_a_row_is_recognised_by_marks_that_only_its_vendor_has(
    row: dict[str, Any], feed: str
) -> None:
    """A name without a value is no mark, and neither is a name that tables have, too."""
    assert feed == feeds.recognise(row)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_no_other_vendor_recognises_a_row(sample: Path) -> None:
    """Whose a row is doesn't hang on the order in which feeds are asked."""
    vendors = [feeds.feed(name) for name in feeds.NAMES if name != "table"]
    found = [{feed.NAME for feed in vendors if feed.recognises(row)} for row in rows(sample)]
    expected = {sample.parent.name} - {"table"}

    assert [] == [names for names in found if names != expected]


OF_FEEDS = {"ses": SES_ROW, "cxone": CXONE_ROW, "table": TABLE_ROW, "old": OLD_SENDGRID_ROW}


@settings(max_examples=25, deadline=None)
@given(
    order=st.permutations([*OF_FEEDS, *["odd"] * 3]),
    plain=st.sampled_from([0, 1, 15, 40]),
    end=st.sampled_from(["\n", ",\n"]),
)
def test_a_stream_may_change_its_vendor_at_any_row(
    tmp_path_factory: pytest.TempPathFactory, order: list[str], plain: int, end: str
) -> None:
    """Wherever rows of other feeds and odd ones stand among those of one, each is read as its own."""
    target = EventStore(tmp_path_factory.mktemp("home") / "home" / "events")
    lines = []
    for place, name in enumerate(order):
        lines.append(json.dumps(OF_FEEDS.get(name, {"surprise": place})))
        lines += [json.dumps(sendgrid_row(100 * place + n, "delivered")) for n in range(plain)]
    done = import_content(target, end.join(lines))

    assert (len(lines), 3) == (done.rows, done.rejected)
    assert [
        ("bounce", "bounce", "dan@one.example", ""),
        ("click", "click", "cat@one.example", "t1"),
        ("delivery", "Delivery", "ann@one.example", "s1"),
        ("open", "OPEN", "bob@one.example", "c1"),
    ] == query(target, "kind, raw_kind, email, message_id", "raw_kind <> 'delivered'")
    assert plain * len(order) == len(query(target, "1", "message_id = '14c5d75ce93.dfd.64b469'"))


@pytest.mark.parametrize("first", ["open,ann@one.example,1789376400,", ",,,", "open,,,"])
def test_a_table_is_judged_by_its_header(target: EventStore, first: str) -> None:
    """A column called mail is an address, whatever the first row holds."""
    import_content(target, f"event,mail,time,url\n{first}\nopen,bob@one.example,1789376400,\n")

    assert ("bob@one.example", "open") in query(target, "email, kind")


def test_columns_of_a_webhook_are_its_vendors_though_a_row_leaves_them_empty(
    target: EventStore,
) -> None:
    """SendGrid's names in a header: SendGrid's way with message ids."""
    header = "event,email,timestamp,sg_event_id,sg_message_id\n"
    import_content(target, header + "open,ann@one.example,,,\nopen,cat@one.example,,,m9.filter1\n")

    assert [("ann@one.example", ""), ("cat@one.example", "m9")] == query(
        target, "email, message_id"
    )
