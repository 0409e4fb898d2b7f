"""
What carries a record of Amazon's, and what tables make of one. Pure.

A record comes inside SNS, SQS, Lambda, EventBridge, Firehose or Kinesis, as an object, as JSON in a
text, or as JSON in base64. Athena and other tables have a column for each of its values, in lower
case, and write lists and objects as Presto does: `[{emailaddress=ann@one.example, status=5.1.1}]`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from cxtools.events.feeds.values import Row

#: Where envelopes keep what they carry: SNS, Lambda, EventBridge, SQS (polled and in Lambda),
#: Firehose, Kinesis.
CARRIERS = ("Message", "Sns", "detail", "Body", "body", "data", "kinesis")
#: SQS in Lambda in SNS is three; more is no mail.
DEEPEST = 5

NEXT_PAIR = re.compile(r", (?=\w+=)")
NEXT_OBJECT = re.compile(r"\}, \{")


def carried_record(row: Row, mark: str) -> Row | None:
    """
    The record that an envelope carries, which is an object with *mark*; None where there is none.

    >>> carried_record({"Type": "Notification", "Message": '{"mail": {}}'}, "mail")
    {'mail': {}}
    >>> carried_record({"body": "hello"}, "mail") is None
    True
    """
    found: Row | None = row
    for _ in range(DEEPEST):
        if found is None or mark in found:
            return found
        found = _carried(found)
    return None


def _carried(row: Row) -> Row | None:
    for name in CARRIERS:
        value = row.get(name)
        if isinstance(value, dict):
            return value
        if isinstance(value, str):
            return _object(value)
    return None


def _object(text: str) -> Row | None:
    """The object that a text holds as JSON, plain or in base64."""
    try:
        written = text if text.lstrip().startswith("{") else base64.b64decode(text, validate=True)
        value = json.loads(written)
    except (ValueError, binascii.Error):
        return None
    return value if isinstance(value, dict) else None


def nested_record(row: Row, sections: Iterable[str], names: Iterable[str]) -> dict[str, Any]:
    """
    The record of a flat row: `bounce_bouncetype` is the bounceType of the bounce. *sections* are
    the objects of a record and *names* those of its values, as the record has them.

    >>> nested_record({"mail_messageid": "m1", "eventtype": "Open"}, ["mail"], ["messageId"])
    {'mail': {'messageId': 'm1'}, 'eventtype': 'Open'}
    """
    by_lower = {name.lower(): name for name in (*sections, *names)}
    record: dict[str, Any] = {}
    for column, cell in row.items():
        section, separator, name = column.replace(".", "_", 1).partition("_")
        known = by_lower.get(section.lower(), section)
        if separator and known in sections:
            inner = record.setdefault(known, {})
            inner[by_lower.get(name.lower(), name)] = _renamed(_value(cell), by_lower)
        else:
            record[by_lower.get(column.lower(), column)] = _renamed(cell, by_lower)
    return record


def _renamed(value: Any, by_lower: Mapping[str, str]) -> Any:
    """The same with the names that the record has."""
    if isinstance(value, dict):
        return {by_lower.get(name.lower(), name): _renamed(value[name], by_lower) for name in value}
    if isinstance(value, list):
        return [_renamed(each, by_lower) for each in value]
    return value


def _value(cell: object) -> Any:
    """A cell as the list or object that it is written for."""
    if not isinstance(cell, str) or not cell.startswith(("[", "{")):
        return cell
    try:
        return json.loads(cell)
    except ValueError:
        return _presto_value(cell)


def _presto_value(text: str) -> Any:
    inner = text[1:-1]
    if text.startswith("{"):
        pairs = (pair.partition("=") for pair in NEXT_PAIR.split(inner))
        return {name: "" if value == "null" else value for name, _, value in pairs}
    if inner.startswith("{"):
        return [_presto_value(f"{{{each}}}") for each in NEXT_OBJECT.split(inner.strip("{}"))]
    return [each for each in inner.split(", ") if each]
