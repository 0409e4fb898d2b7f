"""Streams whose next item is made while the one before it is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


class _End:
    """Stands behind the last item."""


END = _End()


def one_ahead(items: Iterable[Item]) -> Iterator[Item]:
    """
    The same items, each made in another thread while its reader is busy with the one before.

    That pays where most of both is the work of libraries that leave Python to others meanwhile, as
    Arrow and DuckDB do. At most one item waits. An error of the stream is raised in its place; a
    reader that stops early waits until the item that is being made is there.

    >>> list(one_ahead(number * number for number in range(4)))
    [0, 1, 4, 9]
    """
    stream = iter(items)

    def make() -> Item | _End:
        return next(stream, END)

    with ThreadPoolExecutor(1) as maker:
        made = maker.submit(make)
        while not isinstance(item := made.result(), _End):
            made = maker.submit(make)
            yield item
