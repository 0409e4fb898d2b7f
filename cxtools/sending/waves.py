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
from typing import Any, NamedTuple

from cxtools import wording
from cxtools.context import Context
from cxtools.errors import ConfigError
from cxtools.identity import recipient_key
from cxtools.ledger.batches import BatchRow
from cxtools.ledger.states import UNFINISHED
from cxtools.measures.outcomes import outcomes
from cxtools.model import Recipient
from cxtools.sending.groups import in_groups
from cxtools.sending.retry import NO_EVENT, RetryDecision, RetryDecisions, decide_retry
from cxtools.sending.spec import MOST_WAVES, Retry, parse_spec
from cxtools.text import mask_address
from cxtools.wording import quantity

HOUR_S = 3600.0
#: States of batches that certainly were not sent.
UNSENT = ("rejected", "empty")
#: State of a batch -> why its people have no event, where it isn't just too early.
WHY_NO_EVENT = {
    "rejected": "the API refused the batch",
    "abandoned": "given up; perhaps mailed, perhaps not",
}
#: People that a text names for each reason; a document names all.
PEOPLE_SHOWN = 3


class Candidate(NamedTuple):
    """A person in the next wave, and the cause of the bounce."""

    person: Recipient
    reason: str


class MaskedPerson(NamedTuple):
    """A person as texts and documents name them: the masked address, and why in the wave or not."""

    address: str
    reason: str


@dataclass(frozen=True)
class WavePlan:
    """The next wave of a campaign: who is in it, who is not, and when it may be sent."""

    campaign: str
    wave: int
    people: Sequence[Candidate]
    left_out: Sequence[MaskedPerson]
    not_before: datetime

    def to_dict(self) -> dict[str, Any]:
        """The document that `--json` prints; addresses are masked."""
        return {
            "campaign": self.campaign,
            "wave": self.wave,
            "not_before": self.not_before.isoformat(),
            "recipients": len(self.people),
            "people": _documents(self._masked_people()),
            "left_out": _documents(self.left_out),
        }

    def __str__(self) -> str:
        wave = f"{self.campaign}, wave {self.wave}"
        moment = wording.moment_text(self.not_before)
        people = wording.people(len(self.people))
        lines = [f"{wave}, not before {moment}: {people}"]
        lines += _reason_lines("yes", self._masked_people())
        lines += _reason_lines("no ", self.left_out)
        return "\n".join(lines)

    def _masked_people(self) -> list[MaskedPerson]:
        masked = []
        for person, reason in self.people:
            masked.append(MaskedPerson(mask_address(person.email), reason))
        return masked


def _documents(people: Sequence[MaskedPerson]) -> list[dict[str, str]]:
    return [{"email": address, "reason": reason} for address, reason in people]


def _reason_lines(answer: str, people: Sequence[MaskedPerson]) -> Iterator[str]:
    """One line for each reason, the most common first, with some of its people."""
    reasons = Counter(person.reason for person in people)
    for reason, count in reasons.most_common():
        addresses = [person.address for person in people if person.reason == reason]
        names = addresses[:PEOPLE_SHOWN]
        if count > PEOPLE_SHOWN:
            names.append("…")
        shown = ", ".join(names)
        yield f"  {answer} {count:7,}  {reason}: {shown}"


def next_wave(context: Context, name: str) -> WavePlan:
    """
    Work out the next wave from the events that are stored; write nothing.

    Raises:
        ConfigError: there is no such campaign, batches are still under way, or all waves were used.
    """
    spec = parse_spec(context.ledger.plans.spec(name), any_template_id=True)
    rows = context.ledger.batches.rows(name)
    _refuse_open_batches(name, {row.state for row in rows})
    last = max((row.wave for row in rows), default=0)
    wave = last + 1
    if wave > spec.retry.waves:
        raise _all_waves_are_used(name, spec.retry.waves)
    decisions = _decide(context, name, rows)
    people = []
    left_out = []
    for person in _planned_people(context, rows):
        decision = decisions.get(person.key) or RetryDecision(False, NO_EVENT)
        if decision.may:
            people.append(Candidate(person, decision.why))
        else:
            address = mask_address(person.email)
            left_out.append(MaskedPerson(address, decision.why))
    not_before = _not_before(rows, wave, spec.retry)
    return WavePlan(name, wave, people, left_out, not_before)


