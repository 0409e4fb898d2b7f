"""
Send a campaign: write its plan down once, submit it, follow it, collect it, tell the CRM.

Run it again and it continues: what the ledger says was posted is never posted again.
"""

from __future__ import annotations

from cxtools import wording
from cxtools.context import Context
from cxtools.errors import ConfigError, JobTimeout
from cxtools.sending.campaign import Campaign
from cxtools.sending.collect import collect
from cxtools.sending.follow import follow
from cxtools.sending.spec import parse_spec
from cxtools.sending.submit import submit
from cxtools.sending.unknown import post_again, settle_by_evidence
from cxtools.webhooks.deliver import deliver_in_background
from cxtools.wording import duration, quantity


def write_plan(context: Context, campaign: Campaign, *, skip_invalid: bool = False) -> None:
    """
    Write the campaign's plan into the ledger, or find it there.

    Raises:
        ConfigError: rows are invalid and not to be skipped, other content was planned under the
            same name, or another account sends it; nothing was written.
        StoreError: the ledger is older than its anchors; nothing was written.
    """
    ledger = context.ledger
    ledger.audit_log.check_anchors()
    name = campaign.name
    spec = campaign.spec.model_dump(mode="json")
    digest = campaign.digest
    planned_digest = ledger.plans.digest(name)
    changed = planned_digest != digest or not context.sends(name)
    # Another list or another account: possible as long as nothing was sent.
    if planned_digest is None or (changed and ledger.plans.drop(name)):
        ledger.plans.write(
            name,
            digest=digest,
            spec=spec,
            planned=campaign.plan(skip_invalid=skip_invalid),
            batch_size=context.settings.batch_cap(campaign.spec.limits.daily),
            account=context.settings.account,
        )
    elif planned_digest != digest:
        raise ConfigError(
            f"campaign {name!r} exists with other content: its spec or recipients were changed "
            "after sending began",
            do="give the changed campaign a new name; `cxtools resume` continues the old one",
        )
    else:
        context.refuse_foreign(name)
        change_terms(context, campaign)


def change_terms(context: Context, campaign: Campaign) -> None:
    """Let the limits and retry terms of a campaign's spec count from now on."""
    plans = context.ledger.plans
    known = parse_spec(plans.spec(campaign.name), any_template_id=True)
    if known != campaign.spec:
        plans.change_terms(campaign.name, campaign.spec.model_dump(mode="json"))


def resume(context: Context, name: str) -> None:
    """
    Continue a planned campaign to its end.

    Raises:
        ConfigError: another account sends it.
        JobTimeout: jobs did not end in time; the same call goes on waiting for them.
        ApiError, ContractError, StoreError: what was done is in the ledger.
    """
    context.refuse_foreign(name)
    context.ledger.audit_log.check_anchors()
    context.ledger.unknown.recover()
    try:
        with deliver_in_background(context):
            settle_by_evidence(context, name)
            post_again(context, name)  # before new batches: their time is running out
            submit(context, name)
            post_again(context, name)
            late = follow(context, name)
            collect(context, name)
    finally:
        context.ledger.audit_log.append_anchor()
    if late:
        raise _jobs_are_late(context, name, len(late))


def _jobs_are_late(context: Context, name: str, jobs: int) -> JobTimeout:
    deadline = duration(context.settings.job_deadline_s)
    text = f"{quantity(jobs, 'job')} of {name!r} did not end in {deadline}"
    unknown = context.ledger.batches.counts(name)["unknown"]
    if unknown:
        text += (
            f"; besides, the outcome of {wording.count(unknown)} recipients is unknown, "
            f"`cxtools status {name}` lists them"
        )
    return JobTimeout(
        text,
        do=f"`cxtools resume {name}` goes on waiting; nothing is sent again",
    )
