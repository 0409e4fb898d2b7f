"""Streams that are made while they are read: the same items, no more of them ahead than asked."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator
from itertools import count
from typing import TypeVar

import pytest

from cxtools.streams import prefetch

Item = TypeVar("Item")
PATIENCE_S = 10.0


def one_ahead(items: Iterable[Item]) -> Generator[Item, None, None]:
    return prefetch(items, size=lambda item: 1, most=1)


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


#: Sizes of items, how much may wait, and how many items are made until the first one is used.
WAITING = [
    ([1, 1, 1, 1, 1, 1], 1, 2),
    ([1, 1, 1, 1, 1, 1], 3, 4),
    ([1, 5, 1, 1, 1, 1], 3, 2),
    ([9, 9, 9, 9, 9, 9], 3, 2),
]


@pytest.mark.parametrize(("sizes", "most", "expected"), WAITING)
def test_what_waits_is_limited_by_its_size(sizes: list[int], most: int, expected: int) -> None:
    """As much as asked, and the item that goes beyond it, however long the stream is."""
    made: list[int] = []
    is_full = threading.Event()

    def items() -> Iterator[int]:
        for size in sizes:
            made.append(size)
            if len(made) == expected:
                is_full.set()
            yield size

    stream = prefetch(items(), size=lambda size: size, most=most)
    first = next(stream)
    is_full.wait(PATIENCE_S)
    stream.close()

    assert sizes[:1] == [first]
    assert sizes[:expected] == made


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
    stream.close()
    assert before == threading.active_count()
