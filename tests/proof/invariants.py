"""
What must hold after any run, whatever died or failed: one pure function over what the ledger says
and what really happened.

`violations(facts, truth, received)` names everything that is wrong, one sentence each. *facts* are
the ledger's and the store's (tests/ground.py reads them), *truth* and *received* are the
simulator's: what it accepted, told and was told. The simulator must run at speed "inf", so that all
of a job's events are there from its beginning.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cxtools.identity import recipient_key
from cxtools.ledger.states import SUBMITTED

#: lists of a webhook's body that name people
TOLD = ("permanentFailures", "retryCandidates", "engagement")
KINDS = ("delivery", "bounce", "open", "click")
#: states from which only time, a late event, a person's word or nothing at all leads on
RESTING = ("settling", "settled", "synced", "rejected", "abandoned", "empty", "unknown")


class Hook(NamedTuple):
    """A webhook of the outbox."""

    id: str
    batch_id: str
    state: str


@dataclass(frozen=True)
class Facts:
    """
    What ledger and store say, as plain data.

    `trail` counts audit rows by (kind, batch or webhook id); `people` are job -> list of a
    webhook's body -> addresses, by today's events.
    """

    batches: Sequence[Any]
    slots: Mapping[str, Mapping[str, str]]
    attempts: Mapping[str, int]
    hooks: Sequence[Hook]
    trail: Mapping[tuple[str, str], int]
    audit_faults: Sequence[str]
    quota_used: int
    events: Mapping[str, Mapping[str, int]]
    status: Mapping[str, Any]
    damage: Sequence[str]
    people: Mapping[str, Mapping[str, Sequence[str]]]


class World(NamedTuple):
    """
    Both sides of the matter, and whether the run is over: nothing is left to do that a machine
    could do.
    """

    facts: Facts
    truth: Mapping[str, Any]
    received: Sequence[Mapping[str, Any]]
    finished: bool

    @property
    def jobs(self) -> Mapping[str, Any]:
        jobs: Mapping[str, Any] = self.truth["jobs"]
        return jobs


def violations(
    facts: Facts,
    truth: Mapping[str, Any],
    received: Sequence[Mapping[str, Any]],
    *,
    finished: bool = True,
) -> list[str]:
    """Everything that is wrong, as sentences; empty when all holds."""
    world = World(facts, truth, received, finished)
    return [sentence for invariant in INVARIANTS for sentence in invariant(world)]


def nobody_is_mailed_twice(world: World) -> Iterator[str]:
    """
    No person is in two accepted jobs of one wave; a batch's id is the key that its POST carries.
    """
    waves = {row.id: row.wave for row in world.facts.batches}
    mailed = Counter(
        (waves.get(job["idempotency_key"]), address.lower())
        for job in world.jobs.values()
        for address in job["recipients"]
    )
    yield from (
        f"{address} was mailed {times} times in wave {wave}"
        for (wave, address), times in mailed.items()
        if times > 1
    )


def nobody_suppressed_is_mailed(world: World) -> Iterator[str]:
    """Who stands on the suppression list gets nothing."""
    yield from (
        f"{address} is suppressed and was mailed" for address in world.truth["suppressed_mailed"]
    )


def every_job_is_on_record(world: World) -> Iterator[str]:
    """
    An accepted job belongs to its batch, or to a batch whose outcome is unknown or was given up;
    never to one that would be sent again.
    """
    batches = {row.id: row for row in world.facts.batches}
    for job_id, job in world.jobs.items():
        row = batches.get(job["idempotency_key"])
        if row is None:
            yield f"job {job_id} belongs to no batch"
        elif row.state in ("planned", "rejected", "empty"):
            yield f"job {job_id} was accepted, but its batch is {row.state}"
        elif row.state in SUBMITTED and row.job_id != job_id:
            yield f"job {job_id} was accepted, but its batch {row.id} follows job {row.job_id}"
    yield from (
        f"batch {row.id} is {row.state} by job {row.job_id}, which doesn't exist"
        for row in batches.values()
        if row.state in SUBMITTED and row.job_id not in world.jobs
    )


def jobs_hold_whom_they_should(world: World) -> Iterator[str]:
    """A job mails exactly those of its batch who weren't left out."""
    for job_id, job in world.jobs.items():
        planned = {
            key
            for key, reason in world.facts.slots.get(job["idempotency_key"], {}).items()
            if not reason
        }
        if {recipient_key(address) for address in job["recipients"]} != planned:
            yield f"job {job_id} mails {len(job['recipients'])} people, its batch has {len(planned)}, or others"


def no_event_is_lost(world: World) -> Iterator[str]:
    """A job that was scanned has all its events in the store, each once."""
    for row in world.facts.batches:
        if row.scans and row.job_id in world.jobs:
            there = {
                kind: count
                for kind, count in world.jobs[row.job_id]["events"].items()
                if kind in KINDS and count
            }
            if there != world.facts.events.get(row.job_id, {}):
                yield f"job {row.job_id} has the events {there}, the store {world.facts.events.get(row.job_id, {})}"


def no_webhook_is_lost(world: World) -> Iterator[str]:
    """
    The outbox holds each version of each batch once; what it calls delivered was received; one id
    has one body.
    """
    expected = {
        webhook_id(row.job_id, row.job_status, version)
        for row in world.facts.batches
        for version in range(1, row.version + 1)
    }
    held = {hook.id for hook in world.facts.hooks}
    yield from (f"webhook {hook_id} is not in the outbox" for hook_id in expected - held)
    yield from (f"webhook {hook_id} belongs to no batch" for hook_id in held - expected)
    yield from (
        f"batch {row.id} is {row.state}, and no webhook tells of it"
        for row in world.facts.batches
        if row.scans and not row.version
    )
    bodies: dict[str, set[str]] = defaultdict(set)
    for hook in world.received:
        if hook["verified"]:
            bodies[hook["headers"]["webhook-id"]].add(json.dumps(hook["body"]))
    yield from (
        f"webhook {hook.id} counts as delivered, but never came"
        for hook in world.facts.hooks
        if hook.state == "delivered" and hook.id not in bodies
    )
    yield from (
        f"webhook {hook_id} came with {len(texts)} bodies"
        for hook_id, texts in bodies.items()
        if len(texts) > 1
    )


