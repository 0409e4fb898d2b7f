"""
What others publish as the average of a rate: where, when, and what they count.

They are shown only to those who ask for them. Each is the average of one platform's senders of all
trades, by a definition of its own: a mark to look at, no limit that anything is judged by.
"""

from __future__ import annotations

from typing import NamedTuple

from cxtools import wording
from cxtools.measures.sql import tsv_rows


class Benchmark(NamedTuple):
    """
    A row of `sql/benchmarks.tsv`.

    Attributes:
        metric: our name of the rate
        share: the average, 0..1
        source, published: whose, and when
        definition: what is counted there
        address: of the page on which it stands
    """

    metric: str
    share: float
    source: str
    published: str
    definition: str
    address: str

    @property
    def name(self) -> str:
        """The average as a line's label.

        >>> benchmarks_of("click_rate")[0].name
        'Mailchimp, Oct 2019: 2.9%'
        """
        return f"{self.source}, {self.published}: {wording.percent(self.share)}"


def benchmarks_of(metric: str) -> list[Benchmark]:
    """What is published of a rate; nothing of most."""
    rows = [row for row in tsv_rows("benchmarks") if row[0] == metric]
    return [Benchmark(row[0], float(row[1]), *row[2:]) for row in rows]
