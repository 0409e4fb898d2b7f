"""The ledger: states, claims, quota, outbox and audit log, each as one transaction."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import pytest
import sqlalchemy as sa

from cxtools.api.outcome import PostKind, PostOutcome
from cxtools.connection import Connection
from cxtools.errors import ConfigError, StoreError
from cxtools.ledger import database, schema, states
from cxtools.ledger.audit import GENESIS, Anchor
from cxtools.ledger.ledger import Ledger
from cxtools.ledger.outbox import Webhook
from cxtools.ledger.posts import Claim
from cxtools.ledger.states import ARROWS
from cxtools.ledger.suppressions import Scan
from cxtools.ledger.transitions import move
from cxtools.model import Job, LeftOut, Recipient
from cxtools.sending.campaign import Campaign
from cxtools.settings import load_settings
from tests.postgres import Cluster

ACCOUNT = "https://api.example|client"
DAY_S = 86400


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(ledger_url: str, clock: Clock, tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(ledger_url, now=clock, home=tmp_path)
    yield opened
    opened.close()


def people(count: int, start: int = 0) -> list[Recipient]:
    return [Recipient(f"p{number}@example.com") for number in range(start, start + count)]


def plan(ledger: Ledger, count: int = 3, *, name: str = "q3", batch_size: int = 1000) -> list[str]:
    spec = {"name": name, "sender": "me@example.com", "template_id": "t", "limits": {"daily": None}}
    ledger.plans.write(name, digest="d", spec=spec, planned=people(count), batch_size=batch_size)
    return [row.id for row in ledger.batches.rows(name)]


def claim(
    ledger: Ledger,
    batch_id: str,
    *,
    recipients: int = 3,
    limit: int | None = None,
    excluded: dict[str, str] | None = None,
) -> Claim | None:
    return ledger.posts.claim(
        batch_id,
        b"{}",
        recipients=recipients,
        excluded=excluded or {},
        lease_s=60,
        account=ACCOUNT,
        limit=limit,
    )


def state(ledger: Ledger, batch_id: str) -> str:
    return next(row.state for row in ledger.batches.rows() if row.id == batch_id)


def hook(version: int, _: Anchor) -> Webhook:
    return Webhook(f"msg_{version}", "email_job_completed", b"{}")


def webhook_writer(name: str) -> Callable[[int, Anchor], Webhook]:
    """What a scan calls to write its webhook: one of this name, whatever its version."""
    return lambda version, anchor: Webhook(f"msg_{name}", "email_job_completed", b"{}")


OUTCOMES = [
    # what became of the POST                                state        quota used
    (PostOutcome("accepted", job_id="j1", status=202), "submitted", 3),
    (PostOutcome("not_sent", detail="refused connection"), "planned", 0),
    (PostOutcome("limited", status=429), "planned", 0),
    (PostOutcome("refused", status=400), "rejected", 0),
    (PostOutcome("refused", status=403, denied=True), "planned", 0),
    (PostOutcome("unknown", status=504), "unknown", 3),
]


@pytest.mark.parametrize(
    ("outcome", "expected", "used"), OUTCOMES, ids=lambda value: getattr(value, "kind", value)
)
def test_the_outcome_of_a_post_decides_the_state_and_the_quota(
    ledger: Ledger, outcome: PostOutcome, expected: str, used: int
) -> None:
    """Quota comes back only where nothing was sent for certain."""
    [batch] = plan(ledger)
    claimed = claim(ledger, batch, limit=10)

    assert claimed is not None
    assert expected == ledger.posts.record_outcome(claimed, outcome)
    assert 10 - used == ledger.quota.left(ACCOUNT, 10)


def test_E05_a_claim_is_on_disk_before_the_post_and_a_killed_worker_leaves_unknown(
    ledger: Ledger, clock: Clock, ledger_url: str
) -> None:
    """
    E05, E01: after a kill between claim and answer the batch is unknown, never planned again by
    itself.
    """
    [batch] = plan(ledger)
    claim(ledger, batch)
    with ledger.writing() as tx:
        tx.execute(schema.batch.update().values(owner="elsewhere:1:1"))
    reopened = Ledger(ledger_url, now=clock)

    assert 0 == reopened.unknown.recover()
    clock.at += 61
    assert 1 == reopened.unknown.recover()
    assert "unknown" == state(reopened, batch)
    assert claim(reopened, batch) is None


def test_a_dead_process_of_this_machine_needs_no_lease_to_end(ledger: Ledger) -> None:
    """Where the owner was a process here, the process table tells that it is gone."""
    [batch] = plan(ledger)
    claim(ledger, batch)
    host = ledger.posts.worker.rsplit(":", 2)[0]
    with ledger.writing() as tx:
        tx.execute(schema.batch.update().values(owner=f"{host}:{2**22 + 1}:1"))

    assert 1 == ledger.unknown.recover()


def test_a_living_worker_that_lost_its_answer_is_unknown_after_its_lease(
    ledger: Ledger, clock: Clock
) -> None:
    """
    A notebook goes on living when an answer couldn't be recorded: the lease ends all the same, and
    the batch can be settled.
    """
    [batch] = plan(ledger)
    claim(ledger, batch)

    assert 0 == ledger.unknown.recover()
    clock.at += 61
    assert 1 == ledger.unknown.recover()
    assert "submitted" == ledger.unknown.reconcile(batch, job_id="j1", quarantine_s=DAY_S)


def test_a_late_answer_makes_unknown_submitted_but_changes_nothing_after_an_operators_word(
    ledger: Ledger, clock: Clock
) -> None:
    """The epoch fences a worker that wakes up after the batch was given up or freed."""
    first, second = plan(ledger, 2, batch_size=1)
    late_one, late_two = claim(ledger, first, recipients=1), claim(ledger, second, recipients=1)
    assert late_one
    assert late_two
    for claimed in (late_one, late_two):
        ledger.posts.record_outcome(claimed, PostOutcome("unknown"))
    clock.at += 2 * DAY_S
    ledger.unknown.reconcile(second, reason="asked NICE", quarantine_s=DAY_S)

    assert "submitted" == ledger.posts.record_outcome(
        late_one, PostOutcome("accepted", job_id="j1")
    )
    assert "planned" == ledger.posts.record_outcome(late_two, PostOutcome("accepted", job_id="j2"))
    assert "submit.late" in [entry.kind for entry in ledger.audit_log.entries()]


def test_two_workers_never_get_the_same_batch(ledger: Ledger) -> None:
    """Sixteen claims of one batch at once: one is granted."""
    [batch] = plan(ledger)
    with ThreadPoolExecutor(16) as pool:
        granted = [
            claimed
            for claimed in pool.map(lambda _: claim(ledger, batch, limit=100), range(16))
            if claimed
        ]

    assert 1 == len(granted)
    assert 97 == ledger.quota.left(ACCOUNT, 100)


def test_D04_the_daily_limit_counts_across_runs_and_is_granted_exactly(
    ledger: Ledger, clock: Clock
) -> None:
    """D04: six batches of 10 against a limit of 50: five go today, the sixth tomorrow."""
    batches = plan(ledger, 60, batch_size=10)
    with ThreadPoolExecutor(6) as pool:
        granted = [
            claimed
            for claimed in pool.map(
                lambda each: claim(ledger, each, recipients=10, limit=50), batches
            )
            if claimed
        ]
    assert 5 == len(granted)
    assert 0 == ledger.quota.left(ACCOUNT, 50)
    clock.at += DAY_S

    [left] = [row.id for row in ledger.batches.rows(states=["planned"])]
    assert claim(ledger, left, recipients=10, limit=50)


def test_one_person_can_not_be_in_a_wave_twice(ledger: Ledger) -> None:
    """D02: the database refuses it, whatever the code does; nothing of the plan is kept."""
    with pytest.raises(StoreError):
        ledger.plans.write(
            "q3",
            digest="d",
            spec={},
            planned=[*people(1), Recipient("P0@EXAMPLE.com")],
            batch_size=1,
        )

    assert [] == ledger.plans.names()


def test_a_job_id_that_another_batch_has_makes_the_outcome_unknown(ledger: Ledger) -> None:
    """An API that gives one jobId twice can't have both; the second is listed, not believed."""
    first, second = plan(ledger, 2, batch_size=1)
    for batch in (first, second):
        claimed = claim(ledger, batch, recipients=1)
        assert claimed
        ledger.posts.record_outcome(claimed, PostOutcome("accepted", job_id="same"))

    assert ["submitted", "unknown"] == [row.state for row in ledger.batches.rows()]


