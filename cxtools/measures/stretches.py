"""
Where a row of distances has left its usual way: the stretches of it that are too far for chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from cxtools.measures.control import Numbers

#: So many standard deviations are as usual, where the neighbours are far away.
CALM = 1.5
#: Stretches of each length up to this one are looked at; of the longer ones each is so many times
#: as long as the one before, and its ends are moved to where it is farthest.
EACH_LENGTH = 100
LONGER = 1.1


class Stretch(NamedTuple):
    """Places first..last of a row, which together lie so many standard deviations away."""

    first: int
    last: int
    distance: float


def farthest_stretches(
    distances: Sequence[float], least: float, longest: int | None = None
) -> list[Stretch]:
    """
    The stretches of a row that are too far above 0 to be chance: of all stretches the one whose sum
    over the square root of its length is largest, then the same before and behind it (the scan
    that Olshen and others, 2004, segment with). One place that is far away is found, and so are
    many that are a little. None is longer than *longest*.

    >>> farthest_stretches([0.1, -1, 7, 6.5, 0.3, -0.4], least=5)
    [Stretch(first=2, last=3, distance=9.5...)]
    >>> farthest_stretches([0, 0, *[2.2] * 9], least=5)
    [Stretch(first=2, last=10, distance=6.59...)]
    """
    sums = np.concatenate([[0.0], np.cumsum(distances)])
    found = []
    waiting = [(0, len(distances))]
    while waiting:
        begin, end = waiting.pop()
        best = _farthest(sums, begin, end, longest)
        if best is None or best.distance < least:
            continue
        calm = _calm_place(sums, best, least)
        if calm is not None:
            waiting += [(begin, calm), (calm + 1, end)]
            continue
        found.append(best)
        waiting += [(begin, best.first), (best.last + 1, end)]
    return sorted(found)


def _calm_place(sums: Numbers, best: Stretch, least: float) -> int | None:
    """A place that is as usual between two that are far away: these are two stretches, not one."""
    places = np.arange(best.first + 1, best.last)
    left = (sums[places] - sums[best.first]) / (places - best.first)
    right = (sums[best.last + 1] - sums[places + 1]) / (best.last - places)
    own = sums[places + 1] - sums[places]
    is_calm = (own < CALM) & (np.minimum(left, right) >= least)
    return int(places[is_calm][0]) if is_calm.any() else None


def _farthest(sums: Numbers, begin: int, end: int, longest: int | None) -> Stretch | None:
    """The stretch between two places whose sum over the root of its length is largest."""
    best = None
    for length in _lengths(min(end - begin, longest or end - begin)):
        far = (sums[begin + length : end + 1] - sums[begin : end + 1 - length]) / sqrt(length)
        first = int(far.argmax())
        if best is None or far[first] > best.distance:
            best = Stretch(begin + first, begin + first + length - 1, float(far[first]))
    if best is None or best.last - best.first < EACH_LENGTH:
        return best
    return _with_best_ends(sums, best, begin, end)


def _lengths(longest: int) -> Iterator[int]:
    """
    >>> list(_lengths(3)), list(_lengths(130))[-3:]
    ([1, 2, 3], [100, 110, 121])
    """
    length = 1
    while length <= longest:
        yield length
        length = max(length + 1, int(length * LONGER)) if length >= EACH_LENGTH else length + 1


def _with_best_ends(sums: Numbers, stretch: Stretch, begin: int, end: int) -> Stretch:
    """A long stretch whose ends lie where it is farthest: first the one, then the other."""
    firsts = np.arange(begin, stretch.last + 1)
    far = (sums[stretch.last + 1] - sums[firsts]) / np.sqrt(stretch.last + 1 - firsts)
    first = int(firsts[far.argmax()])
    lasts = np.arange(first, end)
    far = (sums[lasts + 1] - sums[first]) / np.sqrt(lasts + 1 - first)
    return Stretch(first, int(lasts[far.argmax()]), float(far.max()))
