"""
What the person who imports a file says about it, and how a feed uses that. Pure.

Every feed asks the dialect for kinds and moments, so that `--event-map`, `--date-format` and
`--timezone` mean the same in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from cxtools.addresses import clean_address
from cxtools.events.feeds.moments import read_moment
from cxtools.events.feeds.values import Row, cell_text, spelling
from cxtools.model import Event

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Dialect:
    """
    What was said about a file.

        event_map    a word for what happened -> our kind; goes before the feed's own words. The
                     word "" is for rows without one
        date_format  how moments are written, as `strptime` has it, or one of `moments.ORDERS`; ""
                     where nothing was said
        timezone     the zone of moments that name none, as in "Europe/Berlin"; "" for UTC
        keep         columns that are kept as segments
        date_order   one of `moments.ORDERS` where the file leaves no doubt of it

    >>> dialect = Dialect(event_map={"Sent out": "delivery"})
    >>> dialect.kind({"opened": "open"}, "sent_out"), dialect.kind({"opened": "open"}, "Opened")
    ('delivery', 'open')
    """

    event_map: Mapping[str, str] = field(default_factory=dict)
    date_format: str = ""
    timezone: str = ""
    keep: tuple[str, ...] = ()
    date_order: str = ""

    @cached_property
    def _kinds(self) -> dict[str, str]:
        return {_plain_word(word): kind for word, kind in self.event_map.items()}

    def kind(self, words: Mapping[str, str], word: str) -> str:
        """
        Our kind for a vendor's word: the user's, or that of *words*, whose keys are as the vendor
        writes them or as `spelling` leaves them; else "unknown".
        """
        plain = _plain_word(word)
        if plain in self._kinds:
            return self._kinds[plain]
        return words.get(word) or words.get(plain, UNKNOWN)

    def moment(
        self,
        cell: object,
        *,
        date_format: str = "",
        timezone: str = "",
    ) -> datetime | None:
        """
        The moment of a cell, as aware UTC; None where it is empty. *date_format* and *timezone* are
        what the feed's vendor always writes: what was said about the file goes before them.

        Raises:
            ValueError: something is there and can't be read.
        """
        return read_moment(
            cell,
            date_format=self.date_format or date_format,
            timezone=self.timezone or timezone,
            date_order=self.date_order,
        )

    def with_date_order(self, order: str) -> Dialect:
        """The same where it became known which is the day."""
        return replace(self, date_order=order)

    @property
    def is_plain_about_moments(self) -> bool:
        """Whether moments mean what they mean where nothing is said."""
        return not self.date_format and self.timezone in ("", "UTC")


#: Nothing was said about the file.
STANDARD = Dialect()


def build_event(
    row: Row,
    dialect: Dialect,
    *,
    kind: str,
    word: str,
    time: object,
    texts: Mapping[str, str],
    by_machine: bool | None = None,
    was_mailed: bool = False,
) -> Event:
    """
    The event of a row: *kind* is ours and *word* the vendor's, *time* a cell or a moment, *texts*
    our text fields; *by_machine* says whether a machine did it, None where the vendor doesn't tell.

    *was_mailed* says that the address is the one that was mailed, and not one to which somebody
    forwards his mail: then it is the recipient's id, and stays apart from others under the same
    message id.

    Raises:
        ValueError: *time* is there and can't be read, or the row names neither message nor
        recipient.
    """
    if was_mailed and not texts.get("recipient_id"):
        recipient = clean_address(texts.get("email", "")).lower()
        texts = {**texts, "recipient_id": recipient}
    return Event.build(
        row,
        kind=kind,
        word=word,
        ts=dialect.moment(time),
        written_time=cell_text(time),
        texts=texts,
        by_machine=by_machine,
    )


def _plain_word(word: str) -> str:
    """A word by its spelling; one without letters as it is."""
    return spelling(word) or word
