"""
The ledger against a model of it: whatever is done in whatever order, by workers that sleep, die and
wake up late, both say the same.

The model is a few lines of plain Python per deed, and knows the truth besides: which POSTs the
server took. hypothesis writes the stories, and shrinks the one that fails. `CXTOOLS_MODEL_EXAMPLES`
says how many (the soak: 20000), `CXTOOLS_MODEL_SHRINK=no` saves the time.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cxtools.api.outcome import PostOutcome
from cxtools.errors import ConfigError
from cxtools.ledger import schema
from cxtools.ledger.audit import GENESIS, Anchor
from cxtools.ledger.batches import BatchRow
from cxtools.ledger.ledger import Ledger
from cxtools.ledger.outbox import Webhook
from cxtools.ledger.posts import Claim
from cxtools.ledger.states import ARROWS, COLLECTABLE
from cxtools.ledger.suppressions import Scan
from cxtools.model import Job, Recipient
from tests.postgres import Cluster

EXAMPLES = int(os.environ.get("CXTOOLS_MODEL_EXAMPLES", "400"))
PHASES = (
    (Phase.generate,)
    if os.environ.get("CXTOOLS_MODEL_SHRINK") == "no"
    else (Phase.generate, Phase.shrink)
)
STEPS = 30
LEASE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86400.0
ACCOUNT = "https://api.example|client"
#: whose claims are whose: of a process that lives here, of one that ended here, of another
#: machine's
HERE, ENDED, ELSEWHERE = "here", f"{socket.gethostname()}:{2**22 + 1}:1", "elsewhere:1:1"
#: what a POST may come to: the outcome, and whether the server took it
POSTS = {
    "accepted": (PostOutcome("accepted"), True),
    "another's job": (PostOutcome("accepted"), True),
    "answer lost": (PostOutcome("unknown"), True),
    "lost": (PostOutcome("unknown"), False),
    "not sent": (PostOutcome("not_sent"), False),
    "limited": (PostOutcome("limited"), False),
    "exhausted": (PostOutcome("exhausted"), False),
    "refused": (PostOutcome("refused"), False),
    "denied": (PostOutcome("refused", denied=True), False),
}
#: how a POST goes, and how far its worker comes
SENDS = st.tuples(
    st.sampled_from(["accepted", "accepted", *sorted(POSTS)]),
    st.sampled_from(["claim", "post", "record", "record"]),
)
AFTER = {
    "accepted": "submitted",
    "unknown": "unknown",
    "not_sent": "planned",
    "limited": "planned",
    "exhausted": "planned",
    "refused": "rejected",
}


@dataclass
class Batch:
    """What the ledger should say of a batch."""

    size: int
    recipients: int
    state: str = "planned"
    epoch: int = 0
    owner: str = ""
    lease_until: float = 0
    day: str = ""
    first_at: float = 0
    last_at: float = 0
    job: str | None = None
    submitted_at: float = 0
    events: int = 0
    told: int = 0
    quiet: int = 0
    version: int = 0
    left_out: int = 0


def with_facts_of(row: BatchRow, batch: Batch) -> Batch:
    """What the ledger says of a batch; what the ledger does not keep is the model's own."""
    return replace(
        batch,
        recipients=row.recipients,
        state=row.state,
        epoch=row.epoch,
        lease_until=row.lease_until or 0,
        day=row.quota_day or "",
        first_at=row.first_attempt_at or 0,
        job=row.job_id,
        submitted_at=row.submitted_at or 0,
        events=row.events,
        told=row.told_events,
        quiet=row.quiet_scans,
        version=row.version,
    )


@dataclass
class Hook:
    """What the outbox should say of a webhook."""

    batch: str
    state: str = "pending"
    next_at: float = 0
    lease_until: float = 0


@dataclass
class Worker:
    """
    A claim in a worker's hands: before its POST, or after it with an outcome that isn't recorded
    yet.
    """

    claim: Claim
    outcome: PostOutcome | None = None


