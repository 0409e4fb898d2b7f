"""
One table says what a bounce does to its recipient; the page, the verdicts, the retry waves, the
suppressions and the webhook obey it.
"""

from __future__ import annotations

import doctest
import json
from typing import Any

import pytest

from cxtools.bounce import classify
from cxtools.bounce.classes import class_table
from cxtools.bounce.codes import table
from cxtools.bounce.judges import standard_judge
from cxtools.bounce.policy import (
    CATEGORIES,
    MAILED_AGAIN,
    SENDERS_SIDE,
    UNAUTHENTICATED,
    UNREACHABLE,
    WHEN_CLASSED,
    WHEN_HELD_BACK,
    WHEN_TRANSIENT,
    WHEN_UNREACHABLE,
    Treatment,
)
from cxtools.bounce.rules import standard_rules
from cxtools.ledger.audit import Anchor
from cxtools.ledger.batches import BatchRow
from cxtools.measures.engine import Engine
from cxtools.measures.outcomes import Refusal, outcomes
from cxtools.sending.retry import decide_retry
from cxtools.sending.suppress import find_suppressions
from cxtools.webhooks.message import job_webhook
from tests import taxonomy
from tests.tables import store

EVERY_CASE = pytest.mark.parametrize("case", taxonomy.CASES, ids=str)
ADDRESS = "ann@gmail.example"


def outcome(case: taxonomy.Case) -> dict[str, Any]:
    """The row that a stored event with this bounce becomes."""
    known = store(f"""
        to  | job | kind   | at | code        | text        | class
        ann | j1  | bounce | +1 | {case.code} | {case.text} | {case.bounce_class}
    """)
    [row] = outcomes(Engine(known), "c", ["j1"])["j1"]
    return row


def webhook(row: dict[str, Any]) -> dict[str, Any]:
    """What the CRM is told of a job with this one recipient."""
    job = BatchRow(
        id="b1",
        campaign="c",
        wave=0,
        ordinal=0,
        recipients=1,
        state="completed",
        detail="",
        payload_sha256=None,
        epoch=1,
        owner=None,
        lease_until=None,
        quota_account=None,
        quota_day=None,
        job_id="j1",
        job_status="completed",
        latency_s=None,
        spam_score=None,
        first_attempt_at=None,
        submitted_at=None,
        final_at=None,
        scanned_at=None,
        events=1,
        told_events=0,
        scans=1,
        quiet_scans=0,
        version=0,
    )
    spec = {"template_id": "t", "sender": "me@example.com"}
    _, _, body = job_webhook(job, spec, [row], version=1, at="", anchor=Anchor(0, ""))
    return dict(json.loads(body)["data"])


def test_the_page_shows_the_whole_policy() -> None:
    """The tables of the page are the tables of the policy; its examples run."""
    assert list(CATEGORIES.items()) == list(taxonomy.page_table("always").items())
    assert WHEN_TRANSIENT == taxonomy.page_table("transient")
    assert WHEN_HELD_BACK == taxonomy.page_table("held back")
    assert WHEN_CLASSED == taxonomy.page_table("classed")
    assert WHEN_UNREACHABLE == taxonomy.page_table("unreachable")
    assert doctest.testfile(str(taxonomy.PAGE), module_relative=False).failed == 0


def test_every_row_of_the_page_has_a_bounce() -> None:
    """No row is left out of the tests below."""
    expected = {(table, row) for table in taxonomy.TABLES for row in taxonomy.page_table(table)}

    assert expected == {(case.table, case.row) for case in taxonomy.CASES}


@EVERY_CASE
def test_a_verdict_is_treated_as_the_page_says(case: taxonomy.Case) -> None:
    """Kind, retry, suppress and scope of a verdict are those of its row."""
    verdict = classify(case.code, case.text, case.bounce_class)

    assert case.expected == Treatment(verdict.kind, verdict.retry, verdict.suppress, verdict.scope)
    assert (case.table == "held back") == bool(verdict.held_back_by)
    if case.table in ("always", "transient"):  # the other tables' rows are no categories
        assert case.row == verdict.category