def the_crm_is_told_the_truth(world: World) -> Iterator[str]:
    """
    The last webhook of a batch of which nothing is untold names exactly the people of whom the
    events tell.
    """
    bodies = {
        hook["headers"]["webhook-id"]: hook["body"] for hook in world.received if hook["verified"]
    }
    for row in world.facts.batches:
        body = (
            bodies.get(webhook_id(row.job_id, row.job_status, row.version))
            if row.version and row.told_events == row.events
            else None
        )
        if body is not None:
            said = {
                name: sorted(person["email"] for person in json.loads(body)["data"][name])
                for name in TOLD
            }
            if said != world.facts.people.get(row.job_id, {name: [] for name in TOLD}):
                yield f"the CRM was told {said} of job {row.job_id}, the events say {world.facts.people.get(row.job_id)}"


def webhook_id(job_id: str, status: str, version: int) -> str:
    """The id that a webhook must have, so that the CRM can drop repetitions."""
    return (
        "msg_" + hashlib.sha256(f"{job_id}|email_job_{status}|{version}".encode()).hexdigest()[:24]
    )


def no_audit_row_is_lost(world: World) -> Iterator[str]:
    """The audit log verifies, and has a row for every POST, job, scan and webhook."""
    yield from (f"audit: {fault}" for fault in world.facts.audit_faults)
    count = world.facts.trail.get
    for row in world.facts.batches:
        posts = count(("submit.intent", row.id), 0) + count(("submit.again", row.id), 0)
        if posts != world.facts.attempts.get(row.id, 0):
            yield f"batch {row.id} has {world.facts.attempts.get(row.id, 0)} attempts and {posts} audit rows of them"
        if row.state in SUBMITTED and not count(("submit.accepted", row.id), 0) + count(
            ("batch.reconciled", row.id), 0
        ):
            yield f"batch {row.id} is {row.state}, and no audit row says why"
        if row.state in SUBMITTED[1:] and 1 != count((f"job.{row.job_status}", row.id), 0):
            yield f"batch {row.id} has {count((f'job.{row.job_status}', row.id), 0)} audit rows of its job's end"
        if row.scans != count(("events.scanned", row.id), 0):
            yield f"batch {row.id} was scanned {row.scans} times, with {count(('events.scanned', row.id), 0)} audit rows"
    yield from (
        f"webhook {hook.id} has {count(('webhook.queued', hook.id), 0)} audit rows of its queueing"
        for hook in world.facts.hooks
        if count(("webhook.queued", hook.id), 0) != 1
    )


def quota_counts_all_that_went_out(world: World) -> Iterator[str]:
    """The day's quota is used by everyone who was, or may have been, mailed; by nobody else."""
    owed = sum(
        row.recipients
        for row in world.facts.batches
        if row.state in (*SUBMITTED, "unknown", "submitting", "abandoned")
    )
    mailed = sum(len(job["recipients"]) for job in world.jobs.values())
    if not mailed <= world.facts.quota_used == owed:
        yield f"the quota says {world.facts.quota_used}, {mailed} were mailed and {owed} are on record"


def every_unknown_is_listed(world: World) -> Iterator[str]:
    """
    The status names every batch whose outcome is unknown, counts its people, and is `unknown`
    itself.
    """
    unknown = {
        row.id: row.recipients
        for row in world.facts.batches
        if row.state in ("unknown", "submitting")
    }
    status = world.facts.status
    listed = {
        row["batch"] for row in status["batches"] if row["state"] in ("unknown", "submitting")
    }
    yield from (
        f"batch {batch_id} is unknown, and the status doesn't list it"
        for batch_id in unknown.keys() - listed
    )
    if sum(unknown.values()) != status["recipients"]["unknown"]:
        yield f"{sum(unknown.values())} people have an unknown outcome, the status says {status['recipients']['unknown']}"
    if bool(unknown) != (status["state"] == "unknown"):
        yield f"{len(unknown)} batches are unknown, the status is {status['state']}"


def every_run_ends(world: World) -> Iterator[str]:
    """
    When it is over, no batch waits for a machine, everyone planned was mailed, and the CRM was told
    all.
    """
    if not world.finished:
        return
    endless = {job_id for job_id, job in world.jobs.items() if job["ending"] == "never"}
    yield from (
        f"batch {row.id} is still {row.state}"
        for row in world.facts.batches
        if row.state not in RESTING and row.job_id not in endless
    )
    yield from (
        f"webhook {hook.id} is still {hook.state}"
        for hook in world.facts.hooks
        if hook.state != "delivered"
    )


def the_stores_are_whole(world: World) -> Iterator[str]:
    """The database passes its own check, every Parquet file can be read."""
    yield from world.facts.damage


INVARIANTS: tuple[Callable[[World], Iterator[str]], ...] = (
    nobody_is_mailed_twice,
    nobody_suppressed_is_mailed,
    every_job_is_on_record,
    jobs_hold_whom_they_should,
    no_event_is_lost,
    no_webhook_is_lost,
    the_crm_is_told_the_truth,
    no_audit_row_is_lost,
    quota_counts_all_that_went_out,
    every_unknown_is_listed,
    every_run_ends,
    the_stores_are_whole,
)
