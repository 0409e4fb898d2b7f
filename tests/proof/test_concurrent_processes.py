"""
Several processes on one ledger, on a file and on PostgreSQL: what they do at once, and what a
paused one may still do when it wakes up.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cxtools.api.outcome import PostOutcome
from cxtools.errors import ConfigError
from cxtools.ledger import schema
from cxtools.ledger.audit import Anchor
from cxtools.ledger.ledger import Ledger
from cxtools.ledger.outbox import Webhook
from cxtools.ledger.posts import Claim
from cxtools.ledger.states import COLLECTABLE
from cxtools.ledger.suppressions import Scan
from cxtools.model import Job, Recipient
from tests.conftest import Simulator
from tests.postgres import Cluster
from tests.uncounted import environment_without_coverage

WORKERS = 8
ACCOUNT = "https://api.example|client"
DAY_S = 86400.0
BARRIER: list[Any] = []


@pytest.fixture(scope="module")
def crew() -> Iterator[Callable[..., list[Any]]]:
    """
    `crew(work, *arguments)` runs work(number, *arguments) in eight processes that start at the same
    moment, and gives what each returned.
    """
    context = get_context("spawn")
    with ProcessPoolExecutor(
        WORKERS, mp_context=context, initializer=_enlist, initargs=(context.Barrier(WORKERS),)
    ) as pool:
        yield lambda work, *arguments: [
            task.result(120)
            for task in [
                pool.submit(_together, work, number, *arguments) for number in range(WORKERS)
            ]
        ]


def _enlist(barrier: Any) -> None:
    BARRIER[:] = [barrier]


def _together(work: Callable[..., Any], number: int, *arguments: Any) -> Any:
    BARRIER[0].wait(60)
    return work(number, *arguments)


def webhook_writer(batch: str) -> Callable[[int, Anchor], Webhook]:
    """What a scan of this batch calls to write its webhook."""
    return lambda version, _: Webhook(f"{batch}-{version}", "e", b"{}")


def machine(number: int, url: str) -> Ledger:
    """
    A ledger as another machine opens it: no process table tells the others whether this worker
    lives.
    """
    ledger = Ledger(url, now=time.time)
    ledger.posts.worker = f"machine-{number}:1:1"
    return ledger


def people(count: int) -> list[Recipient]:
    return [Recipient(f"p{number}@example.com") for number in range(count)]


def plan(ledger: Ledger, count: int, *, batch_size: int) -> list[str]:
    ledger.plans.write(
        "q3", digest="d", spec={"name": "q3"}, planned=people(count), batch_size=batch_size
    )
    return [row.id for row in ledger.batches.rows("q3")]


def claim(
    ledger: Ledger, batch_id: str, *, recipients: int, limit: int | None = None, lease_s: float = 60
) -> Claim | None:
    return ledger.posts.claim(
        batch_id,
        b"{}",
        recipients=recipients,
        excluded={},
        lease_s=lease_s,
        account=ACCOUNT,
        limit=limit,
    )


def _claim_all(number: int, url: str, batches: list[str], limit: int) -> list[str]:
    ledger = machine(number, url)
    order = random.Random(number).sample(batches, len(batches))
    return [batch_id for batch_id in order if claim(ledger, batch_id, recipients=10, limit=limit)]


def test_eight_processes_share_batches_and_quota_exactly(
    crew: Callable[..., list[Any]], ledger_url: str
) -> None:
    """
    60 batches of 10 against a limit of 500: 50 are granted, each to one process, and no process is
    told that the ledger is locked.
    """
    ledger = Ledger(ledger_url, now=time.time)
    batches = plan(ledger, 600, batch_size=10)
    granted = Counter(
        batch_id for some in crew(_claim_all, ledger_url, batches, 500) for batch_id in some
    )

    assert (50, {1}) == (len(granted), set(granted.values()))
    assert 0 == ledger.quota.left(ACCOUNT, 500)
    assert () == ledger.audit_log.verify().faults


def _claim_in_step(number: int, url: str, batches: list[str]) -> list[int]:
    ledger, granted = machine(number, url), []
    for round_, batch_id in enumerate(batches[number::WORKERS]):
        BARRIER[0].wait(60)
        if ledger.posts.claim(
            batch_id,
            b"{}",
            recipients=10,
            excluded={},
            lease_s=60,
            account=f"account {round_}",
            limit=40,
        ):
            granted.append(round_)
    return granted


def test_eight_processes_that_ask_at_the_same_moment_get_the_limit_exactly(
    crew: Callable[..., list[Any]], ledger_url: str
) -> None:
    """
    Fifteen times eight batches of 10 at once, against a limit of 40 each time: four are granted.
    """
    ledger = Ledger(ledger_url, now=time.time)
    batches = plan(ledger, 15 * WORKERS * 10, batch_size=10)
    granted = Counter(
        round_ for some in crew(_claim_in_step, ledger_url, batches) for round_ in some
    )

    assert dict.fromkeys(range(15), 4) == granted


def _plan_it(number: int, url: str) -> str:
    ledger = Ledger(url, now=time.time)
    ledger.plans.write("q3", digest="d", spec={"name": "q3"}, planned=people(300), batch_size=100)
    with suppress(ConfigError):
        ledger.plans.write(
            "q4", digest=str(number), spec={"name": "q4"}, planned=people(10), batch_size=100
        )
        return "mine"
    return "another's"


def test_eight_processes_that_plan_the_same_campaign_write_one_plan(
    crew: Callable[..., list[Any]], ledger_url: str
) -> None:
    """
    Also when the ledger doesn't exist yet; of eight campaigns with one name and different content
    one wins and seven are told.
    """
    answers = crew(_plan_it, ledger_url)
    ledger = Ledger(ledger_url, now=time.time)

    assert {"mine": 1, "another's": 7} == Counter(answers)
    assert (3, 1) == (len(ledger.batches.rows("q3")), len(ledger.batches.rows("q4")))
    assert 2 == [entry.kind for entry in ledger.audit_log.entries()].count("campaign.planned")


OUTCOMES = (
    PostOutcome("not_sent"),
    PostOutcome("limited"),
    PostOutcome("unknown"),
    PostOutcome("accepted"),
    PostOutcome("accepted"),
)
#: the same people in each: two processes that write them in different orders must not wait for each
#: other in a circle
BOUNCED = [who.key for who in people(40)]


def _everything(  # noqa: C901  # all that a run can do, side by side
    number: int, url: str, batches: list[str], seconds: float
) -> int:
    """
    Whatever a run does, in any order, on any batch, for a while; returns how many steps it took.
    """
    ledger, dice = machine(number, url), random.Random(number)
    ids = itertools.count()

    def post() -> None:
        if claimed := claim(
            ledger, dice.choice(batches), recipients=10, limit=10_000, lease_s=dice.choice((60, -1))
        ):
            outcome = dice.choice(OUTCOMES)
            ledger.posts.record_outcome(
                claimed,
                PostOutcome(outcome.kind, job_id=f"j{number}-{next(ids)}")
                if outcome.kind == "accepted"
                else outcome,
            )

    def again() -> None:
        if claimed := ledger.posts.claim_again(dice.choice(batches), within_s=3600):
            ledger.posts.record_outcome(
                claimed, PostOutcome("accepted", job_id=f"j{number}-{next(ids)}")
            )

    def reconcile() -> None:
        with suppress(ConfigError):
            ledger.unknown.reconcile(dice.choice(batches), reason="asked", quarantine_s=-3600)

    def end() -> None:
        for row in ledger.batches.rows("q3", ["submitted"])[:3]:
            ledger.jobs.record_end(row.id, Job(row.job, "completed"))

    def scan() -> None:
        for row in dice.sample(rows := ledger.batches.rows("q3", COLLECTABLE), min(3, len(rows))):
            some = dict.fromkeys(dice.sample(BOUNCED, 40), "invalid_recipient")
            ledger.jobs.record_scan(
                row.id,
                Scan(row.events + dice.randint(0, 1), some),
                horizon_s=-3600,
                write_webhook=webhook_writer(row.id),
            )

    def deliver() -> None:
        for row in ledger.outbox.take_due(lease_s=60, limit=3):
            ledger.outbox.record_delivery(
                row.id, state=dice.choice(("delivered", "pending", "dead")), next_at=0
            )

    deeds = (
        post,
        post,
        again,
        reconcile,
        end,
        scan,
        deliver,
        ledger.unknown.recover,
        lambda: ledger.outbox.replay(since=0),
        lambda: ledger.batches.counts("q3"),
    )
    until, steps = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        dice.choice(deeds)()
        steps += 1
    return steps


def test_whatever_eight_processes_do_at_once_none_is_refused(
    crew: Callable[..., list[Any]], ledger_url: str
) -> None:
    """
    No lock is waited for in a circle, none for too long: every deed of every process succeeds, and
    afterwards the books agree.
    """
    ledger = Ledger(ledger_url, now=time.time)
    batches = plan(ledger, 120, batch_size=10)
    steps = crew(_everything, ledger_url, batches, 4.0)
    rows = ledger.batches.rows("q3")
    with ledger.reading() as tx:
        used = tx.scalar(sa.select(schema.quota.c.used))
        posts = tx.scalar(sa.select(sa.func.count()).select_from(schema.attempt))
    kinds = Counter(entry.kind for entry in ledger.audit_log.entries())

    assert min(steps) > 0
    assert used == sum(
        row.recipients for row in rows if row.state not in ("planned", "rejected", "empty")
    )
    assert posts == kinds["submit.intent"] + kinds["submit.again"]
    assert (
        kinds["webhook.queued"] == len(ledger.outbox.webhooks()) == sum(row.version for row in rows)
    )
    assert () == ledger.audit_log.verify().faults


# ---- whole runs
# -----------------------------------------------------------------------------------------------------

SCHEDULER = """
import os, signal, sys, time
from pathlib import Path
from cxtools.api.client import Client
from cxtools.context import Context
from cxtools.sending.campaign import Campaign
from cxtools.connection import Connection
from cxtools.simulated import SIMULATOR_ACCOUNT
from cxtools.settings import load_settings

