"""Rows are found in whatever carries them, and a vendor's own row is not taken for an envelope."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxtools.events import feeds
from cxtools.events.lines import Unreadable
from tests.feeds.test_files import file, rows_of
from tests.feeds.test_samples import SAMPLES
from tests.imports import sendgrid_row

__all__ = ["file"]

Row = dict[str, Any]
ROWS: list[Row] = [
    {"event": "open", "email": "ann@one.example", "message": "550 no such user", "data": "x"},
    sendgrid_row(1, "delivered"),
    {"eventType": "Delivery", "mail": {"messageId": "m1"}, "delivery": {"recipients": []}},
    {"type": "email.sent", "data": {"email_id": "m1", "to": ["ann@one.example"]}},
    {"signature": {}, "event-data": {"event": "opened", "recipient": "ann@one.example"}},
]


def text(row: Any) -> str:
    return json.dumps(row, ensure_ascii=False)


#: What carries one row.
ENVELOPES: dict[str, Callable[[Row], Any]] = {
    "SNS": lambda row: {"Type": "Notification", "TopicArn": "arn", "Message": text(row)},
    "SNS with an object": lambda row: {"Type": "Notification", "TopicArn": "arn", "Message": row},
    "SQS": lambda row: {"MessageId": "q1", "ReceiptHandle": "r", "Body": text(row)},
    "SQS without a receipt": lambda row: {"MessageId": "q1", "Body": text(row)},
    "SQS in Lambda": lambda row: {"messageId": "q1", "receiptHandle": "r", "body": text(row)},
    "SNS in Lambda": lambda row: {
        "EventSource": "aws:sns",
        "Sns": {"TopicArn": "", "Message": row},
    },
    "EventBridge": lambda row: {"version": "0", "detail-type": "Mail", "detail": row},
    "CloudEvents": lambda row: {"specversion": "1.0", "type": "mail", "id": "1", "data": row},
    "Elasticsearch": lambda row: {"_index": "mail", "_id": "1", "_source": row},
    "CloudWatch": lambda row: {"timestamp": 1, "message": text(row), "ingestionTime": 2},
}


def page_under(name: str) -> Callable[[list[Any]], Any]:
    return lambda rows: {"total": 3, name: rows, "next": "https://api.example/2"}


NAMES = ("data", "Data", "items", "results", "events", "Records", "Messages", "Bounces")
#: What carries several.
PAGES: dict[str, Callable[[list[Any]], Any]] = {
    **{name: page_under(name) for name in NAMES},
    "a list page": lambda rows: {"object": "list", "type": "list", "has_more": False, "data": rows},
    "Elasticsearch": lambda rows: {"took": 1, "hits": {"total": 3, "hits": rows}},
    "an array": lambda rows: rows,
}


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.sampled_from(ROWS), min_size=1, max_size=40),
    layers=st.lists(st.sampled_from(sorted(ENVELOPES)), max_size=2),
    page=st.sampled_from(["", *sorted(PAGES)]),
    joint=st.sampled_from(["\n", " ", "", ",\n"]),
)
def test_rows_are_found_in_what_carries_them(
    file: Path, rows: list[Row], layers: Sequence[str], page: str, joint: str
) -> None:
    """02-05, 108-112: queues in topics in pages, as text or as objects, run together or in lines."""
    carried: list[Any] = list(rows)
    for layer in layers:
        carried = [ENVELOPES[layer](row) for row in carried]
    if page:
        carried = [PAGES[page](carried)]
    file.write_text(joint.join(map(text, carried)), encoding="utf-8")

    assert (rows, []) == rows_of(file)


@pytest.mark.parametrize(
    "sample", SAMPLES, ids=lambda sample: f"{sample.parent.name}-{sample.name}"
)
def test_a_row_that_a_vendor_knows_stays_as_it_is(sample: Path, file: Path) -> None:
    """What is found in a sample is found again when it stands alone: nothing is unwrapped twice."""
    rows, _ = rows_of(sample)
    known = [row for row in rows if isinstance(row, dict) and feeds.recognise(row) != "table"]
    texts = list(map(json.dumps, known))
    file.write_text("\n".join(texts) or "[]")

    assert [json.loads(text) for text in texts] == rows_of(file)[0]


@pytest.mark.parametrize(
    "row",
    [
        {"event": "open", "email": "ann@one.example", "items": [{"sku": 1}]},
        {"message_id": "m1", "clicks": [{"url": "https://one.example"}]},
        {"type": "open", "events": []},
        {"data": [1, 2]},
        {"TopicArn": "arn", "Message": "Successfully validated SNS topic", "Type": "Notification"},
        {"MessageId": "m1", "Body": "<p>Hello</p>"},
        {"body": "{}", "event": "open"},
        {"data": {"email": "ann@one.example"}, "event": "open"},
    ],
)
def test_a_row_with_a_list_or_a_text_is_not_a_page(file: Path, row: Row) -> None:
    """Whoever names a person or a message is a row, and an envelope has all its marks."""
    file.write_text("\n".join([text(row)] * 20))

    assert [row] * 20 == rows_of(file)[0]


def test_a_value_of_mongodb_is_the_value(file: Path) -> None:
    """32: dates, ids and long numbers, as `mongoexport` writes them."""
    row = {
        "_id": {"$oid": "66"},
        "at": {"$date": {"$numberLong": "1772442000000"}},
        "list": [{"$date": "2026-03-02T09:00:00Z"}],
        "n": {"$numberInt": "5"},
    }
    plain = {"_id": "66", "at": 1772442000000, "list": ["2026-03-02T09:00:00Z"], "n": 5}
    file.write_text("\n".join([text(row)] * 20 + ['{"event": "open"}'] * 20))

    assert [plain] * 20 + [{"event": "open"}] * 20 == rows_of(file)[0]


@pytest.mark.parametrize(
    "words",
    [
        "2026-03-02T09:00:00Z INFO ",
        "[2026-03-02 09:00:00,123] webhook: ",
        "Mar 02 09:00:00 app[17]: received ",
        "INFO\t",
    ],
)
def test_objects_behind_the_words_of_a_log_are_read(file: Path, words: str) -> None:
    """133: what stands before them is left out, and that is said; other lines are set aside."""
    file.write_text(f"{words}{text(ROWS[0])}\n\n{words}started\n{words}{text(ROWS[1])}")
    rows, notes = rows_of(file)

    assert [
        ROWS[0],
        Unreadable("there is no JSON object in it", f"{words}started"),
        ROWS[1],
    ] == rows
    assert ["what stands in each line before the JSON was left out"] == notes


def test_objects_in_a_column_are_the_rows(file: Path) -> None:
    """132: a dump of webhooks; the other cells belong to rows that no vendor knows."""
    cells = [text(row).replace('"', '""') for row in ROWS[:2]]
    file.write_text("".join(["id,time,payload\n", *(f'7,2026-03-02,"{cell}"\n' for cell in cells)]))
    rows, notes = rows_of(file)

    assert [{"id": "7", "time": "2026-03-02", **ROWS[0]}, ROWS[1]] == rows
    assert ["the objects in the column payload were read as the rows"] == notes


def test_objects_beside_a_person_are_no_rows(file: Path) -> None:
    """A table that says itself whom it is about has objects as cells."""
    file.write_text('event,email,args\nopen,ann@one.example,"{""a"": 1}"\n')

    assert [{"event": "open", "email": "ann@one.example", "args": '{"a": 1}'}] == rows_of(file)[0]


def test_what_python_shows_is_not_json(file: Path) -> None:
    """131: the reason says how to write it instead."""
    file.write_text("{'event': 'delivered', 'email': 'p1@example.com'}\n")
    [row], _ = rows_of(file)

    assert "not JSON: Python shows objects like this; write it with json.dumps" == row.reason


def test_all_lists_of_a_page_are_read(file: Path) -> None:
    """A page with a list for each thing that happened gives the rows of all of them, in order."""
    names = ("opens", "clicks", "bounces", "suppressions", "complaints")
    rows = [{"email": f"p{number}@one.example"} for number in range(len(names))]
    page = {name: [row] for name, row in zip(names, rows, strict=True)}
    file.write_text(text({"total": len(rows), **page}), encoding="utf-8")

    assert (rows, []) == rows_of(file)
