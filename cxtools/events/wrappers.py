"""
What carries rows: envelopes of queues, pages of APIs, dumps of databases. Pure.

An envelope gives what it carries. A page gives its lists, unless a vendor's feed recognises it as a
row of its own or it says itself whom it is about.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from cxtools.events import feeds
from cxtools.events.feeds.table import FIELDS
from cxtools.events.feeds.values import spelling

#: Names that only an envelope has -> the one under which it carries something.
ENVELOPES: Mapping[frozenset[str], str] = {
    frozenset({"TopicArn", "Message"}): "Message",  # SNS
    frozenset({"Sns"}): "Sns",  # SNS in Lambda
    frozenset({"ReceiptHandle", "Body"}): "Body",  # SQS
    frozenset({"MessageId", "Body"}): "Body",
    frozenset({"receiptHandle", "body"}): "body",  # SQS in Lambda
    frozenset({"messageId", "body"}): "body",
    frozenset({"detail-type", "detail"}): "detail",  # EventBridge
    frozenset({"specversion", "data"}): "data",  # CloudEvents
    frozenset({"_index", "_source"}): "_source",  # Elasticsearch
    frozenset({"ingestionTime", "message"}): "message",  # CloudWatch Logs
}
#: Names under which pages of APIs and dumps have their rows, in lower case.
LISTS = frozenset(
    {
        "activity",
        "bounces",
        "clicks",
        "complaints",
        "data",
        "deliveries",
        "emails",
        "entries",
        "events",
        "hits",
        "items",
        "list",
        "logs",
        "members",
        "messages",
        "opens",
        "records",
        "result",
        "results",
        "rows",
        "suppressions",
        "unsubscribes",
        "value",
    }
)
#: What a row is about: who has one of these is no page.
SUBJECTS = frozenset({"email", "message_id", "recipient_id"})
#: A queue in a topic in a page is four layers; more is no mail.
DEEPEST = 8

#: MongoDB's way to write values that JSON doesn't know.
EXTENDED = ("$date", "$oid", "$numberLong", "$numberInt", "$numberDouble", "$numberDecimal")

#: What all texts of JSON have in which something is carried, or written as MongoDB writes it.
MAY_CARRY = "|".join(
    [
        r'"(TopicArn|ReceiptHandle|receiptHandle|Sns|detail-type|specversion|ingestionTime)"\s*:',
        r'"_source"\s*:|"[Bb]ody"\s*:\s*"?\s*[{\[]',
        rf'(?i:"({"|".join(sorted(LISTS))})"\s*:\s*\[)|"hits"\s*:\s*\{{',
        r'"\$(date|oid|number)',
    ]
)
#: How a document begins that carries a list of rows.
LIST_BEGIN = re.compile(
    rf'\{{[^\[\]{{}}]*"({"|".join(sorted(LISTS))})"\s*:\s*\[\s*(?=\{{)', re.IGNORECASE
)
#: What such a text of MongoDB's has.
EXTENDED_MARK = '"$'


def rows_of(value: object, *, depth: int = DEEPEST) -> Iterator[object]:
    """
    The rows that a value carries, or itself.

    >>> message = '{"event": "open", "email": "ann@one.example"}'
    >>> list(rows_of({"Records": [{"messageId": "q1", "body": message}]}))
    [{'event': 'open', 'email': 'ann@one.example'}]
    >>> list(rows_of({"data": [1, 2], "email": "ann@one.example"}))
    [{'data': [1, 2], 'email': 'ann@one.example'}]
    """
    carried = _carried(value) if isinstance(value, dict) and depth else None
    if carried is None:
        yield value
        return
    for each in carried:
        yield from rows_of(each, depth=depth - 1)


def is_row(value: dict[str, Any]) -> bool:
    """
    Whether an object is a row as it stands.

    >>> is_row({"event": "open"}), is_row({"results": []}), is_row({"at": {"$date": "2026-03-02"}})
    (True, False, False)
    """
    return _carried(value) is None and plain_value(value) == value


def _carried(value: dict[str, Any]) -> list[object] | None:
    """What a value carries; None where it is a row itself."""
    for marks, name in ENVELOPES.items():
        if value.keys() >= marks:
            return _content(value[name])
    lists = [_list(name, each) for name, each in value.items()]
    found = [each for each in lists if each is not None]
    rows = list(chain.from_iterable(found))
    if not found or _says_more(value, is_empty=not rows):
        return None
    return rows


def _content(value: object) -> list[object] | None:
    """What an envelope holds: an object, a list, or the text of one."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, dict) else None


def _list(name: str, value: object) -> list[object] | None:
    """The rows of a page under this name; those of Elasticsearch stand one deeper."""
    if name.lower() not in LISTS:
        return None
    if name == "hits" and isinstance(value, dict):
        value = value.get(name)
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        return value
    return None


def _says_more(value: dict[str, Any], *, is_empty: bool) -> bool:
    """Whether something is lost where only the lists of a page are read."""
    fields = {FIELDS.get(spelling(name)) for name, each in value.items() if _says_something(each)}
    names_somebody = not SUBJECTS.isdisjoint(fields)
    tells_nothing = is_empty and "kind" in fields
    return names_somebody or tells_nothing or feeds.recognise(value) != "table"


def _says_something(value: object) -> bool:
    return bool(value) and not isinstance(value, list | dict)


def plain_value(value: Any) -> Any:
    """
    A value without MongoDB's marks of types.

    >>> plain_value({"_id": {"$oid": "66"}, "at": {"$date": {"$numberLong": "1772442000000"}}})
    {'_id': '66', 'at': 1772442000000}
    """
    if isinstance(value, list):
        return [plain_value(each) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(name, inner)] = value.items()
        if name in EXTENDED:
            return _number(name, plain_value(inner))
    return {name: plain_value(inner) for name, inner in value.items()}


def _number(name: str, value: Any) -> Any:
    if name in {"$numberLong", "$numberInt"} and re.fullmatch(r"-?\d+", str(value)):
        return int(value)
    return value
