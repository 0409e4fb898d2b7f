"""
Records with objects inside of objects: what stands where, as text. Pure.

A path names the steps to it, parted by dots, as in "delivery-status.code".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from cxtools.events.feeds.values import Row, cell_text

#: What can be read as a text; True and False can't, though to Python they are numbers.
TEXTUAL = {str, int, float, type(None)}


def value_at(row: Row, path: str) -> object:
    """
    What stands at a path; None where nothing does.

    >>> value_at({"msg": {"opens": []}}, "msg.opens"), value_at({"msg": "x"}, "msg.opens")
    ([], None)
    """
    value: object = row
    for name in _steps(path):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


@cache
def _steps(path: str) -> list[str]:
    return path.split(".")


def object_at(row: Row, path: str) -> Row:
    """The object at a path; an empty one where none is."""
    value = value_at(row, path)
    return value if isinstance(value, dict) else {}


def text_at(row: Row, *paths: str) -> str:
    """
    The first of the texts at these paths that says something; "" when none does. A list of one is
    what it holds.

    Raises:
        ValueError: something else than a text or a number stands there.

    >>> text_at({"status": {"code": 550.0}}, "status.text", "status.code")
    '550'
    """
    for path in paths:
        text = _text(path, value_at(row, path))
        if text:
            return text
    return ""


def texts_at(row: Row, fields: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """
    Each field's text, which is the first at its paths that says something; a message id without
    the brackets around it.

    Raises:
        ValueError: as `text_at`.

    >>> texts_at({"msg": {"id": "<m1>"}}, {"message_id": ["id", "msg.id"]})
    {'message_id': 'm1'}
    """
    texts = {field: text_at(row, *paths) for field, paths in fields.items()}
    if "message_id" in texts:
        texts["message_id"] = texts["message_id"].strip("<>")
    return texts


def required_text(row: Row, *paths: str) -> str:
    """
    As `text_at`, where something must stand.

    Raises:
        ValueError: nothing does, or as `text_at`.
    """
    text = text_at(row, *paths)
    if not text:
        raise ValueError(f"{paths[0]} is missing")
    return text


def list_of_texts(row: Row, path: str) -> list[str]:
    """
    The texts in the list at a path; what isn't a list is taken for one of itself.

    Raises:
        ValueError: as `text_at`.

    >>> list_of_texts({"mail": {"to": ["a", "b"]}}, "mail.to"), list_of_texts({"to": "a"}, "to")
    (['a', 'b'], ['a'])
    """
    value = value_at(row, path)
    values = value if isinstance(value, list) else [value]
    return [_text(path, each) for each in values]


def refuse_other_matters(word: str, matters: Mapping[str, str]) -> None:
    """
    Refuse records that say nothing of a message that was sent, by how their *word* begins.

    Raises:
        ValueError: it is such a word; what the record is about instead.

    >>> refuse_other_matters("email.received", {"email.received": "a message that came in"})
    Traceback (most recent call last):
    ValueError: email.received is about a message that came in, not about a message that was sent
    """
    for beginning, matter in matters.items():
        if word.startswith(beginning):
            raise ValueError(f"{word} is about {matter}, not about a message that was sent")


def _text(path: str, value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return _only_text(path, value)
    if type(value) in TEXTUAL:
        return cell_text(value)
    raise ValueError(f"{path} is neither a text nor a number")


def _only_text(path: str, values: list[object]) -> str:
    if len(values) > 1:
        raise ValueError(f"{path} is a list of several")
    return "".join(_text(path, value) for value in values)
