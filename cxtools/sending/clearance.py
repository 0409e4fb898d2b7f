"""
Who must not be mailed, by the API's own word.

It fails closed: an address is clear only when the API says so.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from cxtools.context import Context
from cxtools.identity import recipient_key
from cxtools.model import Recipient

if TYPE_CHECKING:
    from tqdm import tqdm


class SuppressionCheck(Protocol):
    """A way of asking the API."""

    def reasons(self, people: Sequence[Recipient]) -> list[str | None]:
        """Why each of these must not be mailed, in their order; None: they may be."""


class OneByOne:
    """One request per person, many at once."""

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

    def reasons(self, people: Sequence[Recipient]) -> list[str | None]:
        return list(self._pool.map(self._reason, people))

    def _reason(self, person: Recipient) -> str | None:
        if self._stop.is_set():
            return None  # the batch is not sent any more, whatever this says
        suppression = self._context.api.fetch_suppression(person.email)
        with self._lock:
            self._bar.update()
        return suppression.reason if suppression else None


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
                reason_of[recipient_key(suppression.email)] = suppression.reason
        return reason_of