@EVERY_CASE
def test_an_outcome_has_the_columns_of_its_verdict(case: taxonomy.Case) -> None:
    """`measures.outcomes` adds no opinion of its own; what is not a bounce has no verdict."""
    row = outcome(case)
    bounced = case.expected.kind != "none"
    expected = case.expected[:3] if bounced else ("", "", "")

    assert ("bounced" if bounced else "") == row["state"]
    assert expected == (row["kind"], row["retry"], row["suppress"])


def categories_of_ids() -> dict[str, str]:
    """Rule, code or class, as verdicts name it, and its category."""
    rules = {rule.id: rule.category for rule in standard_rules()}
    known: dict[str, str] = dict(rules)
    for code in table().values():
        known[code.rule] = code.category
    for row in class_table().values():
        owner = f"{row.platform}:" if row.platform else ""
        known[f"class:{owner}{row.word}"] = row.category
    for rule, category in rules.items():
        known[f"class:{rule}"] = category
    return known


@pytest.mark.parametrize(
    ("ids", "category"),
    [(UNAUTHENTICATED, "authentication"), (UNREACHABLE, "temporary_failure")],
)
def test_what_is_named_by_its_rule_is_named_rightly(ids: frozenset[str], category: str) -> None:
    """Each of these ids is a rule, a code or a class, and says this category."""
    known = categories_of_ids()

    assert {category} == {known.get(name) for name in ids}


@EVERY_CASE
def test_the_next_wave_obeys_the_page(case: taxonomy.Case) -> None:
    """Whoever may be tried again now or later is in the next wave, and nobody else."""
    assert (case.expected.retry in MAILED_AGAIN) == decide_retry(outcome(case)).may


@EVERY_CASE
def test_local_suppressions_obey_the_page(case: taxonomy.Case) -> None:
    """A bounce suppresses at once, counts until it repeats, or does nothing."""
    refusal = Refusal(ADDRESS, case.code, case.text, case.bounce_class)
    found = find_suppressions(standard_judge(), [refusal])
    expected = {"now": (1, 0), "after_n": (0, 1), "never": (0, 0)}[case.expected.suppress]

    assert expected == (len(found.at_once), len(found.when_repeated))


@EVERY_CASE
def test_the_webhook_obeys_the_page(case: taxonomy.Case) -> None:
    """Hard bounces are permanent failures; the next wave's recipients are retry candidates."""
    data = webhook(outcome(case))
    permanent = [row["email"] for row in data["permanentFailures"]]
    candidates = [row["email"] for row in data["retryCandidates"]]

    assert ([ADDRESS] if case.expected.kind == "hard" else []) == permanent
    assert ([ADDRESS] if case.expected.retry in MAILED_AGAIN else []) == candidates


TREATMENTS = [
    *CATEGORIES.values(),
    *WHEN_TRANSIENT.values(),
    *WHEN_HELD_BACK.values(),
    *WHEN_CLASSED.values(),
    *WHEN_UNREACHABLE.values(),
]


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_no_treatment_contradicts_itself(treatment: Treatment) -> None:
    """Nobody is mailed again and suppressed at once; only a recipient's own failure is hard."""
    assert not (treatment.retry in MAILED_AGAIN and treatment.suppress == "now")
    assert treatment.kind != "hard" or treatment.scope == "recipient"
    assert treatment.scope not in ("sender", "message") or treatment.suppress == "never"


@pytest.mark.parametrize("category", [*SENDERS_SIDE, "policy_block"])
@pytest.mark.parametrize("code", ["550 5.1.1", "450 4.1.1", "250", ""])
def test_a_failure_of_the_senders_side_never_counts(category: str, code: str) -> None:
    """Whatever its code, and however often it repeats, it costs nobody a place on the list."""
    texts = [case.text for case in taxonomy.CASES if case.row == category]
    refusals = [Refusal(ADDRESS, code, text) for text in texts]
    judge = standard_judge()

    assert {category} == {judge.classify(code, text).category for text in texts}
    assert find_suppressions(judge, refusals) == find_suppressions(judge, [])
