"""Streams that are made while they are read: the same items, at most one of them ahead."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count, islice

import pytest

from cxtools.streams import one_ahead

PATIENCE_S = 10.0


@pytest.mark.parametrize("length", [0, 1, 2, 5])
def test_the_items_are_the_same_in_their_order(length: int) -> None:
    """Also of a stream without any."""
    assert list(range(length)) == list(one_ahead(range(length)))


def test_an_item_may_be_nothing() -> None:
    """What is false isn't taken for the end."""
    assert [None, False, ()] == list(one_ahead([None, False, ()]))


def test_an_item_is_made_while_the_one_before_is_used() -> None:
    """The second waits for a sign that only the reader of the first gives."""
    is_in_use = threading.Event()

    def items() -> Iterator[bool]:
        yield True
        yield is_in_use.wait(PATIENCE_S)

    stream = one_ahead(items())
    assert next(stream)
    is_in_use.set()
    assert next(stream)


def test_at_most_one_item_waits() -> None:
    """Memory holds one more than is used, however long the stream is."""
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in count():
            made.append(number)
            yield number

    used = list(islice(one_ahead(items()), 3))
    assert [0, 1, 2] == used
    assert [0, 1, 2, 3] == made


def test_an_error_comes_behind_what_was_made_before_it() -> None:
    """It is raised where the item would have been."""

    def items() -> Iterator[int]:
        yield 1
        raise ValueError("cut off")

    stream = one_ahead(items())
    assert 1 == next(stream)
    with pytest.raises(ValueError, match="cut off"):
        next(stream)


def test_a_reader_that_stops_leaves_no_thread() -> None:
    """Nothing goes on behind the back of somebody who has left."""
    before = threading.active_count()
    stream = one_ahead(count())
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert before == threading.active_count()