def test_left_out_people_are_kept_with_their_reason(ledger: Ledger) -> None:
    """
    B06: planned rows, duplicates, invalid and suppressed people add up to the rows of the file.
    """
    planned: list[Recipient | LeftOut] = [
        *people(3),
        LeftOut(5, "duplicate", "line 2", "p***@example.com"),
        LeftOut(6, "invalid", "no @", "***"),
    ]
    ledger.plans.write("q3", digest="d", spec={}, planned=planned, batch_size=10)
    [row] = ledger.batches.rows()
    gone = people(1)[0].key
    claimed = claim(ledger, row.id, recipients=2, excluded={gone: "suppressed: complained"})
    assert claimed
    ledger.posts.record_outcome(claimed, PostOutcome("accepted", job_id="j1"))

    expected = {
        "rows": 5,
        "invalid": 1,
        "duplicates": 1,
        "suppressed": 1,
        "planned": 3,
        "submitted": 2,
        "rejected": 0,
        "unknown": 0,
        "waiting": 0,
    }
    assert expected == ledger.batches.counts("q3")


def test_who_is_left_out_is_what_the_last_claim_says(ledger: Ledger) -> None:
    """Of a first claim nothing was sent; who was suppressed then and is mailed now counts once."""
    [batch] = plan(ledger)
    first = claim(
        ledger, batch, recipients=2, excluded={people(1)[0].key: "suppressed: complained"}
    )
    assert first
    ledger.posts.record_outcome(first, PostOutcome("not_sent"))
    claim(ledger, batch)

    assert 0 == ledger.batches.counts("q3")["suppressed"]


