"""Where a campaign stands: read from the ledger and its events, touching neither."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

from cxtools import wording
from cxtools.errors import StoreError
from cxtools.ledger.batches import BatchRow
from cxtools.ledger.ledger import Ledger
from cxtools.ledger.outbox import CRM
from cxtools.ledger.plans import unknown_campaign
from cxtools.ledger.states import STATES, UNFINISHED, UNSETTLED
from cxtools.ledger.unknown import ORPHANED
from cxtools.measures.engine import Engine
from cxtools.measures.outcomes import event_kinds
from cxtools.sending.left_out import LeftOutPeople, left_out
from cxtools.settings import Settings
from cxtools.wording import spaced

BAD_JOBS = ("failed", "cancelled")
#: States of a batch that will not be sent any more.
GIVEN_UP = ("rejected", "abandoned")
#: States of a batch that is still to be sent, or on its way.
UNDER_WAY = ("planned", "submitting", "submitted")
#: State of a batch, or of its job, in which something went wrong -> what to do.
ADVICE = {
    "unknown": "see `cxtools reconcile --help`",
    "rejected": (
        "nothing of it was sent; correct what it names and send its people as a new campaign"
    ),
    "failed": "some recipients may have been mailed; see the events",
    "cancelled": "some recipients may have been mailed; see the events",
}
#: Recipients who weren't submitted, in words.
NOT_SUBMITTED = {
    "invalid": "invalid",
    "duplicates": "there twice",
    "suppressed": "suppressed",
    "over_limit": "over today's limit",
    "rejected": "refused by the API",
    "unknown": "whose outcome is unknown",
}
EVENT_KINDS = ("delivery", "bounce", "open", "click")
WEBHOOK_STATES = ("delivered", "pending", "dead", "parked")
LATE = " (provisional: late events may still come)"


@dataclass(frozen=True)
class Status:
    """
    Where one campaign stands.

        state          completed, partial, unknown, failed, nothing_to_send or in_progress
        recipients     people by what became of them; `submitted` counts those the API took
        batches        one row per batch
        events         events by kind
        webhooks       webhooks by state
        provisional    until every job's events are settled: late opens and bounces may still come
    """

    campaign: str
    state: str
    recipients: Mapping[str, int]
    batches: Sequence[Mapping[str, Any]]
    events: Mapping[str, int]
    webhooks: Mapping[str, int]
    provisional: bool
    read_left_out: Callable[[], LeftOutPeople] = field(
        default=LeftOutPeople, repr=False, compare=False
    )

    @cached_property
    def left_out(self) -> LeftOutPeople:
        """
        Who of the list was not mailed and why, addresses masked; read when it is first asked for.
        """
        return self.read_left_out()

    def to_dict(self) -> dict[str, Any]:
        """The document that `--json` prints."""
        document = asdict(replace(self, read_left_out=LeftOutPeople))
        del document["read_left_out"]
        return document | {"left_out": self.left_out.to_list()}

    def __str__(self) -> str:
        lines = [f"{self.campaign}: {spaced(self.state)}"]
        for term, text in self._facts():
            lines.append(f"  {term:<11} {text}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        pairs = [_fact_html(term, text) for term, text in self._plain_facts()]
        return f'<dl class="facts">{"".join(pairs)}</dl>'

    def _facts(self) -> list[tuple[str, str]]:
        """What a person reads, each with its heading."""
        late = LATE if self.provisional else ""
        facts = [
            ("recipients", self._recipients_text()),
            ("batches", self._batches_text()),
            ("events", _counts_text(self.events) + late),
            ("webhooks", _counts_text(self.webhooks)),
        ]
        return facts + self._advice() + self._next()

    def _next(self) -> list[tuple[str, str]]:
        if not self.recipients["over_limit"]:
            return []
        resume = f"`cxtools resume {self.campaign}`"
        return [("next", f"{resume}, when the limit's next day has begun (UTC)")]

    def _plain_facts(self) -> list[tuple[str, str]]:
        """The same for those who don't run campaigns: no zeros, and what each state means."""
        late = LATE if self.provisional else ""
        states = Counter(str(row["state"]) for row in self.batches)
        batches = [f"{wording.count(count)}: {STATES[state]}" for state, count in states.items()]
        facts = [
            ("state", spaced(self.state)),
            ("recipients", self._people_text()),
            ("batches", "; ".join(batches) or "none"),
            ("events", _counts_text(self.events) + late),
            ("messages to the CRM", _counts_text(_not_zero(self.webhooks)) or "none"),
        ]
        return facts + self._advice() + self._next()

    def _people_text(self) -> str:
        """How many were in the list, how many went out, and why the others didn't."""
        people = _not_zero(self.recipients)
        left_out = {word: people[name] for name, word in NOT_SUBMITTED.items() if name in people}
        text = (
            f"{wording.count(self.recipients['rows'])} in the list, "
            f"{wording.count(self.recipients['submitted'])} submitted"
        )
        return f"{text}; not sent: {_counts_text(left_out)}" if left_out else text

    def _recipients_text(self) -> str:
        people = self.recipients
        return (
            f"{wording.count(people['rows'])} rows, "
            f"{wording.count(people['planned'])} planned, "
            f"{wording.count(people['submitted'])} submitted, "
            f"{wording.count(people['rejected'])} rejected, "
            f"{wording.count(people['unknown'])} unknown; "
            f"left out: {wording.count(people['invalid'])} invalid, "
            f"{wording.count(people['duplicates'])} duplicate, "
            f"{wording.count(people['suppressed'])} suppressed, "
            f"{wording.count(people['over_limit'])} over today's limit"
        )

    def _batches_text(self) -> str:
        states = Counter(row["state"] for row in self.batches)
        return _counts_text(states) or "none"

    def _advice(self) -> list[tuple[str, str]]:
        advice = []
        for row in self.batches:
            for state in (row["state"], row["job_status"]):
                if state in ADVICE:
                    people = f"{wording.count(row['recipients'])} recipients"
                    batch = f"batch {row['batch']} ({people})"
                    text = f"{batch}: {row['detail']}; {ADVICE[state]}"
                    advice.append((state, text))
                    break
        return advice