class Stories(RuleBasedStateMachine):
    """One story: batches, workers, an operator, a courier, and time."""

    ledger: Ledger
    home: Path

    def __init__(self) -> None:
        super().__init__()
        self.at = 1_800_000_000.0
        self.ledger.now = lambda: self.at
        self.batches: dict[str, Batch] = {}
        self.hooks: dict[str, Hook] = {}
        self.workers: list[Worker] = []
        self.used: Counter[str] = Counter()
        self.closed: set[str] = set()
        self.jobs: dict[str, list[str]] = {}
        self.before: dict[str, str] = {}
        self.knows_keys = False
        for anchors in self.home.glob("audit-anchors*"):
            anchors.unlink()
        with self.ledger.writing() as tx:
            for table in schema.TABLES.sorted_tables:
                tx.execute(table.delete())
            tx.execute(schema.audit_head.insert().values(id=1, seq=0, hash=GENESIS))

    @property
    def today(self) -> str:
        return datetime.fromtimestamp(self.at, UTC).date().isoformat()

    # ---- the plan and the clock

    @initialize(
        data=st.data(),
        sizes=st.lists(st.integers(1, 3), min_size=1, max_size=3),
        knows_keys=st.booleans(),
        sends=st.lists(SENDS, max_size=3),
    )
    def plan(
        self, data: st.DataObject, sizes: list[int], knows_keys: bool, sends: list[tuple[str, str]]
    ) -> None:
        """
        Some sends stand at the beginning: hypothesis leaves out half of the rules in each story,
        and without sends there is none.
        """
        self.knows_keys = knows_keys
        for number, size in enumerate(sizes):
            self.ledger.plans.write(
                f"c{number}", digest="d", spec={}, planned=people(number, size), batch_size=3
            )
            [row] = self.ledger.batches.rows(f"c{number}")
            self.batches[row.id], self.jobs[row.id] = Batch(size, size), []
        for send in sends:
            self.send(data, send)
            if any(batch.state == "submitted" for batch in self.batches.values()) and data.draw(
                st.booleans()
            ):
                self.follow(data, "completed", 1)

    @rule(number=st.integers(0, 2))
    def plan_again(self, number: int) -> None:
        if number < len(self.batches):
            self.ledger.plans.write(
                f"c{number}", digest="d", spec={}, planned=people(number, 1), batch_size=3
            )

    @rule(seconds=st.sampled_from([1.0, LEASE_S + 1, HOUR_S, DAY_S]), recovers=st.booleans())
    def wait(self, seconds: float, recovers: bool) -> None:
        self.at += seconds
        if recovers:
            self.recover()

    # ---- send

    @rule(data=st.data(), send=SENDS)
    def send(self, data: st.DataObject, send: tuple[str, str]) -> None:
        """Claim, POST, record; or the first of these, and the rest may come later, or never."""
        how, upto = send
        worker = self.claim(data)
        if worker and upto != "claim":
            self.post(worker, how)
        if worker and upto == "record":
            self.record(worker)

    @precondition(lambda self: self.workers)
    @rule(
        data=st.data(),
        how=st.sampled_from(sorted(POSTS)),
        dies=st.sampled_from([False, False, True]),
    )
    def wake_up(self, data: st.DataObject, how: str, dies: bool) -> None:
        """A worker goes on after whatever happened meanwhile, or is killed with what it knew."""
        worker = data.draw(st.sampled_from(self.workers))
        if dies:
            self.workers.remove(worker)
        elif worker.outcome is None:
            self.post(worker, how)
        else:
            self.record(worker)

    def claim(self, data: st.DataObject) -> Worker | None:
        key, batch = self.pick(data, "planned")
        out, limit, owner = data.draw(
            st.tuples(
                st.booleans(),
                st.sampled_from([None, None, 3, 5]),
                st.sampled_from([HERE, ELSEWHERE, ENDED]),
            )
        )
        count = batch.size - (out and batch.size > 1)
        left_out = {who.key: "suppressed" for who in self.ledger.batches.candidates(key)[count:]}
        here, self.ledger.posts.worker = (
            self.ledger.posts.worker,
            self.ledger.posts.worker if owner == HERE else owner,
        )
        claim = self.ledger.posts.claim(
            key,
            b"%d" % count,
            recipients=count,
            excluded=left_out,
            lease_s=LEASE_S,
            account=ACCOUNT,
            limit=limit,
        )
        self.ledger.posts.worker = here

        fits = self.today not in self.closed and (
            limit is None or self.used[self.today] + count <= limit
        )
        assert (batch.state == "planned" and fits) == (claim is not None)
        if claim:
            assert (batch.epoch + 1, b"%d" % count, self.at + LEASE_S) == (
                claim.epoch,
                claim.payload,
                claim.lease_until,
            )
            self.used[self.today] += count
            if owner == ENDED and data.draw(
                st.booleans()
            ):  # it ended between the server's taking the POST and the record of it
                self.take(key)
            self.batches[key] = replace(
                batch,
                state="submitting",
                epoch=claim.epoch,
                recipients=count,
                owner=owner,
                lease_until=claim.lease_until,
                day=self.today,
                first_at=batch.first_at or self.at,
                last_at=self.at,
                left_out=len(left_out),
            )
        self.the_ledger_says_what_the_model_says()
        if not claim or owner == ENDED:
            return None
        self.workers.append(Worker(claim))
        return self.workers[-1]

    @precondition(lambda self: self.knows_keys)
    @rule(data=st.data())
    def claim_again(self, data: st.DataObject) -> None:
        key, batch = self.pick(data, "unknown")
        claim = self.ledger.posts.claim_again(key, within_s=HOUR_S)

        assert (batch.state == "unknown" and self.at < batch.first_at + HOUR_S) == (
            claim is not None
        )
        if claim:
            self.workers.append(Worker(claim))
            batch.epoch, batch.last_at = claim.epoch, self.at

    def post(self, worker: Worker, how: str) -> None:
        """Nobody posts after the lease."""
        outcome, taken = POSTS[how] if self.at < worker.claim.lease_until else POSTS["not sent"]
        if taken:
            self.take(worker.claim.batch_id)
        jobs = self.jobs[worker.claim.batch_id]
        others = [
            job for key, some in self.jobs.items() for job in some if key != worker.claim.batch_id
        ]
        job = others[0] if how == "another's job" and others else jobs[-1] if jobs else None
        worker.outcome = replace(outcome, job_id=job) if outcome.kind == "accepted" else outcome

    def record(self, worker: Worker) -> None:
        self.workers.remove(worker)
        claim, outcome, batch = worker.claim, worker.outcome, self.batches[worker.claim.batch_id]
        assert outcome
        state = AFTER["not_sent" if outcome.denied else outcome.kind]
        if claim.again and state != "submitted":
            state = "unknown"
        if state == "submitted" and any(
            other.job == outcome.job_id for other in self.batches.values() if other is not batch
        ):
            state = "unknown"
        timely = batch.epoch == claim.epoch and (
            batch.state == "submitting" or (batch.state == "unknown" and state != "rejected")
        )
        if timely:
            self.enter(batch, state, outcome.job_id)
            if state in ("planned", "rejected"):
                self.used[batch.day] -= batch.recipients
            if outcome.kind == "exhausted":
                self.closed.add(batch.day)

        assert batch.state == self.ledger.posts.record_outcome(claim, outcome)
        self.the_ledger_says_what_the_model_says()

    def recover(self) -> None:
        assert self.orphaned() == self.ledger.unknown.recover()
        self.the_ledger_says_what_the_model_says()

    def orphaned(self) -> int:
        """Batches whose workers are gone become unknown; how many."""
        gone = [
            batch
            for batch in self.batches.values()
            if batch.state == "submitting" and (batch.owner == ENDED or self.at > batch.lease_until)
        ]
        for batch in gone:
            batch.state = "unknown"
        return len(gone)

    @rule(data=st.data(), rare=st.sampled_from(range(6)))
    def leave_empty(self, data: st.DataObject, rare: int) -> None:
        if rare:
            return
        key, batch = self.pick(data)
        self.ledger.posts.leave_empty(
            key, {who.key: "suppressed" for who in self.ledger.batches.candidates(key)}
        )
        if batch.state == "planned":
            batch.state, batch.recipients, batch.left_out = "empty", 0, batch.size

    # ---- the operator, who knows the truth, and says so

    @rule(data=st.data(), word=st.sampled_from(["sent", "not sent", "abandon"]))
    def reconcile(self, data: st.DataObject, word: str) -> None:
        key, batch = self.pick(data, "unknown")
        if (word == "sent") != bool(self.jobs[key]) and word != "abandon":
            return
        job = self.jobs[key][0] if word == "sent" else ""
        if job in {other.job for other in self.batches.values()}:
            return
        state = {"sent": "submitted", "not sent": "planned", "abandon": "abandoned"}[word]
        self.orphaned()
        allowed = batch.state == "unknown" and (
            word != "not sent" or self.at >= batch.last_at + DAY_S
        )
        reason = "asked" if word == "not sent" else ""
        reconcile = partial(
            self.ledger.unknown.reconcile,
            key,
            job_id=job,
            quarantine_s=DAY_S,
            reason=reason,
            abandon=word == "abandon",
        )
        if not allowed:
            with pytest.raises(ConfigError):
                reconcile()
            return
        assert state == reconcile()
        self.enter(batch, state, job)
        batch.epoch += 1
        self.used[batch.day] -= batch.recipients if state == "planned" else 0

    # ---- follow, collect, tell

    @rule(
        data=st.data(),
        status=st.sampled_from(["completed", "failed", "cancelled"]),
        more=st.integers(0, 2),
    )
    def follow(self, data: st.DataObject, status: str, more: int) -> None:
        key, batch = self.pick(data, "submitted")
        self.ledger.jobs.record_end(key, Job(batch.job or "none", status))
        batch.state = status if batch.state == "submitted" else batch.state
        self.the_ledger_says_what_the_model_says()
        if more and batch.state in COLLECTABLE:
            self.scan(key, more - 1, 0.0)

    @precondition(lambda self: any(batch.state in COLLECTABLE for batch in self.batches.values()))
    @rule(
        data=st.data(), more=st.sampled_from([-1, 0, 0, 1]), horizon_s=st.sampled_from([0.0, DAY_S])
    )
    def collect(self, data: st.DataObject, more: int, horizon_s: float) -> None:
        self.scan(
            data.draw(
                st.sampled_from(
                    [key for key, batch in self.batches.items() if batch.state in COLLECTABLE]
                )
            ),
            more,
            horizon_s,
        )

    def scan(self, key: str, more: int, horizon_s: float) -> None:
        """*more* events than before; -1: another run's older scan, written late."""
        batch = self.batches[key]

        def hook(version: int, _: Anchor) -> Webhook:
            name = f"{key}|{version}"
            return Webhook(name, "email_job", name.encode())

        scanned = max(0, batch.events + more)
        self.ledger.jobs.record_scan(
            key, Scan(scanned, {}), horizon_s=horizon_s, write_webhook=hook
        )

        news = scanned > batch.events
        batch.events, batch.quiet = max(batch.events, scanned), 0 if news else batch.quiet + 1
        first, reopened = (
            batch.state in ("completed", "failed", "cancelled"),
            batch.state in ("settled", "synced") and news,
        )
        settles = (
            batch.state == "settling"
            and batch.quiet >= 2
            and self.at >= batch.submitted_at + horizon_s
        )
        batch.state = "settling" if first or reopened else "settled" if settles else batch.state
        if first or reopened or (settles and batch.events > batch.told):
            batch.version, batch.told = batch.version + 1, batch.events
            self.hooks[f"{key}|{batch.version}"] = Hook(key, next_at=self.at)
        if settles:
            self.sync(key)

    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        rows = self.ledger.outbox.take_due(lease_s=LEASE_S)
        due = {
            key
            for key, hook in self.hooks.items()
            if hook.state == "pending" and hook.next_at <= self.at and hook.lease_until <= self.at
        }
        assert (due, {key.encode() for key in due}) == (
            {row.id for row in rows},
            {row.body for row in rows},
        )
        for row in rows:
            self.hooks[row.id].lease_until = self.at + LEASE_S
            state = data.draw(
                st.sampled_from(["delivered", "pending", "dead", "killed before it is recorded"])
            )
            if state in ("delivered", "pending", "dead"):
                self.ledger.outbox.record_delivery(row.id, state=state, next_at=self.at + 5)
                self.hooks[row.id] = replace(
                    self.hooks[row.id], state=state, next_at=self.at + 5, lease_until=0
                )
                if state == "delivered":
                    self.sync(self.hooks[row.id].batch)

    @precondition(lambda self: self.hooks)
    @rule(data=st.data(), word=st.sampled_from(["replay", "replay", "forget"]))
    def decide(self, data: st.DataObject, word: str) -> None:
        """The operator replays a webhook, or gives it up."""
        key = data.draw(st.sampled_from(sorted(self.hooks)))
        hook = self.hooks[key]
        if word == "replay":
            assert (hook.state != "forgotten") == self.ledger.outbox.replay(webhook_id=key)
            self.hooks[key] = (
                Hook(hook.batch, next_at=self.at) if hook.state != "forgotten" else hook
            )
        else:
            assert (hook.state in ("pending", "dead")) == self.ledger.outbox.forget(key)
            if hook.state in ("pending", "dead"):
                hook.state = "forgotten"
                self.sync(hook.batch)

    # ---- what always holds

    @invariant()
    def the_ledger_says_what_the_model_says(self) -> None:
        rows = {row.id: row for row in self.ledger.batches.rows()}
        facts = {key: with_facts_of(rows[key], batch) for key, batch in self.batches.items()}
        assert self.batches == facts
        for key, row in rows.items():
            assert reachable(self.before.get(key, row.state), row.state)
        self.before = {key: row.state for key, row in rows.items()}

    @invariant()
    def nobody_is_mailed_twice(self) -> None:
        assert [] == [key for key, jobs in self.jobs.items() if len(jobs) > 1]
        assert [] == [
            key
            for key, jobs in self.jobs.items()
            if jobs and self.batches[key].state in ("planned", "rejected", "empty")
        ]

    @invariant()
    def the_quota_is_what_was_or_may_have_been_sent(self) -> None:
        with self.ledger.reading() as tx:
            used = {row.day: row.used for row in tx.execute(sa.select(schema.quota))}
        assert +self.used == +Counter(used)
        owed = Counter[str]()
        for batch in self.batches.values():
            owed[batch.day] += (
                batch.recipients if batch.state not in ("planned", "rejected", "empty") else 0
            )
        assert +owed == +self.used

    @invariant()
    def no_webhook_is_lost(self) -> None:
        assert {key: hook.state for key, hook in self.hooks.items()} == {
            row.id: row.state for row in self.ledger.outbox.webhooks()
        }

    def teardown(self) -> None:
        kinds = Counter(entry.kind for entry in self.ledger.audit_log.entries())
        with self.ledger.reading() as tx:
            posts = tx.scalar(sa.select(sa.func.count()).select_from(schema.attempt))
            out = tx.scalar(
                sa.select(sa.func.count())
                .select_from(schema.slot)
                .where(schema.slot.c.outcome != "")
            )
        assert () == self.ledger.audit_log.verify().faults
        assert (posts, len(self.hooks)) == (
            kinds["submit.intent"] + kinds["submit.again"],
            kinds["webhook.queued"],
        )
        assert out == sum(batch.left_out for batch in self.batches.values())

    # ---- the model's own

    def pick(self, data: st.DataObject, state: str = "") -> tuple[str, Batch]:
        """
        Any batch, but rather one in *state*: stories in which nothing comes of anything are short.
        """
        fitting = [item for item in self.batches.items() if item[1].state == state]
        return data.draw(st.sampled_from(fitting * 4 + list(self.batches.items())))

    def take(self, key: str) -> None:
        """The server takes a POST: each key once if it knows keys, else every one."""
        if not (self.knows_keys and self.jobs[key]):
            self.jobs[key].append(f"j{sum(map(len, self.jobs.values()))}")

    def enter(self, batch: Batch, state: str, job: str | None) -> None:
        batch.state = state
        if state == "submitted":
            batch.job, batch.submitted_at = job, self.at
        if state == "planned":  # nothing was sent: the server's window for the key has not begun
            batch.first_at = 0

    def sync(self, key: str) -> None:
        told = all(
            hook.state in ("delivered", "forgotten")
            for hook in self.hooks.values()
            if hook.batch == key
        )
        self.batches[key].state = (
            "synced" if told and self.batches[key].state == "settled" else self.batches[key].state
        )