url, home, ledger, stop_at, skew = sys.argv[1:]
now = lambda: time.time() + float(Path(skew).read_text() if Path(skew).exists() else 0)

def pause():
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(0.2)  # another thread may take the signal, a moment later

class Paused(Client):
    def submit(self, *given, **named):
        if stop_at == "before":
            pause()
        answer = super().submit(*given, **named)
        if stop_at == "after":
            pause()
        return answer

client = Connection(load_settings(environ={}, home=Path(home), ledger=ledger, env_url=url, event_horizon_s=0, batch_size=25, **SIMULATOR_ACCOUNT,
                                  crm_webhook_url="" if stop_at else f"{url}/_sim/crm"), quiet=True)  # no courier: it could be stopped in a transaction
client.ledger.now = now
client.context = Context(client.settings, Paused(client.settings, now=now), client.ledger, client.engine, now=now, quiet=True)
people = [f"p{number}@acme-01.example" for number in range(100)]
client.send(Campaign.from_list(people[:25] if stop_at else people, name="q3", subject="Q3", template_id="a1b2c3d4-e5f6-7890-abcd-ef1234567890",
                               sender="me@example.com"))
print(client.status("q3").state)
"""


def scheduler(
    simulator: Simulator, home: Path, ledger_url: str, stop_at: str = ""
) -> subprocess.Popen[str]:
    """
    `cxtools send` as a process of its own; *stop_at* says that it has one batch, and pauses it
    "before" or "after" the POST, as a suspended machine is paused.
    """
    words = [simulator.url, str(home), ledger_url, stop_at, str(home / "skew")]
    return subprocess.Popen(
        [sys.executable, "-c", SCHEDULER, *words],
        env=environment_without_coverage(),
        stdout=subprocess.PIPE,
        text=True,
    )


def test_schedulers_that_start_the_same_campaign_mail_nobody_twice(
    simulator: Simulator, ledger_url: str, tmp_path: Path
) -> None:
    """
    Three machines, each with its own store of events, one ledger: all end well, and together they
    send each batch once.
    """
    simulator.reset(speed="inf")
    running = [scheduler(simulator, tmp_path / f"home-{number}", ledger_url) for number in range(3)]
    said = [each.communicate(timeout=100)[0].strip() for each in running]
    truth = simulator.truth()

    assert [(0, "completed")] * 3 == [
        (each.returncode, text) for each, text in zip(running, said, strict=True)
    ]
    assert (4, 100, []) == (
        len(truth["jobs"]),
        sum(len(job["recipients"]) for job in truth["jobs"].values()),
        truth["mailed_twice"],
    )
    assert () == Ledger(ledger_url, now=time.time).audit_log.verify().faults


def test_events_that_can_not_be_stored_are_not_counted_as_read(
    simulator: Simulator, home: Path
) -> None:
    """
    Something stands in the store's place: the scan isn't on record, and when there is room again
    nothing is missing.
    """
    simulator.reset(speed="inf")
    (home / "events").write_text("in the way")
    assert scheduler(simulator, home, f"sqlite:///{home / 'ledger.sqlite'}").wait(60)
    ledger = Ledger(f"sqlite:///{home / 'ledger.sqlite'}", now=time.time)
    assert [(0, 0)] * 4 == [(row.scans, row.events) for row in ledger.batches.rows("q3")]
    (home / "events").unlink()

    assert 0 == scheduler(simulator, home, f"sqlite:///{home / 'ledger.sqlite'}").wait(60)
    assert all(row.scans and row.events for row in ledger.batches.rows("q3"))


class Suspended:
    """
    A scheduler that was stopped in the middle of its only batch; `wake` moves its clock on and lets
    it run to its end.
    """

    def __init__(self, simulator: Simulator, home: Path, ledger_url: str, stop_at: str) -> None:
        home.mkdir()
        self.started = simulator, home, ledger_url
        self.home, self.process = home, scheduler(*self.started, stop_at)
        _, status = os.waitpid(self.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        self.clock = time.time
        self.ledger = Ledger(ledger_url, now=self.read_clock)
        [self.batch] = [row.id for row in self.ledger.batches.rows("q3")]

    def read_clock(self) -> float:
        """By the clock of the moment: `later` gives another one."""
        return self.clock()

    def later(self, seconds: float) -> None:
        self.clock = lambda: time.time() + seconds
        (self.home / "skew").write_text(str(seconds))

    def again(self) -> None:
        """The same command, by another process."""
        scheduler(*self.started, stop_at="never").communicate(timeout=60)

    def wake(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)
        self.process.communicate(timeout=60)

    @property
    def state(self) -> str:
        return next(row.state for row in self.ledger.batches.rows("q3"))


@pytest.fixture
def suspended(
    simulator: Simulator, tmp_path: Path, ledger_url: str
) -> Iterator[Callable[[str], Suspended]]:
    simulator.reset(speed="inf")
    made: list[Suspended] = []

    def suspend(stop_at: str) -> Suspended:
        made.append(Suspended(simulator, tmp_path / "asleep", ledger_url, stop_at))
        return made[-1]

    yield suspend
    for each in made:
        each.process.kill()
        each.process.wait()


def test_a_worker_that_sleeps_within_its_lease_is_left_alone(
    suspended: Callable[[str], Suspended], simulator: Simulator
) -> None:
    """Nobody takes its batch away, and when it wakes up it sends, once."""
    asleep = suspended("before")
    asleep.ledger.posts.worker = "machine-2:1:1"
    assert 0 == asleep.ledger.unknown.recover()
    asleep.wake()

    assert asleep.state in COLLECTABLE
    assert 1 == len(simulator.truth()["jobs"])


def test_a_worker_that_wakes_up_after_its_lease_sends_nothing(
    suspended: Callable[[str], Suspended], simulator: Simulator
) -> None:
    """
    Meanwhile the batch was called unknown, then not sent on an operator's word, and sent by another
    machine: nobody is mailed twice.

    The worker asks its clock right before the POST, and the epoch keeps what it says out of the
    other's record.
    """
    asleep = suspended("before")
    asleep.later(2 * DAY_S)
    assert 1 == asleep.ledger.unknown.recover()
    asleep.ledger.unknown.reconcile(asleep.batch, reason="asked NICE", quarantine_s=DAY_S)
    asleep.again()
    asleep.wake()

    assert (1, []) == (len(simulator.truth()["jobs"]), simulator.truth()["mailed_twice"])
    assert "submit.late" in [entry.kind for entry in asleep.ledger.audit_log.entries()]


def test_what_a_worker_knows_when_it_wakes_up_settles_what_was_unknown(
    suspended: Callable[[str], Suspended], simulator: Simulator
) -> None:
    """
    It knows for certain that it sent nothing: the batch is planned again, and the next run sends
    it, once.
    """
    asleep = suspended("before")
    asleep.later(DAY_S)
    assert 1 == asleep.ledger.unknown.recover()
    asleep.wake()
    assert ("planned", {}) == (asleep.state, simulator.truth()["jobs"])
    asleep.again()

    assert asleep.state in COLLECTABLE
    assert (1, []) == (len(simulator.truth()["jobs"]), simulator.truth()["mailed_twice"])


def test_an_answer_that_comes_late_still_counts(
    suspended: Callable[[str], Suspended], simulator: Simulator
) -> None:
    """
    Stopped after the POST, unknown to the others: when it wakes up, the job's id is on record.
    """
    asleep = suspended("after")
    asleep.later(DAY_S)
    assert 1 == asleep.ledger.unknown.recover()
    asleep.wake()

    assert list(simulator.truth()["jobs"]) == [
        row.job_id for row in asleep.ledger.batches.rows("q3")
    ]
    assert asleep.state in COLLECTABLE


HOLDER = """
import os, signal, sys, time
from cxtools.ledger import database
from cxtools.ledger import ledger
database.PATIENCE["idle_in_transaction_session_timeout"] = "1s"
book = ledger.Ledger(sys.argv[1], now=time.time)
with book.writing() as tx:
    book.audit_log.add(tx, "held")
    os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_a_machine_that_sleeps_inside_a_transaction_loses_it(postgres: Cluster) -> None:
    """
    PostgreSQL takes its locks away, so that the others go on; when it wakes up, nothing of its step
    was kept.
    """
    url = postgres.database()
    ledger = Ledger(url, now=time.time)
    asleep = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url], stderr=subprocess.PIPE, text=True
    )
    os.waitpid(asleep.pid, os.WUNTRACED)
    plan(ledger, 10, batch_size=10)
    os.kill(asleep.pid, signal.SIGCONT)
    told = asleep.communicate(timeout=60)[1]

    assert "StoreError" in told
    assert "nothing of this step was kept" in told
    assert ["campaign.planned"] == [entry.kind for entry in ledger.audit_log.entries()]
