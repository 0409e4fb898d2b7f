"""Streams whose next items are made while those before them are used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Condition
from typing import Generic, TypeVar

Item = TypeVar("Item")


def prefetch(
    items: Iterable[Item], *, size: Callable[[Item], int], most: int
) -> Generator[Item, None, None]:
    """
    The same items, made in another thread while their reader is busy with those before.

    That pays where most of both is the work of libraries that leave Python to others meanwhile, as
    Arrow and DuckDB do. Those that wait are *most* by their *size* together, and the one that comes
    last beyond that. An error of the stream is raised in its place. A reader that stops early
    closes the stream, which waits until the item that is being made is there.

    >>> list(prefetch("abc", size=len, most=2))
    ['a', 'b', 'c']
    """
    queue = _Queue(size, most)

    def make() -> None:
        try:
            for item in items:
                if not queue.put(item):
                    return
        finally:
            queue.end()

    with ThreadPoolExecutor(1) as maker:
        whole = maker.submit(make)
        try:
            yield from queue.items()
        finally:
            queue.leave()
    whole.result()


class _Queue(Generic[Item]):
    """What was made and not yet taken, with room for so much."""

    def __init__(self, size: Callable[[Item], int], most: int) -> None:
        self._size = size
        self._most = most
        self._items: deque[Item] = deque()
        self._total = 0
        self._changed = Condition()
        self._is_whole = False
        self._is_left = False

    def put(self, item: Item) -> bool:
        """Let an item wait, and the next one be made when there is room; False: nobody reads."""
        with self._changed:
            self._items.append(item)
            self._total += self._size(item)
            self._changed.notify_all()
            self._changed.wait_for(self._has_room)
            return not self._is_left

    def items(self) -> Iterator[Item]:
        """The items, each when it is there."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._is_whole)
                if not self._items:
                    return
                item = self._items.popleft()
                self._total -= self._size(item)
                self._changed.notify_all()
            yield item

    def _has_room(self) -> bool:
        return self._is_left or not self._items or self._total < self._most

    def end(self) -> None:
        """No more items come."""
        with self._changed:
            self._is_whole = True
            self._changed.notify_all()

    def leave(self) -> None:
        """Nobody takes any more."""
        with self._changed:
            self._is_left = True
            self._changed.notify_all()
