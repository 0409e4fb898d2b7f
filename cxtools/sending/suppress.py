"""Whom bounces suppress, so that no later campaign mails them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cxtools.bounce import Judge
from cxtools.identity import recipient_key
from cxtools.ledger.ledger import Ledger
from cxtools.measures.engine import Engine
from cxtools.measures.outcomes import Refusal, refusals


class Rejudged(NamedTuple):
    """How many local suppressions were added, and how many lifted."""

    added: int
    lifted: int


@dataclass(frozen=True)
class NewSuppressions:
    """Whom some bounces suppress, as key -> category: at once, or when they repeat."""

    at_once: Mapping[str, str]
    when_repeated: Mapping[str, str]


def find_suppressions(judge: Judge, refusals: Iterable[Refusal]) -> NewSuppressions:
    """
    The people whom these bounces suppress.

    Which bounces do stands in `bounce/policy.py`. One of the sender's side never does, however
    often it repeats.

    >>> from cxtools.bounce.classify import standard_judge
    >>> bounces = [
    ...     Refusal("ann@x.example", "550", "user unknown"),
    ...     Refusal("bob@x.example", "452", "mailbox full"),
    ...     Refusal("eve@x.example", "550", "listed by spamhaus"),
    ... ]
    >>> found = find_suppressions(standard_judge(), bounces)
    >>> list(found.at_once.values()), list(found.when_repeated.values())
    (['invalid_recipient'], ['mailbox_full'])
    """
    at_once: dict[str, str] = {}
    when_repeated: dict[str, str] = {}
    for email, code, text, bounce_class in refusals:
        verdict = judge.classify(code, text, bounce_class)
        if verdict.suppress == "now":
            at_once[recipient_key(email)] = verdict.category
        elif verdict.suppress == "after_n":
            when_repeated[recipient_key(email)] = verdict.category
    return NewSuppressions(at_once, when_repeated)


def rejudge(ledger: Ledger, engine: Engine, *, began: float) -> Rejudged:
    """
    Judge everything that servers ever said once more, and let the local suppressions follow.

    For after a change of rules. A campaign whose events aren't in the store keeps its suppressions,
    and so does who was suppressed since *began*: a collector may be at work.
    """
    stored = engine.store.campaigns()
    suppressed_by = {}
    counted_by = {}
    for name in ledger.plans.names():
        if name in stored:
            rows = ledger.batches.rows(name)
            job_ids = [row.job_id for row in rows if row.job_id]
            bounces = refusals(engine, name, job_ids)
            suppressions = find_suppressions(engine.judge, bounces)
            suppressed_by[name] = dict(suppressions.at_once)
            counted_by[name] = set(suppressions.when_repeated)
    added, lifted = ledger.suppressions.rejudge(
        suppressed_by,
        counted=counted_by,
        before=began,
    )
    return Rejudged(added, lifted)