def test_B05_an_empty_batch_is_an_orderly_end(ledger: Ledger) -> None:
    """B05: everyone suppressed: no POST, no quota, everyone's reason kept."""
    [batch] = plan(ledger, 2)
    ledger.posts.leave_empty(batch, {who.key: "suppressed" for who in people(2)})

    assert "empty" == state(ledger, batch)
    assert 2 == ledger.batches.counts("q3")["suppressed"]


def submitted(ledger: Ledger) -> str:
    [batch] = plan(ledger)
    claimed = claim(ledger, batch)
    assert claimed
    ledger.posts.record_outcome(claimed, PostOutcome("accepted", job_id="j1", status=202))
    ledger.jobs.record_end(batch, Job("j1", "completed"))
    return batch


def scan(ledger: Ledger, batch: str, events: int, horizon_s: float = DAY_S) -> str:
    return ledger.jobs.record_scan(batch, Scan(events, {}), horizon_s=horizon_s, write_webhook=hook)


def test_scans_settle_after_the_horizon_and_two_quiet_ones_and_late_events_reopen(
    ledger: Ledger, clock: Clock
) -> None:
    """
    G07: late events are asked for again; after settling they reopen the batch and tell the CRM with
    a new version.
    """
    batch = submitted(ledger)
    seen = [scan(ledger, batch, 30), scan(ledger, batch, 35)]
    clock.at += DAY_S + 1
    seen += [scan(ledger, batch, 35), scan(ledger, batch, 35), scan(ledger, batch, 37)]

    assert ["settling", "settling", "settling", "settled", "settling"] == seen
    assert ["msg_1", "msg_2", "msg_3"] == [row.id for row in ledger.outbox.webhooks()]


def test_another_clock_is_the_clock_of_log_and_outbox_too(ledger: Ledger) -> None:
    """A clock that is set later, as schedules and simulations do, dates every row."""
    ledger.now = lambda: 5.0
    scan(ledger, submitted(ledger), 1)

    assert {5.0} == {entry.at for entry in ledger.audit_log.entries()} | {
        row.created_at for row in ledger.outbox.webhooks()
    }


def test_a_settled_batch_is_synced_when_its_webhooks_are_delivered(
    ledger: Ledger, clock: Clock
) -> None:
    """
    H01-H04: the webhook row commits with the state; dead ones stay; a replay keeps id and body.
    """
    batch = submitted(ledger)
    scan(ledger, batch, 1)
    clock.at += DAY_S + 1
    scan(ledger, batch, 1), scan(ledger, batch, 1)
    [due] = ledger.outbox.take_due(lease_s=60)
    ledger.outbox.record_delivery(due.id, state="dead", error="status 410")
    assert ledger.outbox.take_due(lease_s=60) == []
    assert 1 == ledger.outbox.replay(webhook_id=due.id)
    [again] = ledger.outbox.take_due(lease_s=60)
    ledger.outbox.record_delivery(again.id, state="delivered")

    assert (due.id, due.body) == (again.id, again.body)
    assert "synced" == state(ledger, batch)


def test_a_batch_that_settles_after_its_webhook_was_delivered_is_synced(
    ledger: Ledger, clock: Clock
) -> None:
    """Nothing new came: the CRM knows all, and no further webhook will say so."""
    batch = submitted(ledger)
    scan(ledger, batch, 1)
    [due] = ledger.outbox.take_due(lease_s=60)
    ledger.outbox.record_delivery(due.id, state="delivered")
    clock.at += DAY_S + 1
    scan(ledger, batch, 1), scan(ledger, batch, 1)

    assert "synced" == state(ledger, batch)


