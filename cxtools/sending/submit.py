"""
Send a campaign: plan it once, check everyone, write it down, submit it, follow it, collect it, tell
the CRM.

Run it again and it continues: what the ledger says was posted is never posted again.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from cxtools.api import pace
from cxtools.api.outcome import PostOutcome
from cxtools.context import Context
from cxtools.errors import ConfigError, Denied, RateLimited, StoreError, Unreachable
from cxtools.identity import recipient_key
from cxtools.ledger.batches import BatchRow
from cxtools.ledger.posts import Claim
from cxtools.model import Recipient
from cxtools.sending.collect import collect, follow
from cxtools.sending.plan import BATCH_TAG, Spec, checked_spec, message_body
from cxtools.sending.recipients import Campaign
from cxtools.webhooks.deliver import courier

#: batches submitted side by side; the checks of one run while another's POST is under way
BATCHES_AT_ONCE = 4


def plan(context: Context, campaign: Campaign, *, skip_invalid: bool = False) -> None:
    """
    Write the campaign's plan into the ledger, or find it there.

    Raises:
        ConfigError: rows are invalid and not to be skipped, or other content was planned under the
        same name; nothing was written. StoreError: the ledger is older than its anchors; nothing
        was written.
    """
    context.ledger.audit_log.check_anchors()
    spec, digest = campaign.spec, campaign.digest
    known, plain = context.ledger.plans.digest(spec.name), spec.model_dump(mode="json")
    same = known == digest and context.ledger.plans.account(spec.name) in (
        "",
        context.settings.account,
    )
    if known is None or (not same and context.ledger.plans.drop(spec.name)):
        return context.ledger.plans.write(
            spec.name,
            digest=digest,
            spec=plain,
            planned=campaign.planned(skip_invalid=skip_invalid),
            batch_size=context.settings.batch_cap(spec.limits.daily),
            account=context.settings.account,
        )
    if known != digest:
        raise ConfigError(
            f"campaign {spec.name!r} exists with other content: its spec or recipients were changed after sending began",
            do="give the changed campaign a new name; `cxtools resume` continues the old one",
        )
    context.ledger.plans.change_limits(spec.name, plain)


def resume(context: Context, name: str) -> list[str]:
    """
    Continue a planned campaign to its end, and return the batches whose jobs were not in time.
    """
    context.refuse_foreign(name)
    context.ledger.audit_log.check_anchors()
    context.ledger.unknown.recover()
    try:
        with courier(context):
            follow_evidence(context, name)
            post_again(context, name)  # before new batches: their time is running out
            submit(context, name)
            post_again(context, name)
            late = follow(context, name)
            collect(context, name)
    finally:
        context.ledger.audit_log.append_anchor()
    return late


def submit(context: Context, name: str) -> None:
    """Check and POST all planned batches; the first error stops the rest, which stay planned."""
    rows = context.ledger.batches.rows(name, ["planned"])
    spec = checked_spec(context.ledger.plans.spec(name), any_template_id=True)
    # with a daily limit one after the other, so that a small later batch doesn't take what an
    # earlier one needs
    at_once = BATCHES_AT_ONCE if _limit(context, spec) is None else 1
    listing = Listing(context) if context.settings.suppression_listing else None
    stop = threading.Event()
    with (
        context.progress(sum(row.recipients for row in rows), "recipients") as bar,
        ThreadPoolExecutor(context.settings.workers) as checks,
        ThreadPoolExecutor(at_once) as batches,
    ):
        running = [
            batches.submit(_submit_batch, context, spec, row, listing, checks, bar, stop)
            for row in rows
        ]
        try:
            for future in as_completed(running):
                future.result()
        except BaseException:
            stop.set()
            for future in running:
                future.cancel()
            raise


class Listing:
    """
    The account's whole suppression list, by person, fetched anew when it is older than the settings
    allow.
    """

    def __init__(self, context: Context) -> None:
        self._desk = context
        self._turn = threading.Lock()
        self._reasons: dict[str, str] = {}
        self._fetched_at = float("-inf")

    def reasons(self) -> Mapping[str, str]:
        with self._turn:
            if self._desk.now() - self._fetched_at > self._desk.settings.suppression_age_s:
                began_at = self._desk.now()
                self._reasons = {
                    recipient_key(found.email): found.reason
                    for page in self._desk.api.fetch_suppressions()
                    for found in page
                }
                self._fetched_at = (
                    began_at  # only now: a list that could not be fetched clears nobody
                )
            return self._reasons


def _submit_batch(
    context: Context,
    spec: Spec,
    row: BatchRow,
    listing: Listing | None,
    checks: ThreadPoolExecutor,
    bar: Any,
    stop: threading.Event,
) -> None:
    people = context.ledger.batches.candidates(row.id)
    if (
        stop.is_set()
        or context.ledger.quota.left(context.settings.account, _limit(context, spec))
        < row.recipients
    ):
        return  # too little is left of the day's quota for the batch: it waits, unchecked
    excluded = {
        key: f"bounced before: {reason}"
        for key, reason in context.ledger.suppressions.find([who.key for who in people]).items()
    }
    asked = [who for who in people if who.key not in excluded]
    excluded |= _suppressed(context, asked, listing, checks, bar, stop)
    mailed = [who for who in people if who.key not in excluded]
    if stop.is_set():
        return
    if not mailed:
        return context.ledger.posts.leave_empty(row.id, excluded)
    _post(
        context,
        spec,
        row.id,
        message_body(spec, mailed, batch_id=row.id),
        len(mailed),
        excluded,
        stop,
    )


def _suppressed(
    context: Context,
    people: list[Recipient],
    listing: Listing | None,
    checks: ThreadPoolExecutor,
    bar: Any,
    stop: threading.Event,
) -> dict[str, str]:
    """
    Who of these the API says must not be mailed (key -> reason). Fails closed: an address is clear
    only by the API's own word.
    """

    def check(who: Recipient) -> str | None:
        found = None if stop.is_set() else context.api.fetch_suppression(who.email)
        with bar.get_lock():
            bar.update()
        return found.reason if found else None

    if listing is None:
        reasons = list(checks.map(check, people))
    else:
        listed = listing.reasons()
        reasons = [listed.get(who.key) for who in people]
        bar.update(len(people))
    return {
        who.key: f"suppressed: {reason}"
        for who, reason in zip(people, reasons, strict=True)
        if reason is not None
    }


def _post(
    context: Context,
    spec: Spec,
    batch_id: str,
    body: bytes,
    recipients: int,
    excluded: Mapping[str, str],
    stop: threading.Event,
) -> None:
    """
    Claim, POST, record; again only where nothing was sent for certain, and only while patience
    lasts.
    """
    give_up_at = context.now() + context.settings.patience_s
    lease_s = context.settings.call_deadline_s * 2 + 60
    for tries in range(1_000):
        claim = context.ledger.posts.claim(
            batch_id,
            body,
            recipients=recipients,
            excluded=excluded,
            lease_s=lease_s,
            limit=_limit(context, spec),
            account=context.settings.account,
        )
        if claim is None:
            return  # another worker has it, or the day's quota is used up: `status` tells which
        outcome = _submit_claimed(context, claim)
        facts: Any = {
            "method": "POST",
            "path": context.settings.paths.messages,
            "status": outcome.status,
            "trace_id": outcome.trace_id,
        }
        if outcome.denied:
            raise Denied(
                f"the API refused the sign-in or the right to send: {outcome.detail}",
                **facts,
                do="check the client's scopes (communications:email:send), role and permissions, then run the same command again",
            )
        if outcome.kind not in ("not_sent", "limited"):
            return
        wait_s = _wait_s(context, outcome, tries)
        if stop.is_set() or context.now() + wait_s > give_up_at:
            error = RateLimited if outcome.kind == "limited" else Unreachable
            raise error(
                f"the batch could not be sent in {context.settings.patience_s:.0f} s: {outcome.detail}",
                **facts,
                do="nothing of it was sent; run the same command again later",
            )
        context.sleep(wait_s)


def _wait_s(context: Context, outcome: PostOutcome, tries: int) -> float:
    return outcome.retry_after_s or pace.backoff_s(
        tries, rng=context.rng
    )  # a Retry-After of 0 is no wish


def check_job(context: Context, batch_id: str, job_id: str) -> None:
    """
    Can this job be what became of the batch? A wrong word can't be taken back later.

    Raises:
        ConfigError: another account's batch, or a job of another size.
        ApiError: the API knows no such job.
    """
    for row in context.ledger.batches.rows(states=["unknown", "submitting"]):
        if row.id == batch_id:
            context.refuse_foreign(row.campaign)
            people = context.api.fetch_job(job_id).total_recipients
            if people not in (None, row.recipients):
                raise ConfigError(
                    f"job {job_id} has {people:,} recipients, batch {batch_id} {row.recipients:,}",
                    do="look the job's id up once more; nothing was changed",
                )


def follow_evidence(context: Context, name: str) -> None:
    """
    Settle unknown batches that an event proves to be sent: it carries the batch's tag, and names
    the job.

    The API tells events by job, so such an event comes from elsewhere: an export, a stream, a file
    that was imported. That there is none proves nothing.
    """
    for row in context.ledger.batches.rows(name, ["unknown"]):
        if job_id := context.store.job_with_tag(name, f"{BATCH_TAG}{row.id}"):
            context.ledger.unknown.reconcile(
                row.id, job_id=job_id, reason="an event carries the batch's tag"
            )


def post_again(context: Context, name: str) -> None:
    """
    POST unknown batches again, same key and same bytes, where the server is declared to know the
    key.

    Whatever comes but an acceptance, the outcome stays unknown: about the first POST it says
    nothing.
    """
    half_s = context.settings.idempotency_window_s / 2
    if half_s < context.settings.call_deadline_s:
        return  # a slow POST could arrive after the window
    give_up_at = context.now() + context.settings.patience_s
    for row in context.ledger.batches.rows(name, ["unknown"]):
        for tries in range(1_000):
            claim = context.ledger.posts.claim_again(row.id, within_s=half_s)
            outcome = _submit_claimed(context, claim) if claim else None
            if (
                outcome is None
                or outcome.kind in ("accepted", "refused", "exhausted")
                or outcome.denied
            ):
                break
            wait_s = _wait_s(context, outcome, tries)
            if context.now() + wait_s > give_up_at:
                break
            context.sleep(wait_s)


def _submit_claimed(context: Context, claim: Claim) -> PostOutcome:
    outcome = context.api.submit(
        claim.payload, idempotency_key=claim.idempotency_key, leave_by=claim.lease_until
    )
    try:
        context.ledger.posts.record_outcome(claim, outcome)
    except StoreError as refused:
        if outcome.job_id is None:
            raise
        reason = refused.what
    else:
        return outcome
    raise StoreError(
        f"{reason}; the API had taken batch {claim.batch_id} as job {outcome.job_id}",
        do=f"mend the ledger's place, then `cxtools reconcile {claim.batch_id} --job-id {outcome.job_id}`",
    )


def _limit(context: Context, spec: Spec) -> int | None:
    return context.settings.daily_cap(spec.limits.daily)
