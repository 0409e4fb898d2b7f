"""Where a campaign stands: read from the ledger and the event store, touching nothing."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cxtools.events.store import EventStore
from cxtools.ledger.batches import BatchRow
from cxtools.ledger.ledger import Ledger
from cxtools.ledger.states import ENDED
from cxtools.ledger.unknown import ORPHANED

#: campaign state -> exit code of the command line
EXIT_CODES = {
    "completed": 0,
    "nothing_to_send": 0,
    "partial": 5,
    "failed": 5,
    "in_progress": 0,
    "unknown": 8,
}
BAD_JOBS = ("failed", "cancelled")
#: state of a batch, or of its job, in which something went wrong -> what to do
ADVICE = {
    "unknown": "see `cxtools reconcile --help`",
    "rejected": "nothing of it was sent; correct what it names and send its people as a new campaign",
    **dict.fromkeys(BAD_JOBS, "perhaps half of it was sent: the events tell who got it"),
}


@dataclass(frozen=True)
class Status:
    """
    One campaign: its state, people by what became of them, one row per batch, events by kind,
    webhooks by state.

    `provisional` is True until every job's events are settled: late opens and bounces may still
    come.
    """

    campaign: str
    state: str
    recipients: Mapping[str, int]
    batches: Sequence[Mapping[str, Any]]
    events: Mapping[str, int]
    webhooks: Mapping[str, int]
    provisional: bool

    @property
    def exit_code(self) -> int:
        refused = (
            self.state == "failed"
            and self.recipients["rejected"]
            and not self.recipients["submitted"]
        )
        return 3 if refused else EXIT_CODES[self.state]

    def to_dict(self) -> dict[str, Any]:
        """The document that `--json` prints."""
        return asdict(self)

    def __str__(self) -> str:
        people, events, hooks = self.recipients, self.events, self.webhooks
        late = " (provisional: late events may still come)" if self.provisional else ""
        lines = [
            f"{self.campaign}: {self.state.replace('_', ' ')}",
            f"  recipients  {people['rows']:,} rows, {people['planned']:,} planned, {people['submitted']:,} submitted, "
            f"{people['rejected']:,} rejected, {people['unknown']:,} unknown; left out: {people['invalid']:,} invalid, "
            f"{people['duplicates']:,} duplicate, {people['suppressed']:,} suppressed, {people['over_limit']:,} over today's limit",
            f"  batches     {self._batch_states()}",
            f"  events      {', '.join(f'{count:,} {kind}' for kind, count in events.items())}{late}",
            f"  webhooks    {', '.join(f'{count:,} {state}' for state, count in hooks.items())}",
        ]
        for row in self.batches:
            if word := next(
                (word for word in (row["state"], row["job_status"]) if word in ADVICE), ""
            ):
                lines.append(
                    f"  {word:11} batch {row['batch']} ({row['recipients']:,} recipients): {row['detail']}; {ADVICE[word]}"
                )
        if people["over_limit"]:
            lines.append(
                f"  next        `cxtools resume {self.campaign}`, when the limit's next day has begun (UTC)"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        _, *lines = str(self).splitlines()
        pairs = [
            ("state", self.state.replace("_", " ")),
            *(re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in lines),
        ]
        facts = "".join(
            f"<div><dt>{html.escape(term)}</dt><dd>{html.escape(fact)}</dd></div>"
            for term, fact in pairs
        )
        return f'<dl class="facts">{facts}</dl>'

    def _batch_states(self) -> str:
        states = [row["state"] for row in self.batches]
        return (
            ", ".join(f"{states.count(state):,} {state}" for state in dict.fromkeys(states))
            or "none"
        )


def campaign_state(batches: Iterable[tuple[str, str | None]]) -> str:
    """
    The state of a campaign whose batches are in these (state, job status).

    >>> campaign_state([("settling", "completed"), ("unknown", None)]), campaign_state([("empty", None)])
    ('unknown', 'nothing_to_send')
    """
    pairs = [(state, job) for state, job in batches if state != "empty"]
    if not pairs:
        return "nothing_to_send"
    states = {state for state, _ in pairs}
    if "unknown" in states:
        return "unknown"
    if states & {"planned", "submitting", "submitted"}:
        return "in_progress"
    bad = [state in ("rejected", "abandoned") or job in BAD_JOBS for state, job in pairs]
    return "failed" if all(bad) else "partial" if any(bad) else "completed"


def over_limit(batches: Iterable[int], quota_left: float) -> int:
    """
    How many people are in batches that the rest of the day's quota can't hold.

    >>> over_limit([40, 40, 20], 70)
    40
    """
    over = 0
    for people in batches:
        over, quota_left = (
            (over, quota_left - people) if people <= quota_left else (over + people, quota_left)
        )
    return over


def status(ledger: Ledger, store: EventStore, name: str, *, quota_left: float) -> Status:
    """The status of one campaign; ConfigError when the ledger doesn't know it."""
    ledger.plans.spec(name)
    rows, counts = ledger.batches.rows(name), ledger.batches.counts(name)
    counts.pop("waiting")
    counts["over_limit"] = over_limit(
        [row.recipients for row in rows if row.state == "planned"], quota_left
    )
    batches = [_shown(row, orphan=ledger.unknown.is_orphan(row)) for row in rows]
    hooks = [row.state for row in ledger.outbox.webhooks(name)]
    return Status(
        campaign=name,
        state=campaign_state(
            (each["state"], row.job_status) for each, row in zip(batches, rows, strict=True)
        ),
        recipients=counts,
        batches=batches,
        events=dict.fromkeys(("delivery", "bounce", "open", "click"), 0) | store.counts(name),
        webhooks={
            state: hooks.count(state) for state in ("delivered", "pending", "dead", "parked")
        },
        provisional=any(row.state in ("submitted", *ENDED, "settling") for row in rows),
    )


def _shown(row: BatchRow, *, orphan: bool) -> dict[str, Any]:
    """A batch as the status shows it; one that its worker left behind is unknown already."""
    facts = {
        "batch": row.id,
        "wave": row.wave,
        "recipients": row.recipients,
        "state": row.state,
        "job_id": row.job_id,
        "job_status": row.job_status,
        "detail": row.detail,
    }
    return facts | ({"state": "unknown", "detail": ORPHANED} if orphan else {})