def test_a_leased_webhook_is_not_taken_twice(ledger: Ledger, clock: Clock) -> None:
    """Two couriers share the outbox without sending the same webhook at the same time."""
    scan(ledger, submitted(ledger), 1)
    assert 1 == len(ledger.outbox.take_due(lease_s=60))
    assert [] == ledger.outbox.take_due(lease_s=60)
    clock.at += 61

    assert 1 == len(ledger.outbox.take_due(lease_s=60))


def test_G10_permanent_bounces_are_kept_for_the_next_campaign(ledger: Ledger) -> None:
    """G10: who bounced for good in one campaign is found by its key before the next."""
    batch = submitted(ledger)
    gone = people(1)[0].key
    ledger.jobs.record_scan(
        batch, Scan(1, {gone: "invalid_recipient"}), horizon_s=DAY_S, write_webhook=hook
    )

    assert {gone: "invalid_recipient"} == ledger.suppressions.find([gone, "someone else"])


MAILBOX_FULL = dict.fromkeys(("ann", "bob"), "mailbox_full")
STRIKES = [
    # what each campaign says: of these the mailbox is full, these got it           who is
    # suppressed after the last one
    ([(["ann"], []), (["ann"], [])], {}),
    (
        [(["ann"], []), (["ann", "bob"], []), (["ann"], ["bob"])],
        {"ann": "mailbox_full, in 3 campaigns"},
    ),
    ([(["ann"], []), ([], ["ann"]), (["ann"], []), (["ann"], [])], {}),
    (
        [(["ann"], []), ([], ["ann"]), (["ann"], []), (["ann"], []), (["ann"], [])],
        {"ann": "mailbox_full, in 3 campaigns"},
    ),
    ([(["ann"], ["ann"])] * 4, {}),
]


@pytest.mark.parametrize(("campaigns", "expected"), STRIKES)
def test_a_soft_bounce_suppresses_when_it_repeats(
    ledger: Ledger,
    clock: Clock,
    campaigns: list[tuple[list[str], list[str]]],
    expected: dict[str, str],
) -> None:
    """
    In three campaigns with no delivery between; the same campaign looked at again counts once.
    """
    for number, (full, took) in enumerate(campaigns):
        spec = {
            "name": f"c{number}",
            "sender": "me@example.com",
            "template_id": "t",
            "limits": {"daily": None},
        }
        ledger.plans.write(
            f"c{number}", digest=f"d{number}", spec=spec, planned=people(1), batch_size=1
        )
        [batch] = [row.id for row in ledger.batches.rows(f"c{number}")]
        claimed = claim(ledger, batch, recipients=1)
        assert claimed
        ledger.posts.record_outcome(claimed, PostOutcome("accepted", job_id=f"j{number}"))
        ledger.jobs.record_end(batch, Job(f"j{number}", "completed"))
        for events in (1, 2):
            ledger.jobs.record_scan(
                batch,
                Scan(events, {}, {key: MAILBOX_FULL[key] for key in full}, took),
                horizon_s=DAY_S,
                write_webhook=webhook_writer(f"{number}_{events}"),
            )
        clock.at += DAY_S
    before = ledger.suppressions.find(["ann", "bob"])
    ledger.suppressions.rejudge(
        {f"c{number}": {} for number in range(len(campaigns))}, before=clock.at
    )

    assert expected == before == ledger.suppressions.find(["ann", "bob"])


def test_reconcile_needs_an_unknown_outcome_and_patience(ledger: Ledger) -> None:
    """ "Not sent" is refused while a paused worker could still post."""
    [batch] = plan(ledger)
    with pytest.raises(ConfigError, match="has no unknown outcome"):
        ledger.unknown.reconcile(batch, abandon=True, quarantine_s=DAY_S)
    claimed = claim(ledger, batch)
    assert claimed
    ledger.posts.record_outcome(claimed, PostOutcome("unknown"))
    with pytest.raises(ConfigError, match="too early"):
        ledger.unknown.reconcile(batch, reason="the API's log", quarantine_s=DAY_S)

    assert "submitted" == ledger.unknown.reconcile(batch, job_id="j9", quarantine_s=DAY_S)


