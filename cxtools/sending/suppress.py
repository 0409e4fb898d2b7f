"""Whom bounces suppress, so that no later campaign mails them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cxtools.bounce import Judge
from cxtools.identity import recipient_key
from cxtools.ledger.ledger import Ledger
from cxtools.ledger.suppressions import IMPORTED
from cxtools.measures.engine import Engine
from cxtools.measures.outcomes import Refusal, refusals, words_on_people


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

    >>> from cxtools.bounce.judges import standard_judge
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


def imported_reasons(engine: Engine, campaign: str) -> dict[str, str]:
    """
    The people whom a campaign's events suppress, as key -> reason: hard bounces as
    `bounce/policy.py` says, complaints and unsubscribes.
    """
    refusals = []
    reasons = {}
    for row in words_on_people(engine, campaign):
        kind = row.pop("kind")
        if kind == "bounce":
            refusals.append(Refusal(**row))
        else:
            reasons[recipient_key(row["email"])] = kind
    return {**find_suppressions(engine.judge, refusals).at_once, **reasons}


def suppress_imported(ledger: Ledger, reasons_of: Mapping[str, Mapping[str, str]]) -> int:
    """
    Suppress these people (imported campaign -> key -> reason); how many weren't suppressed before.
    """
    added = 0
    for campaign, reasons in reasons_of.items():
        added += ledger.suppressions.add(IMPORTED, reasons, campaign)
    return added


def rejudge(ledger: Ledger, engine: Engine, *, began: float) -> Rejudged:
    """
    Judge everything that servers ever said once more, and let the local suppressions follow.

    For after a change of rules. A campaign whose events aren't in the store keeps its suppressions,
    and so does who was suppressed since *began*: a collector may be at work. Imported campaigns are
    judged where their import suppressed.
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
    for name in ledger.suppressions.imported().intersection(stored):
        reasons = suppressed_by.setdefault(name, {})
        reasons.update(imported_reasons(engine, name))
    added, lifted = ledger.suppressions.rejudge(
        suppressed_by,
        counted=counted_by,
        before=began,
    )
    return Rejudged(added, lifted)