def people(number: int, count: int) -> list[Recipient]:
    return [Recipient(f"p{index}@c{number}.example") for index in range(count)]


def reachable(source: str, target: str) -> bool:
    """
    By one arrow, or by two that one deed may go: settling, settled, synced by a scan; from an
    orphan over unknown by an operator's word.
    """
    between = {"settling": "settled", "submitting": "unknown"}.get(source)
    return source == target or target in ARROWS[source] or target in ARROWS.get(between or "", ())


def check_stories(url: str, home: Path, examples: int) -> None:
    ledger = Ledger(url, now=lambda: 0.0, home=home)
    how = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        phases=PHASES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        database=None,
    )
    run_state_machine_as_test(
        type("Told", (Stories,), {"ledger": ledger, "home": home, "TestCase": None}), settings=how
    )
    assert () == ledger.audit_log.verify().faults
    ledger.close()


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """A folder where fsync costs nothing, if the system has such a place."""
    with tempfile.TemporaryDirectory(
        dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    ) as folder:
        yield Path(folder)


def test_the_ledger_is_its_model(in_memory: Path) -> None:
    """
    Every story of claims, POSTs, deaths, late answers, an operator's words and webhooks leaves the
    ledger as the model has it.
    """
    check_stories(f"sqlite:///{in_memory / 'ledger.sqlite'}", in_memory, EXAMPLES)


def test_the_ledger_on_postgresql_is_the_same_model(postgres: Cluster, in_memory: Path) -> None:
    """The same stories, fewer."""
    check_stories(postgres.database(), in_memory, EXAMPLES // 10)