def test_the_quarantine_begins_with_the_last_attempt(ledger: Ledger, clock: Clock) -> None:
    """
    Days after a first attempt of which nothing was sent, the worker of the second may still post.
    """
    [batch] = plan(ledger)
    for outcome in ("not_sent", "unknown"):
        claimed = claim(ledger, batch)
        assert claimed
        ledger.posts.record_outcome(claimed, PostOutcome(outcome))
        clock.at += DAY_S * 0.75

    with pytest.raises(ConfigError, match="too early"):
        ledger.unknown.reconcile(batch, reason="the API's log", quarantine_s=DAY_S)


def test_every_state_is_a_sentence_and_has_its_arrows() -> None:
    """A state that is added says what it means, and where it leads."""
    assert list(states.STATES) == list(ARROWS)
    assert set(states.OUTCOMES) == set(get_args(PostKind))
    assert {after.state for after in states.OUTCOMES.values()} <= set(ARROWS["submitting"])


def test_no_arrow_but_those_of_the_table(ledger: Ledger) -> None:
    """Every state of an arrow is a state of the table, and an arrow that isn't there is refused."""
    assert {target for targets in ARROWS.values() for target in targets} <= set(ARROWS)
    [batch] = plan(ledger)
    with (
        pytest.raises(StoreError, match="can't go from planned to settled"),
        ledger.writing() as tx,
    ):
        move(tx, batch, "planned", "settled")


def test_the_ledger_is_private(tmp_path: Path) -> None:
    """It holds addresses: nobody but its owner reads it."""
    Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", now=Clock())

    assert 0o600 == stat.S_IMODE((tmp_path / "ledger.sqlite").stat().st_mode)


def test_a_ledger_that_can_not_be_written_says_so(tmp_path: Path) -> None:
    """A folder in the file's place, and a damaged file, are each one sentence with what to do."""
    (tmp_path / "ledger.sqlite").mkdir()
    with pytest.raises(StoreError, match="can't be opened"):
        Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", now=Clock())
    (tmp_path / "broken.sqlite").write_bytes(b"no database " * 1000)
    with pytest.raises(StoreError, match=r"(?s)not a database.*the file is damaged"):
        Ledger(f"sqlite:///{tmp_path / 'broken.sqlite'}", now=Clock())


TAMPERINGS = {
    "edit": ["update audit set body = '{}' where seq = 2"],
    "delete": ["delete from audit where seq = 2"],
    "swap": [
        "update audit set seq = -seq where seq in (2, 3)",
        "update audit set seq = 5 + seq where seq < 0",
    ],
    "truncate": ["delete from audit where seq > 2"],
}


@pytest.mark.parametrize("statements", TAMPERINGS.values(), ids=TAMPERINGS)
def test_tampering_with_the_log_is_found(ledger: Ledger, statements: list[str]) -> None:
    """
    Edit, delete and swap break the chain; a cut-off tail is missed by the anchor outside the
    database.
    """
    submitted(ledger)
    ledger.audit_log.append_anchor()
    assert () == ledger.audit_log.verify().faults
    with ledger.writing() as tx:
        for statement in statements:
            tx.execute(sa.text(statement))

    assert ledger.audit_log.verify().first_bad  # by the chain itself, which names the row


def test_a_cut_off_tail_is_found_by_the_ledgers_head(ledger: Ledger) -> None:
    """Without any anchor outside: the row that the next one would follow isn't the last one."""
    submitted(ledger)
    assert () == ledger.audit_log.verify().faults
    with ledger.writing() as tx:
        tx.execute(sa.text("delete from audit where seq > 2"))

    assert [
        "the audit log ends at row 2, but the ledger's head is row 4: rows at its end were removed, changed or added"
    ] == list(ledger.audit_log.verify().faults)


def test_a_log_that_was_computed_anew_is_found_by_its_anchor(ledger: Ledger) -> None:
    """A consistent chain of other rows fits itself, but not the anchor."""
    plan(ledger)
    ledger.audit_log.append_anchor()
    with ledger.writing() as tx:
        tx.execute(sa.text("delete from audit"))
        tx.execute(schema.audit_head.update().values(seq=0, hash=GENESIS))
        ledger.audit_log.add(tx, "campaign.planned", campaign="another")
    ledger.audit_log.append_anchor()  # a later anchor of the same row doesn't excuse it

    assert any("computed anew" in fault for fault in ledger.audit_log.verify().faults)


def test_what_a_late_worker_knows_for_certain_counts(ledger: Ledger, clock: Clock) -> None:
    """
    It was given up as unknown while its machine was suspended; it wakes up knowing that nothing was
    sent: planned again, quota back.
    """
    [batch] = plan(ledger)
    late = claim(ledger, batch, limit=10)
    assert late
    clock.at += 61
    assert 1 == ledger.unknown.recover()

    assert "planned" == ledger.posts.record_outcome(late, PostOutcome("not_sent"))
    assert 10 == ledger.quota.left(ACCOUNT, 10)


