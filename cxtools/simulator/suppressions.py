"""The suppression list: who must not be mailed, asked for one by one or in pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from cxtools.simulator.clock import Clock
from cxtools.simulator.paging import next_cursor, read_span
from cxtools.simulator.people import suppressed
from cxtools.simulator.setup import Setup
from cxtools.simulator.wire import Answer, Ask, answer, iso, problem

MARK = "list"


class Suppressions:
    """Addresses, in lower case, and why they must not be mailed."""

    def __init__(self, setup: Setup, clock: Clock) -> None:
        self.setup = setup
        self.clock = clock
        listed = suppressed(setup.seed, setup.population)
        self.reasons = dict.fromkeys(listed, "hard_bounce")

    def add(self, addresses: Iterable[str], reason: str) -> None:
        for address in addresses:
            self.reasons[address.lower()] = reason

    def answer(self, ask: Ask) -> Answer:
        """The answer to GET …/suppressions."""
        email = ask.query.get("email", "").lower()
        if not email:
            return self._page(ask)
        if email in self.reasons:
            return answer(200, {"results": [self._row(email)]})
        if self.setup.suppression_404:
            message = "the address is not on the suppression list"
            return problem(404, "suppression_not_found", message)
        return answer(200, {"results": []})

    def _page(self, ask: Ask) -> Answer:
        span = read_span(ask.query, MARK)
        if not self.setup.suppression_listing or span is None:
            return answer(400, {"errors": [{"field": "email", "message": "email is required"}]})
        page = list(self.reasons)[span]
        results = [self._row(address) for address in page]
        cursor = next_cursor(span, page, MARK)
        return answer(200, {"results": results, "nextCursor": cursor})

    def _row(self, address: str) -> dict[str, str]:
        days_before = 30 + len(address)
        added = self.clock.epoch - timedelta(days=days_before)
        return {
            "emailAddress": address,
            "reason": self.reasons[address],
            "addedDate": iso(added),
        }