def _fact_html(term: str, text: str) -> str:
    heading = f"<dt>{html.escape(term)}</dt>"
    return f"<div>{heading}<dd>{html.escape(text)}</dd></div>"


def _counts_text(counts: Mapping[str, int]) -> str:
    texts = [f"{wording.count(count)} {word}" for word, count in counts.items()]
    return ", ".join(texts)


def _not_zero(counts: Mapping[str, int]) -> dict[str, int]:
    return {word: count for word, count in counts.items() if count}


def campaign_state(batches: Iterable[tuple[str, str | None]]) -> str:
    """
    The state of a campaign whose batches are in these (state, job status).

    >>> campaign_state([("settling", "completed"), ("unknown", None)])
    'unknown'
    >>> campaign_state([("empty", None)])
    'nothing_to_send'
    """
    sent = [pair for pair in batches if pair[0] != "empty"]
    states = {state for state, _ in sent}
    if not sent:
        return "nothing_to_send"
    if "unknown" in states:
        return "unknown"
    if states.intersection(UNDER_WAY):
        return "in_progress"
    bad = [state in GIVEN_UP or job in BAD_JOBS for state, job in sent]
    if all(bad):
        return "failed"
    if any(bad):
        return "partial"
    return "completed"


def over_limit(batches: Iterable[int], quota_left: float) -> int:
    """
    How many people are in batches that the rest of the day's quota can't hold.

    >>> over_limit([40, 40, 20], 70)
    40
    """
    over = 0
    for people in batches:
        if people <= quota_left:
            quota_left -= people
        else:
            over += people
    return over