def test_a_scan_that_is_written_after_a_newer_one_takes_nothing_back(
    ledger: Ledger, clock: Clock
) -> None:
    """
    Two runs collect at once: the events of the newer scan are no news to the next, and nothing is
    told twice.
    """
    batch = submitted(ledger)
    clock.at += DAY_S + 1
    seen = [scan(ledger, batch, events) for events in (35, 30, 35)]

    assert ["settling", "settling", "settled"] == seen
    assert (35, 1) == next((row.events, row.version) for row in ledger.batches.rows())


def test_the_same_plan_twice_is_one_plan(ledger: Ledger) -> None:
    """
    Two schedulers start the same campaign: the second continues it. Other content under the same
    name is refused.
    """
    plan(ledger)
    plan(ledger)
    with pytest.raises(ConfigError, match="other content"):
        ledger.plans.write("q3", digest="another", spec={}, planned=people(1), batch_size=1)

    assert ["campaign.planned"] == [entry.kind for entry in ledger.audit_log.entries()]


def test_a_slow_reader_of_the_log_holds_up_no_writer(ledger: Ledger) -> None:
    """`cxtools audit export | less` may stand open for a day."""
    plan(ledger)
    rows = ledger.audit_log.entries()
    next(rows)

    assert plan(ledger, name="q4")


ADDRESSES = {
    "a file's path": "/data/ledger.sqlite",
    "another database": "mysql://bob:c4nary@db/x",
    "a port that is none": "postgresql+psycopg://bob:c4nary@db:port/x",
    "an @ in the password": "postgresql+psycopg://bob:p@c4nary@db/x",
}


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_a_wrong_address_of_the_ledger_is_said_without_its_password(address: str) -> None:
    """
    One sentence that shows the right form; nothing of the address, as parts of a password may stand
    anywhere in it.
    """
    with pytest.raises(ConfigError, match="not the address of a ledger") as refused:
        Ledger(address, now=Clock())

    assert "c4nary" not in str(refused.value)


def test_a_refused_sign_in_at_the_database_shows_no_password(postgres: Cluster) -> None:
    """Neither the message nor the settings' own text holds it."""
    url = postgres.database().replace(":c4n4ry", ":c4nary")
    with pytest.raises(StoreError, match="password authentication failed") as refused:
        Ledger(url, now=Clock())

    assert "c4nary" not in str(refused.value) + repr(load_settings(environ={"CXTOOLS_LEDGER": url}))


def test_a_ledger_on_postgresql_has_its_anchors_at_home(postgres: Cluster, home: Path) -> None:
    """The log's witness stands outside the database, on each machine that works with it."""
    ledger = Connection(
        load_settings(environ={}, home=home / "new", ledger=postgres.database())
    ).ledger
    plan(ledger)
    seq, hash_ = ledger.audit_log.append_anchor()

    assert [f"{seq} {hash_}\n"] == [
        file.read_text() for file in (home / "new").glob("audit-anchors*.txt")
    ]
    assert () == ledger.audit_log.verify().faults


