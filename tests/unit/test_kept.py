"""What a process keeps of what it counted."""

from __future__ import annotations

import pyarrow as pa
import pytest

from cxtools.measures.kept import Kept


def table(numbers: int) -> pa.Table:
    """So many numbers of eight bytes."""
    return pa.table({"number": pa.array(range(numbers), pa.int64())})


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ([("a", 2), ("b", 2)], ["a", "b"]),
        ([("a", 2), ("b", 2), ("c", 2)], ["b", "c"]),
        ([("a", 2), ("b", 2), ("a", 0), ("c", 2)], ["a", "c"]),
        ([("a", 2), ("b", 4)], ["b"]),
        ([("a", 2), ("b", 5)], ["a"]),
        ([("a", 2), ("a", 1), ("b", 3)], ["a", "b"]),
    ],
    ids=["all fit", "the oldest goes", "one asked again stays", "two go", "too large", "anew"],
)
def test_what_was_asked_for_longest_ago_goes_first(
    asked: list[tuple[str, int]],
    left: list[str],
) -> None:
    """As much is kept as fits; 0 numbers: only asked for again."""
    kept = Kept(most_bytes=32)
    for key, numbers in asked:
        if numbers:
            kept.keep(key, table(numbers))
        else:
            kept.find(key)

    assert left == [key for key in "abc" if kept.find(key)]