def status(ledger: Ledger | None, engine: Engine, name: str, settings: Settings) -> Status:
    """
    The status of one campaign.

    Raises:
        ConfigError: the ledger doesn't know it, or there is none.
    """
    if ledger is None:
        raise unknown_campaign(name)
    rows = ledger.batches.rows(name)
    limits = ledger.plans.spec(name)["limits"]
    limit = settings.daily_cap(limits["daily"])
    quota_left = ledger.quota.left(settings.account, limit)
    waiting = [row.recipients for row in rows if row.state == "planned"]
    is_orphan = ledger.unknown.is_orphan
    batches = [_batch_document(row, orphan=is_orphan(row)) for row in rows]
    webhooks = [row for row in ledger.outbox.webhooks(name) if row.channel == CRM]
    webhook_states = Counter(webhook.state for webhook in webhooks)
    return Status(
        campaign=name,
        state=campaign_state((row["state"], row["job_status"]) for row in batches),
        recipients=_recipients(ledger.batches.counts(name), over_limit(waiting, quota_left)),
        batches=batches,
        events=dict.fromkeys(EVENT_KINDS, 0) | event_kinds(engine, name),
        webhooks={state: webhook_states[state] for state in WEBHOOK_STATES},
        provisional=any(row.state in UNSETTLED for row in rows),
        read_left_out=lambda: left_out(ledger, name),
    )


def _recipients(counts: Mapping[str, int], over: int) -> dict[str, int]:
    """In the order in which a row of the list meets these ends."""
    return {
        "rows": counts["rows"],
        "invalid": counts["invalid"],
        "duplicates": counts["duplicates"],
        "suppressed": counts["suppressed"],
        "over_limit": over,
        "planned": counts["planned"],
        "submitted": counts["submitted"],
        "rejected": counts["rejected"],
        "unknown": counts["unknown"],
    }


def _batch_document(row: BatchRow, *, orphan: bool) -> dict[str, Any]:
    """A batch as the status shows it; one that its worker left behind is unknown already."""
    return {
        "batch": row.id,
        "wave": row.wave,
        "recipients": row.recipients,
        "state": "unknown" if orphan else row.state,
        "job_id": row.job_id,
        "job_status": row.job_status,
        "latency_s": row.latency_s,
        "spam_score": row.spam_score,
        "detail": ORPHANED if orphan else row.detail,
    }


def stopped_text(ledger: Ledger, name: str) -> str:
    """What somebody reads who stopped a send: how far it came, and how it goes on."""
    try:
        people = ledger.batches.counts(name)
    except StoreError as error:
        so_far = f"how far {name!r} came can't be read now: {error.what}"
    else:
        submitted = wording.count(people["submitted"])
        planned = wording.count(people["planned"])
        so_far = f"{submitted} of {planned} recipients of {name!r} are sent"
        if not people["planned"]:
            so_far = f"nothing of {name!r} was planned or sent yet"
    return f"stopped; {so_far}\n  -> run the same again: it continues, and mails nobody twice"


def unsettled(ledger: Ledger, name: str) -> dict[str, int]:
    """
    Recipients of a campaign that have no good end yet: the outcome is unknown, their job failed or
    was refused, or they wait to be sent.
    """
    failed = [
        row.recipients
        for row in ledger.batches.rows(name)
        if row.state == "rejected" or row.job_status in BAD_JOBS
    ]
    counts = ledger.batches.counts(name)
    return {
        "unknown": counts["unknown"],
        "failed": sum(failed),
        "waiting": counts["waiting"],
    }


def unfinished(ledger: Ledger, account: str) -> list[str]:
    """
    Campaigns of this account with a batch that waits to be sent, followed or collected for the
    first time.
    """
    rows = ledger.batches.rows(states=UNFINISHED)
    names = dict.fromkeys(row.campaign for row in rows)
    ours = ("", account)
    return [name for name in names if ledger.plans.account(name) in ours]
