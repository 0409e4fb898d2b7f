"""
Who must not be mailed, by the API's own word.

It fails closed: an address is clear only when the API says so, now or in an answer that the ledger
keeps and the settings still trust.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from cxtools.context import Context
from cxtools.identity import recipient_key
from cxtools.ledger.answers import Answer
from cxtools.model import Recipient, Suppression
from cxtools.sending.exclusion import Exclusion, day_of

if TYPE_CHECKING:
    from tqdm import tqdm


#: How often answers are written: two or three transactions in the time of a slow request, and at
#: 100 requests per second the ten that a kill may lose.
WRITE_EVERY_S = 0.1


class SuppressionCheck(Protocol):
    """A way of asking the API."""

    def reasons(self, people: Sequence[Recipient]) -> list[str | None]:
        """Why each of these must not be mailed, in their order; None: they may be."""


class FreshAnswers:
    """
    Answers on their way into the ledger, many with one transaction, which may cost as much as a
    request.

    A kill loses those of the last `WRITE_EVERY_S` at most.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._waiting: list[Answer] = []
        self._written_at = float("-inf")
        self._lock = threading.Lock()

    def add(self, answer: Answer) -> None:
        """Take in an answer, and write all that wait when it is time to."""
        with self._lock:
            self._waiting.append(answer)
            age_s = answer.answered_at - self._written_at
        if age_s >= WRITE_EVERY_S:
            self.write()

    def write(self) -> None:
        """Write all that wait."""
        with self._lock:
            answers = self._waiting
            self._waiting = []
            self._written_at = self._context.now()
        if answers:
            self._context.ledger.answers.keep(self._context.settings.account, answers)


class OneByOne:
    """One request per person, many at once; none where an answer is kept that still counts."""

    def __init__(
        self,
        context: Context,
        pool: ThreadPoolExecutor,
        bar: tqdm[Any],
        stop: threading.Event,
    ) -> None:
        self._context = context
        self._pool = pool
        self._bar = bar
        self._stop = stop
        self._lock = threading.Lock()
        self._fresh = FreshAnswers(context)

    def reasons(self, people: Sequence[Recipient]) -> list[str | None]:
        kept = self._kept([person.key for person in people])
        asked = [person for person in people if person.key not in kept]
        with self._lock:
            self._bar.update(len(kept))
        reason_of = {key: answer.reason for key, answer in kept.items()}
        try:
            for person, reason in zip(asked, self._pool.map(self._ask, asked), strict=True):
                reason_of[person.key] = reason
        finally:
            self._fresh.write()
        return [reason_of[person.key] for person in people]

    def _kept(self, keys: Sequence[str]) -> dict[str, Answer]:
        now = self._context.now()
        return self._context.ledger.answers.find(
            self._context.settings.account,
            keys,
            since=now - self._context.settings.suppression_age_s,
            until=now,
        )

    def _ask(self, person: Recipient) -> str | None:
        if self._stop.is_set():
            return None  # the batch is not sent any more, whatever this says
        suppression = self._context.api.fetch_suppression(person.email)
        reason = _reason(suppression) if suppression else None
        self._fresh.add(Answer(person.key, reason, self._context.now()))
        with self._lock:
            self._bar.update()
        return reason


class WholeList:
    """The account's whole list, fetched anew when it is older than the settings allow."""

    def __init__(self, context: Context, bar: tqdm[Any]) -> None:
        self._context = context
        self._bar = bar
        self._lock = threading.Lock()
        self._reason_of: dict[str, str] = {}
        self._fetched_at = float("-inf")

    def reasons(self, people: Sequence[Recipient]) -> list[str | None]:
        reason_of = self._fresh()
        self._bar.update(len(people))
        return [reason_of.get(person.key) for person in people]

    def _fresh(self) -> Mapping[str, str]:
        with self._lock:
            now = self._context.now()
            if now - self._fetched_at > self._context.settings.suppression_age_s:
                self._reason_of = self._fetch()
                # Only now: a list that could not be fetched clears nobody.
                self._fetched_at = now
            return self._reason_of

    def _fetch(self) -> dict[str, str]:
        reason_of = {}
        for page in self._context.api.fetch_suppressions():
            for suppression in page:
                reason_of[recipient_key(suppression.email)] = _reason(suppression)
        return reason_of


def _reason(suppression: Suppression) -> str:
    """What the API says of a person, and since when."""
    return str(Exclusion(suppression.reason, day_of(suppression.added_at)))