def test_an_address_that_no_database_can_hold_is_left_out_like_any_other(ledger: Ledger) -> None:
    """
    NUL is no character to PostgreSQL, half a surrogate pair to neither; the row is invalid, and
    shown without them.
    """
    odd = Campaign.from_list(
        ["a\0b@exam\0ple.com", "c@d\ud800.example", "ann@example.com"],
        name="q3",
        subject="Hi",
        sender="me@example.com",
        template_id="a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    )
    ledger.plans.write(
        "q3", digest="d", spec={}, planned=odd.plan(skip_invalid=True), batch_size=10
    )

    assert (2, 1) == tuple(ledger.batches.counts("q3")[what] for what in ("invalid", "planned"))


def test_a_late_answer_settles_no_other_claim(ledger: Ledger, clock: Clock) -> None:
    """
    Given up, called not sent, and claimed by another worker: what the first one says now isn't
    about the second one's POST.
    """
    [batch] = plan(ledger)
    late = claim(ledger, batch)
    assert late
    clock.at += 2 * DAY_S
    ledger.unknown.recover()
    ledger.unknown.reconcile(batch, reason="asked NICE", quarantine_s=DAY_S)
    assert claim(ledger, batch)

    assert ["submitting"] * 3 == [
        ledger.posts.record_outcome(late, PostOutcome(kind, job_id="j1"))
        for kind in ("accepted", "not_sent", "unknown")
    ]


def test_a_delivered_webhook_stays(ledger: Ledger) -> None:
    """The CRM may have lost it: it can be had again, as it was."""
    scan(ledger, submitted(ledger), 1)
    [due] = ledger.outbox.take_due(lease_s=60)
    ledger.outbox.record_delivery(due.id, state="delivered")
    assert ["delivered"] == [row.state for row in ledger.outbox.webhooks()]
    ledger.outbox.replay(webhook_id=due.id)

    assert [(due.id, due.body)] == [
        (row.id, row.body) for row in ledger.outbox.take_due(lease_s=60)
    ]


def test_when_the_last_webhook_is_given_up_nothing_more_is_to_be_told(
    ledger: Ledger, clock: Clock
) -> None:
    """A settled batch waits for no webhook that was forgotten."""
    batch = submitted(ledger)
    scan(ledger, batch, 1)
    clock.at += DAY_S + 1
    scan(ledger, batch, 1), scan(ledger, batch, 1)
    assert "settled" == state(ledger, batch)
    [waiting] = ledger.outbox.webhooks()
    ledger.outbox.forget(waiting.id)

    assert "synced" == state(ledger, batch)


def test_the_window_of_a_key_begins_with_the_post_that_may_have_arrived(
    ledger: Ledger, clock: Clock
) -> None:
    """
    A POST of which no byte left tells the server no key: what is lost an hour later may still be
    asked for again.
    """
    [batch] = plan(ledger)
    refused = claim(ledger, batch)
    assert refused
    ledger.posts.record_outcome(refused, PostOutcome("not_sent"))
    clock.at += 3600
    lost = claim(ledger, batch)
    assert lost
    ledger.posts.record_outcome(lost, PostOutcome("unknown"))
    clock.at += 60

    assert ledger.posts.claim_again(batch, within_s=1800)


def test_what_a_replaced_plan_would_have_said_can_not_be_posted(ledger: Ledger) -> None:
    """
    A slow worker holds the old subject's bytes; the same people in the new plan are another batch.
    """
    [old] = plan(ledger)
    assert ledger.plans.drop("q3")
    ledger.plans.write(
        "q3", digest="another", spec={"limits": {}}, planned=people(3), batch_size=1000
    )
    [new] = [row.id for row in ledger.batches.rows()]

    assert old != new
    assert [] == ledger.batches.candidates(old)
    assert claim(ledger, old) is None
    assert "planned" == state(ledger, new)


def test_a_quota_that_is_used_up_closes_the_day_it_was_asked_for(
    ledger: Ledger, clock: Clock
) -> None:
    """Claimed before midnight (UTC), answered after it: the new day stays open."""
    clock.at = 1_800_057_598.0  # two seconds to midnight
    first, second = plan(ledger, 6, batch_size=3)
    claimed = claim(ledger, first)
    assert claimed
    clock.at += 5
    ledger.posts.record_outcome(claimed, PostOutcome("exhausted", status=429))

    assert 10 == ledger.quota.left(ACCOUNT, 10)
    assert claim(ledger, second)


def test_an_older_ledger_stays_refused_when_its_log_has_grown(tmp_path: Path, clock: Clock) -> None:
    """
    What it anchored after its return doesn't excuse it: its rows aren't those of the anchors
    before.
    """
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    lost = Ledger(url, now=clock)
    plan(lost, 1, name="lost")
    lost.audit_log.append_anchor()
    lost.close()
    (tmp_path / "ledger.sqlite").unlink()
    grown = Ledger(url, now=clock)
    for name in ("a", "b", "c"):
        plan(grown, 1, name=name)
        grown.audit_log.append_anchor()

    with pytest.raises(StoreError, match="row 1 of its audit log isn't the one that was anchored"):
        grown.audit_log.check_anchors()


def test_a_wave_is_planned_once(ledger: Ledger) -> None:
    """
    Of two processes that plan the next wave at the same moment, the second is told so, not what the
    database refused.
    """
    submitted(ledger)
    ledger.plans.write_wave("q3", 1, people(1), batch_size=10)
    with pytest.raises(
        ConfigError, match="wave 1 of 'q3' was planned by another process meanwhile"
    ):
        ledger.plans.write_wave("q3", 1, people(1, start=1), batch_size=10)

    assert [0, 1] == [row.wave for row in ledger.batches.rows("q3")]


FORGED = {
    "a webhook was taken out": (
        "delete from outbox",
        "the audit log mentions webhook msg_1, which the ledger does not hold",
    ),
    "a job was changed": (
        "update batch set job_id = 'j9'",
        " j9, which the audit log does not mention",
    ),
    "a sent batch was made new": (
        "update batch set state = 'planned', job_id = null",
        " j1, which the ledger does not hold",
    ),
    "a POST was taken out": ("delete from attempt", ", which the ledger does not hold"),
    "a webhook was put in": (
        "update outbox set id = 'msg_9'",
        "the ledger holds webhook msg_9, which the audit log does not mention",
    ),
}


@pytest.mark.parametrize(("statement", "said"), FORGED.values(), ids=FORGED)
def test_tables_that_were_changed_behind_the_logs_back_are_found(
    ledger: Ledger, statement: str, said: str
) -> None:
    """The chain is whole, and what it tells of isn't there, or is something else."""
    scan(ledger, submitted(ledger), 30)
    assert () == ledger.audit_log.verify().faults
    with ledger.writing() as tx:
        tx.execute(sa.text(statement))

    assert any(said in fault for fault in ledger.audit_log.verify().faults)


def test_an_anchor_line_that_was_cut_off_spoils_no_later_one(
    ledger: Ledger, tmp_path: Path
) -> None:
    """
    A crash or a full disk ended a line in its middle: the next anchor begins a line of its own.
    """
    plan(ledger)
    ledger.audit_log.append_anchor()
    [file] = tmp_path.glob("audit-anchors*.txt")
    with file.open("a") as anchors:
        anchors.write("9")
    ledger.audit_log.append_anchor()

    assert () == ledger.audit_log.verify().faults
    assert 3 == len(file.read_text().splitlines())


def test_looking_takes_no_turn_from_a_writer(ledger: Ledger, ledger_url: str, clock: Clock) -> None:
    """Opening a ledger that is there already waits for nobody who writes."""
    with ledger.writing():
        assert [] == Ledger(ledger_url, now=clock).plans.names()


def test_webhooks_of_another_account_are_not_ours_to_deliver(ledger: Ledger) -> None:
    """
    Two profiles share a ledger: each delivers to its own CRM, and an endpoint that is gone parks
    only its own.
    """
    for name, account in (("ours", ACCOUNT), ("theirs", "https://other.example|client")):
        spec = {"limits": {"daily": None}}
        ledger.plans.write(
            name, digest=name, spec=spec, planned=people(1), batch_size=1, account=account
        )
        [batch] = [row.id for row in ledger.batches.rows(name)]
        claimed = claim(ledger, batch, recipients=1)
        assert claimed
        ledger.posts.record_outcome(claimed, PostOutcome("accepted", job_id=name))
        ledger.jobs.record_end(batch, Job(name, "completed"))
        ledger.jobs.record_scan(
            batch,
            Scan(1, {}),
            horizon_s=0,
            write_webhook=webhook_writer(name),
        )
    due = ledger.outbox.take_due(lease_s=60, account=ACCOUNT)
    ledger.outbox.record_delivery("msg_ours", state="parked", error="status 410")

    assert ["msg_ours"] == [row.id for row in due]
    assert {"msg_ours": "parked", "msg_theirs": "pending"} == {
        row.id: row.state for row in ledger.outbox.webhooks()
    }


def test_an_endpoint_that_answers_again_takes_all_that_was_parked(ledger: Ledger) -> None:
    """One replayed webhook got through, so the others wait again."""
    batch = submitted(ledger)
    scan(ledger, batch, 30, horizon_s=0)
    scan(ledger, batch, 31, horizon_s=0)
    for _ in range(2):
        scan(ledger, batch, 31, horizon_s=0)
    ledger.outbox.record_delivery("msg_1", state="parked", error="status 410")
    assert {"parked"} == {row.state for row in ledger.outbox.webhooks()}
    ledger.outbox.replay(webhook_id="msg_1")
    ledger.outbox.record_delivery("msg_1", state="delivered")

    assert ["delivered", "pending"] == [row.state for row in ledger.outbox.webhooks()]


def test_a_ledger_that_may_only_be_read_shows_what_was_written_since(tmp_path: Path) -> None:
    """A connection that takes the file for immutable doesn't outlive its question."""
    file = tmp_path / "ledger.sqlite"
    with sqlite3.connect(file) as writer:
        writer.execute("create table jobs (id integer)")
    reader = database._open_sqlite_to_read(file)

    def jobs() -> int:
        with reader.connect() as connection:
            return int(connection.execute(sa.text("select count(*) from jobs")).scalar_one())

    before = jobs()
    with sqlite3.connect(file) as writer:
        writer.executemany("insert into jobs values (?)", [(number,) for number in range(5000)])

    assert (0, 5000) == (before, jobs())
