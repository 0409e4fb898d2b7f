"""
Retry waves: which recipients of a campaign may be mailed again, and why the rest may not. One
explicit call, one wave, never a loop.

Rule 1: whoever a wave may have reached is judged by what became of it there; silence is not a
bounce. Rule 2: a delivery, a hard bounce or an exclusion in any wave outweighs a bounce in another
that a later try may cure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from cxtools.bounce.policy import MAILED_AGAIN
from cxtools.context import Context
from cxtools.errors import ConfigError
from cxtools.identity import recipient_key
from cxtools.ledger.batches import BatchRow
from cxtools.ledger.states import ENDED
from cxtools.measures.outcomes import outcomes
from cxtools.model import Recipient
from cxtools.sending.collect import JOBS_AT_ONCE
from cxtools.text import mask_address

MAX_WAVES = 3
COOLDOWN_S = 24 * 3600.0
#: states of batches of which nothing was sent for certain
UNSENT = ("rejected", "empty")
#: what it means that nothing is heard of a person, where it isn't only early
SILENCE = {
    "rejected": "the API refused the batch",
    "abandoned": "given up; perhaps mailed, perhaps not",
}
#: people that a text names for each reason; a document names all
SHOWN = 3


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """Whether a person may be mailed again, and the reason: of the yes as well as of the no."""

    may: bool
    why: str


@dataclass(frozen=True)
class WavePlan:
    """
    The next wave: the people in it, each with the cause of the bounce; and who is not, as
    (masked address, reason).
    """

    campaign: str
    wave: int
    people: Sequence[tuple[Recipient, str]]
    left_out: Sequence[tuple[str, str]]
    not_before: datetime

    def _named(self) -> dict[str, Sequence[tuple[str, str]]]:
        return {
            "people": [(mask_address(who.email), why) for who, why in self.people],
            "left_out": self.left_out,
        }

    def to_dict(self) -> dict[str, Any]:
        """The document that `--json` prints; addresses are masked."""
        named = {
            word: [{"email": who, "reason": why} for who, why in some]
            for word, some in self._named().items()
        }
        facts = {
            "campaign": self.campaign,
            "wave": self.wave,
            "not_before": self.not_before.isoformat(),
            "recipients": len(self.people),
        }
        return facts | named

    def __str__(self) -> str:
        lines = [
            f"{self.campaign}, wave {self.wave}, not before {self.not_before:%Y-%m-%d %H:%M} UTC: {len(self.people):,} people"
        ]
        for word, some in self._named().items():
            for reason, count in Counter(why for _, why in some).most_common():
                shown = list(islice((who for who, why in some if why == reason), SHOWN))
                lines.append(
                    f"  {'yes' if word == 'people' else 'no '} {count:7,}  {reason}: {', '.join(shown)}{', …' * (count > SHOWN)}"
                )
        return "\n".join(lines)


def decide_retry(outcome: Mapping[str, Any]) -> RetryDecision:
    """
    Whether a recipient with this outcome (a row of `measures.outcomes`) may be mailed again.

    >>> decide_retry({"state": "delivered"})
    RetryDecision(may=False, why='delivered')
    >>> full = {"kind": "soft", "category": "mailbox_full", "retry": "later"}
    >>> decide_retry({"state": "bounced", **full})
    RetryDecision(may=True, why='soft: mailbox_full')
    """
    if outcome["state"] != "bounced":
        return RetryDecision(False, outcome["state"] or "no event yet")
    why = f"{outcome['kind']}: {outcome['category']}"
    return RetryDecision(outcome["retry"] in MAILED_AGAIN, why)


def combine(earlier: RetryDecision, later: RetryDecision) -> RetryDecision:
    """
    What two outcomes of one person decide together: a "no" stays.

    >>> full = RetryDecision(True, "soft: mailbox_full")
    >>> there = RetryDecision(False, "delivered")
    >>> combine(full, there) == combine(there, full) == there
    True
    """
    return later if earlier.may else earlier


def next_wave(context: Context, name: str) -> WavePlan:
    """
    Plan the next wave in the head, from the events that are stored; nothing is written.

    Raises:
        ConfigError: batches are still under way, or all waves were used.
    """
    context.ledger.plans.spec(name)
    rows = context.ledger.batches.rows(name)
    wave = max((row.wave for row in rows), default=0) + 1
    open_states = {row.state for row in rows} & {
        "planned",
        "submitting",
        "submitted",
        "unknown",
        *ENDED,
    }
    if open_states:
        do = "`cxtools reconcile` first" if "unknown" in open_states else "`cxtools resume` first"
        raise ConfigError(
            f"campaign {name!r} isn't finished: batches are {', '.join(sorted(open_states))}", do=do
        )
    if wave > MAX_WAVES:
        raise ConfigError(
            f"campaign {name!r} has had its {MAX_WAVES} retry waves",
            do="look at the bounce report instead",
        )
    ripe_at = max(
        (row.submitted_at or row.first_attempt_at or 0 for row in rows), default=0
    ) + COOLDOWN_S * 2 ** (wave - 1)
    decisions: dict[str, RetryDecision] = {}
    for key, decision in _decisions(context, name, rows):
        earlier = decisions.get(key)
        decisions[key] = combine(earlier, decision) if earlier else decision
    people, left = list[tuple[Recipient, str]](), list[tuple[str, str]]()
    for who in (
        who for row in rows if row.wave == 0 for who in context.ledger.batches.candidates(row.id)
    ):
        decision = decisions[who.key]
        if decision.may:
            people.append((who, decision.why))
        else:
            left.append((mask_address(who.email), decision.why))
    return WavePlan(name, wave, people, left, datetime.fromtimestamp(ripe_at, UTC))


def _decisions(
    context: Context, name: str, rows: Sequence[BatchRow]
) -> Iterator[tuple[str, RetryDecision]]:
    """
    The people (by key, since events spell addresses in their own way) of all batches, in the order
    of waves.
    """
    for start in range(0, len(rows), JOBS_AT_ONCE):
        group = rows[start : start + JOBS_AT_ONCE]
        told = outcomes(context.engine, name, [row.job_id for row in group if row.job_id])
        for row in group:
            heard: dict[str, RetryDecision] = {}
            for outcome in told.get(row.job_id or "", []):
                key = recipient_key(outcome["email"])
                decision = decide_retry(outcome)
                heard[key] = combine(heard[key], decision) if key in heard else decision
            excluded = {
                key: RetryDecision(False, why)
                for key, why in context.ledger.batches.excluded(row.id).items()
            }
            for who in context.ledger.batches.candidates(row.id):
                if row.wave == 0 or row.state not in UNSENT or who.key in excluded:
                    yield (
                        who.key,
                        excluded.get(who.key)
                        or heard.get(who.key)
                        or RetryDecision(False, SILENCE.get(row.state, "no event yet")),
                    )


def plan_next_wave(context: Context, name: str) -> WavePlan:
    """
    Write the next wave into the ledger; `send.resume` mails it, after fresh suppression checks.

    Raises:
        ConfigError: as `next_wave`; or the cooldown isn't over.
        StoreError: the ledger is older than its anchors.
    """
    context.ledger.audit_log.check_anchors()
    plan = next_wave(context, name)
    if (early_s := plan.not_before.timestamp() - context.now()) > 0:
        raise ConfigError(
            f"too early for wave {plan.wave} of {name!r}",
            do=f"wait {early_s / 3600:.1f} h more: a bounce needs time to pass",
        )
    if plan.people:
        size = context.settings.batch_cap(context.ledger.plans.spec(name)["limits"]["daily"])
        context.ledger.plans.write_wave(
            name, plan.wave, [who for who, _ in plan.people], batch_size=size
        )
    return plan