def _refuse_open_batches(name: str, states: set[str]) -> None:
    open_states = states.intersection(UNFINISHED)
    if not open_states:
        return
    advice = f"run `cxtools resume {name}` first"
    if "unknown" in open_states:
        advice = (
            f"settle them first: `cxtools status {name}` lists them, `cxtools reconcile` settles"
        )
    words = ", ".join(sorted(open_states))
    raise ConfigError(f"campaign {name!r} isn't finished: batches are {words}", do=advice)


def _all_waves_are_used(name: str, waves: int) -> ConfigError:
    return ConfigError(
        f"campaign {name!r} has had its {quantity(waves, 'retry wave')}",
        do="look at the bounce report instead; `waves` in the spec's [retry] says how many "
        f"there may be, at most {MOST_WAVES}",
    )


def _not_before(rows: Sequence[BatchRow], wave: int, retry: Retry) -> datetime:
    last_at = max((_sent_at(row) for row in rows), default=0)
    cooldown_s = retry.cooldown_h * HOUR_S * 2 ** (wave - 1)
    return datetime.fromtimestamp(last_at + cooldown_s, UTC)


def _sent_at(row: BatchRow) -> float:
    return row.submitted_at or row.first_attempt_at or 0


def _planned_people(context: Context, rows: Sequence[BatchRow]) -> Iterator[Recipient]:
    for row in rows:
        if row.wave == 0:
            yield from context.ledger.batches.candidates(row.id)


def _decide(context: Context, name: str, rows: Sequence[BatchRow]) -> RetryDecisions:
    """
    The decision on everyone, from all batches in the order of waves; people by key, since events
    spell addresses in their own way.
    """
    decisions = RetryDecisions()
    for group in in_groups(rows):
        job_ids = [row.job_id for row in group if row.job_id]
        outcomes_of = outcomes(context.engine, name, job_ids)
        for row in group:
            job_outcomes = outcomes_of.get(row.job_id or "", [])
            for key, decision in _decide_batch(context, row, job_outcomes):
                decisions.add(key, decision)
    return decisions


def _decide_batch(
    context: Context,
    row: BatchRow,
    job_outcomes: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[str, RetryDecision]]:
    """What one batch says of each of its people; nothing of those whom it did not reach."""
    by_events = RetryDecisions()
    for outcome in job_outcomes:
        by_events.add(recipient_key(outcome["email"]), decide_retry(outcome))
    excluded = context.ledger.batches.excluded(row.id)
    without_event = RetryDecision(False, WHY_NO_EVENT.get(row.state, NO_EVENT))
    unsent = row.wave > 0 and row.state in UNSENT
    for person in context.ledger.batches.candidates(row.id):
        if person.key in excluded:
            yield person.key, RetryDecision(False, excluded[person.key])
        elif not unsent:
            yield person.key, by_events.get(person.key) or without_event


def plan_next_wave(context: Context, name: str) -> WavePlan:
    """
    Write the next wave into the ledger; `send.resume` mails it, after fresh suppression checks.

    Raises:
        ConfigError: as `next_wave`; or the cooldown isn't over.
        StoreError: the ledger is older than its anchors.
    """
    context.ledger.audit_log.check_anchors()
    plan = next_wave(context, name)
    early_s = plan.not_before.timestamp() - context.now()
    if early_s > 0:
        raise ConfigError(
            f"too early for wave {plan.wave} of {name!r}",
            do=f"wait {early_s / 3600:.1f} h more: the cause of a bounce needs time to pass",
        )
    if plan.people:
        limits = context.ledger.plans.spec(name)["limits"]
        context.ledger.plans.write_wave(
            name,
            plan.wave,
            [person for person, _ in plan.people],
            batch_size=context.settings.batch_cap(limits["daily"]),
        )
    return plan
