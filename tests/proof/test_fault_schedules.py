"""
Generated schedules of faults over all endpoints: whatever fails when, the invariants hold, and once
it has passed everything ends well.

Hypothesis makes the schedules and shrinks one that breaks something to the fewest faults. Waits
cost nothing here: the client's clock jumps over them. `make soak` runs 10,000 of the same.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from cxtools.api.client import Client
from cxtools.connection import Connection
from cxtools.context import Context
from cxtools.errors import CxError, JobTimeout
from cxtools.sending.campaign import Campaign
from cxtools.simulator.faults import FAULTS
from cxtools.webhooks import deliver
from tests.conftest import CRM_SECRET, Simulator
from tests.proof.ground import DAY_S, NAME, PEOPLE, SPEC, SUPPRESSED, connection, facts
from tests.proof.invariants import violations
from tests.uncounted import environment_without_coverage

ENDPOINTS = ("token", "suppressions", "messages", "job", "events")
#: Real seconds: a call that hangs or drips costs so much.
DEADLINE_S = 0.4
#: Small pages, so that three small jobs fill several.
PAGE_ROWS = 10
#: These cost a whole deadline each time.
SLOW = {name for name in FAULTS if "hang" in name or name in ("drip", "crm_slow")}


@dataclass(frozen=True)
class Strike:
    """
    A fault that lets *after* requests of its endpoint pass and then strikes *count* times (None:
    until it is disarmed).
    """

    name: str
    after: int
    count: int | None
    endpoint: str = ""


@dataclass(frozen=True)
class Schedule:
    """A world, and what goes wrong in it."""

    strikes: tuple[Strike, ...]
    idempotent: bool
    at_once: bool
    runs: int


@st.composite
def strikes(draw: Any) -> Strike:
    name = draw(st.sampled_from(sorted(FAULTS)))
    everywhere = FAULTS[name].endpoint in ("api", "any")
    counts = st.integers(1, 2) if name in SLOW else st.integers(1, 12) | st.none()
    return Strike(
        name,
        draw(st.integers(0, 8)),
        draw(counts),
        draw(st.sampled_from(("", *ENDPOINTS))) if everywhere else "",
    )


SCHEDULES = st.builds(
    Schedule,
    st.lists(strikes(), min_size=1, max_size=5).map(tuple),
    st.booleans(),
    st.booleans(),
    st.integers(1, 2),
)


@dataclass
class Clock:
    """Real time, plus all that was slept or skipped."""

    ahead_s: float = 0.0
    _lock: Any = field(default_factory=threading.Lock)

    def skip(self, seconds: float) -> None:
        with self._lock:
            self.ahead_s += seconds

    def now(self) -> float:
        return time.time() + self.ahead_s

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_s


class Trial:
    """One schedule on one simulator: the storm, the calm after it, and the judgement of both."""

    def __init__(self, simulator: Simulator, schedule: Schedule) -> None:
        self.simulator, self.schedule, self.clock = simulator, schedule, Clock()
        self.home = Path(tempfile.mkdtemp(prefix="cxtools-storm-"))
        self.deadline_s, self.struck = DEADLINE_S, 0

    def wrong(self) -> list[str]:
        """All that is wrong, during the storm and after it."""
        self.simulator.reset(
            speed="inf", idempotency_window_s=3600 if self.schedule.idempotent else 0
        )
        self.simulator.suppress(SUPPRESSED)
        for strike in self.schedule.strikes:
            self.simulator.arm(
                strike.name, after=strike.after, count=strike.count, endpoint=strike.endpoint
            )
        try:
            for _ in range(self.schedule.runs):
                self._run()
            self.struck = sum(self.simulator.truth()["faults"].values())
            wrong = [f"in the storm: {each}" for each in self._judged(finished=False)]
            self.simulator.arm(None)
            return wrong + self._calm()
        finally:
            shutil.rmtree(self.home)

    def _calm(self) -> list[str]:
        """
        With no fault left the same command brings everything to its end; only what a person must
        settle is settled for them.
        """
        self.deadline_s = 20.0  # nothing hangs any more, so only a busy machine needs it
        error = self._run(later_s=60)
        wrong = [f"in the calm: {error}"] if error and not isinstance(error, JobTimeout) else []
        ledger = self._client().ledger
        unknown = [row for row in ledger.batches.rows(NAME) if row.state == "unknown"]
        wrong += [
            f"with a server that knows keys, batch {row.id} is unknown"
            for row in unknown
            if self.schedule.idempotent
        ]
        jobs = {
            job["idempotency_key"]: job_id for job_id, job in self.simulator.truth()["jobs"].items()
        }
        for row in unknown:
            word = {"job_id": jobs[row.id]} if row.id in jobs else {"reason": "the server says so"}
            ledger.unknown.reconcile(row.id, quarantine_s=0, **word)
        for hook in ledger.outbox.webhooks():
            _ = hook.state in ("dead", "parked") and ledger.outbox.replay(webhook_id=hook.id)
        self._run(later_s=2 * DAY_S)
        mailed = sorted(
            address
            for job in self.simulator.truth()["jobs"].values()
            for address in job["recipients"]
        )
        wrong += (
            []
            if mailed == sorted(set(PEOPLE) - set(SUPPRESSED))
            else ["not everyone got exactly one mail"]
        )
        return wrong + self._judged(finished=True)

    def _judged(self, *, finished: bool) -> list[str]:
        return violations(
            facts(self._client()),
            self.simulator.truth(),
            self.simulator.received(raw=True),
            finished=finished,
        )

    def _run(self, later_s: float = 0) -> CxError | None:
        """
        The command, once, by a process that remembers nothing of the one before; the error that it
        ended with.
        """
        self.clock.skip(later_s)
        try:
            self._client().send(Campaign.from_list(PEOPLE, name=NAME, **SPEC))
        except CxError as error:
            return error
        return None

    def _client(self) -> Connection:
        alone = {} if self.schedule.at_once else {"workers": 1, "daily_limit": 1000}
        client = connection(
            self.simulator.url,
            self.home,
            call_deadline_s=self.deadline_s,
            patience_s=30,
            job_deadline_s=120,
            idempotency_window_s=3600 if self.schedule.idempotent else 0,
            **{"workers": 4, **alone},
        )
        client.ledger.now = self.clock.now
        api = Client(
            client.settings,
            now=self.clock.now,
            clock=self.clock.monotonic,
            sleep=self.clock.skip,
            page_rows=PAGE_ROWS,
        )
        client.__dict__["context"] = Context(
            client.settings,
            api,
            client.ledger,
            client.engine,
            now=self.clock.now,
            sleep=self.clock.skip,
            quiet=True,
        )
        return client


@pytest.fixture(scope="module")
def stormy(start_simulator: Callable[..., Simulator]) -> Iterator[Any]:
    """
    A simulator of this file's own; pages of ten events, so that three small jobs fill several, and
    a CRM that is given up on soon.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deliver, "DEADLINE_S", DEADLINE_S)
        yield start_simulator(environment_without_coverage(), crm_secret=CRM_SECRET)


def storms(simulator: Simulator, seed: int, count: int) -> Counter[str]:
    """
    So many schedules by this seed, and how often their faults struck; AssertionError with the
    smallest one that breaks something.
    """
    seen: Counter[str] = Counter()

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(SCHEDULES)
    def weather(schedule: Schedule) -> None:
        trial = Trial(simulator, schedule)
        wrong = trial.wrong()
        seen.update(schedules=1, struck=trial.struck, calm=trial.struck == 0)
        assert not wrong, f"{schedule}: {wrong}"

    weather()
    return seen


@pytest.mark.parametrize("seed", range(4))
def test_any_schedule_of_faults_mails_nobody_twice_and_loses_nothing(
    stormy: Any, seed: int
) -> None:
    """
    In the storm all invariants hold; after it the same command ends well, everyone got one mail and
    the CRM heard all. Most storms are some.
    """
    seen = storms(stormy, seed, 50)

    assert 50 <= seen["schedules"]
    assert seen["calm"] < 15
    assert seen["struck"] > 100
