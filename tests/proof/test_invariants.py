"""
The judge of the proofs is itself on trial: each invariant finds its planted violation, and a clean
world has none.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from cxtools.identity import recipient_key
from tests.proof.invariants import INVARIANTS, Facts, Hook, World, violations, webhook_id

ANN, BOB, EVE = "ann@acme-01.example", "bob@acme-01.example", "eve@acme-01.example"
HOOK = webhook_id("j1", "completed", 1)


def batch(**given: Any) -> Any:
    facts = {
        "id": "b1",
        "wave": 0,
        "state": "settled",
        "job_id": "j1",
        "job_status": "completed",
        "recipients": 2,
        "scans": 1,
        "version": 1,
        "events": 2,
        "told_events": 2,
    }
    return SimpleNamespace(**facts | given)


def job(**given: Any) -> dict[str, Any]:
    return {
        "idempotency_key": "b1",
        "recipients": [ANN, BOB],
        "events": {"delivery": 2, "bounce": 0},
        "ending": "completed",
        **given,
    }


def body(*engaged: str) -> str:
    return json.dumps(
        {
            "data": {
                "permanentFailures": [],
                "retryCandidates": [],
                "engagement": [{"email": email} for email in engaged],
            }
        }
    )


def clean() -> tuple[Facts, dict[str, Any], list[dict[str, Any]]]:
    """One batch of two, sent, scanned, told; a third person was left out."""
    slots = {
        "b1": {
            recipient_key(ANN): "",
            recipient_key(BOB): "",
            recipient_key(EVE): "suppressed: unsubscribe",
        }
    }
    trail = {
        ("submit.intent", "b1"): 1,
        ("submit.accepted", "b1"): 1,
        ("job.completed", "b1"): 1,
        ("events.scanned", "b1"): 1,
        ("webhook.queued", HOOK): 1,
    }
    status = {
        "state": "completed",
        "batches": [{"batch": "b1", "state": "settled"}],
        "recipients": {"unknown": 0},
    }
    people = {"j1": {"permanentFailures": [], "retryCandidates": [], "engagement": [ANN]}}
    facts = Facts(
        [batch()],
        slots,
        {"b1": 1},
        [Hook(HOOK, "b1", "delivered")],
        trail,
        (),
        2,
        {"j1": {"delivery": 2}},
        status,
        (),
        people,
    )
    received = [{"verified": True, "headers": {"webhook-id": HOOK}, "body": body(ANN)}]
    return facts, {"jobs": {"j1": job()}, "suppressed_mailed": []}, received


Tampering = Callable[[Facts, dict[str, Any], list[dict[str, Any]]], Facts]


def told(change: Callable[[dict[str, Any], list[dict[str, Any]]], Any]) -> Tampering:
    """A change of the world's side."""

    def tampering(facts: Facts, truth: dict[str, Any], received: list[dict[str, Any]]) -> Facts:
        change(truth, received)
        return facts

    return tampering


def written(**changes: Any) -> Tampering:
    """A change of the ledger's side."""
    return lambda facts, truth, received: replace(facts, **changes)


PLANTED: list[tuple[str, Tampering, str]] = [
    # invariant                              what is planted
    # what is said
    (
        "nobody_is_mailed_twice",
        told(lambda truth, _: truth["jobs"].update(j2=job(recipients=[BOB]))),
        "was mailed 2 times",
    ),
    (
        "nobody_suppressed_is_mailed",
        told(lambda truth, _: truth.update(suppressed_mailed=[EVE])),
        "is suppressed",
    ),
    (
        "every_job_is_on_record",
        written(batches=[batch(state="planned")]),
        "but its batch is planned",
    ),
    ("every_job_is_on_record", written(batches=[batch(job_id="j9")]), "which doesn't exist"),
    (
        "every_job_is_on_record",
        told(lambda truth, _: truth["jobs"].update(j2=job(idempotency_key="b9"))),
        "belongs to no batch",
    ),
    (
        "jobs_hold_whom_they_should",
        told(lambda truth, _: truth["jobs"]["j1"].update(recipients=[ANN, EVE])),
        "or others",
    ),
    ("no_event_is_lost", written(events={"j1": {"delivery": 1}}), "the store {'delivery': 1}"),
    ("no_webhook_is_lost", written(hooks=[]), "is not in the outbox"),
    ("no_webhook_is_lost", told(lambda _, received: received.clear()), "never came"),
    (
        "no_webhook_is_lost",
        told(lambda _, received: received.append({**received[0], "body": body(BOB)})),
        "came with 2 bodies",
    ),
    ("no_webhook_is_lost", written(batches=[batch(version=0)], hooks=[]), "no webhook tells of it"),
    (
        "the_crm_is_told_the_truth",
        told(lambda _, received: received[0].update(body=body())),
        "the CRM was told",
    ),
    ("no_audit_row_is_lost", written(audit_faults=("row 2 is missing",)), "audit: row 2"),
    ("no_audit_row_is_lost", written(attempts={"b1": 2}), "2 attempts and 1 audit rows"),
    ("no_audit_row_is_lost", written(trail={("submit.intent", "b1"): 1}), "no audit row says why"),
    ("quota_counts_all_that_went_out", written(quota_used=1), "the quota says 1"),
    ("quota_counts_all_that_went_out", written(quota_used=3), "the quota says 3"),
    (
        "every_unknown_is_listed",
        written(batches=[batch(state="unknown", scans=0, version=0)]),
        "the status doesn't list it",
    ),
    (
        "every_unknown_is_listed",
        written(batches=[batch(state="unknown", scans=0, version=0)]),
        "2 people have an unknown outcome",
    ),
    ("every_run_ends", written(batches=[batch(state="submitted")]), "is still submitted"),
    ("every_run_ends", written(hooks=[Hook(HOOK, "b1", "pending")]), "is still pending"),
    ("the_stores_are_whole", written(damage=["page 3 is never used"]), "page 3"),
]


def test_a_clean_world_has_no_violation() -> None:
    """What the proofs start from."""
    assert [] == violations(*clean())


@pytest.mark.parametrize(("invariant", "plant", "said"), PLANTED)
def test_a_planted_violation_is_found(invariant: str, plant: Tampering, said: str) -> None:
    """By the invariant whose it is, in words that name it."""
    facts, truth, received = clean()
    facts = plant(facts, truth, received)
    [found] = [each for each in INVARIANTS if each.__name__ == invariant]
    world = World(facts, truth, received, finished=True)

    assert any(said in sentence for sentence in found(world))
    assert any(said in sentence for sentence in violations(facts, truth, received))


def test_every_invariant_is_on_trial() -> None:
    """None without a planted violation."""
    assert {invariant.__name__ for invariant in INVARIANTS} == {name for name, *_ in PLANTED}
