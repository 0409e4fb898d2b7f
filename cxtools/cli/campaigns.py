"""Commands that send and follow campaigns: send, resume, status, collect, retry, reconcile."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cxtools import wording
from cxtools.cli.exits import exit_code
from cxtools.cli.options import Json, Name
from cxtools.cli.session import Session, session
from cxtools.errors import ConfigError, CxError

if TYPE_CHECKING:
    from cxtools.sending.status import Status

commands = typer.Typer()

Recipients = Annotated[
    Path,
    typer.Option(
        help="CSV or Excel: a column email, optional tags (parted by ;), every other a merge field."
    ),
]
SkipInvalid = Annotated[
    bool,
    typer.Option("--skip-invalid", help="Leave bad rows out (recorded), don't refuse the file."),
]
ConfirmedNotSent = Annotated[
    bool,
    typer.Option(
        "--confirmed-not-sent",
        help="You know it wasn't sent; it will be sent. Not within 24 h of its POST.",
    ),
]
Abandon = Annotated[
    bool,
    typer.Option("--abandon", help="Give the batch up: nobody knows, nobody is mailed again."),
]


@commands.command()
def send(
    context: typer.Context,
    *,
    spec: Annotated[Path, typer.Argument(help="The campaign's SPEC.toml.")],
    recipients: Recipients,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan, send nothing.")
    ] = False,
    skip_invalid: SkipInvalid = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Don't ask for confirmation in a terminal.")
    ] = False,
    as_json: Json = False,
) -> None:
    """
    Plan, check, submit, follow, collect once, tell the CRM, audit. Run again to continue: nobody is
    mailed twice.
    """
    from cxtools.sending.campaign import Campaign
    from cxtools.sending.list_hygiene import BESIDE_THE_PLAN

    client = session(context).connect()
    campaign = Campaign.from_toml(spec, recipients, any_template_id=client.settings.any_template_id)
    if dry_run:
        plan = client.dry_run(campaign, skip_invalid=skip_invalid)
        odd = client.hygiene(campaign.source).sentences(BESIDE_THE_PLAN)
        plan = replace(plan, notes=[*plan.notes, *odd])
        session(context).print_result(plan.to_dict(), str(plan), as_json=as_json)
        return
    client.needs_all()
    for note in campaign.notes:
        session(context).say(f"warning: {note}")
    if sys.stdin.isatty() and not yes:
        print(client.dry_run(campaign, skip_invalid=skip_invalid), file=sys.stderr)
        if not typer.confirm("Send it?", err=True):
            raise ConfigError("not confirmed, nothing was sent", do="--yes answers for a script")
    finish_one(session(context), client.send(campaign, skip_invalid=skip_invalid), as_json=as_json)


@commands.command()
def resume(context: typer.Context, campaign: Name = None, as_json: Json = False) -> None:
    """Continue whatever is unfinished."""
    client = session(context).connect()
    if campaign:
        finish_one(session(context), client.resume(campaign), as_json=as_json)
    statuses = []
    worst = 0
    for name in client.unfinished():
        try:
            statuses.append(client.resume(name))
        except CxError as error:
            session(context).say_failure(name, error)
            worst = max(worst, error.exit_code)
    finish_many(session(context), statuses, as_json=as_json, worst=worst)


@commands.command()
def status(context: typer.Context, campaign: Name = None, as_json: Json = False) -> None:
    """Where everything stands; asks nobody, changes nothing."""
    client = session(context).connect()
    if campaign:
        finish_one(session(context), client.status(campaign), as_json=as_json)
    names = client.ledger.plans.names() if client.has_ledger else []
    statuses = [client.status(name) for name in names]
    if not statuses:
        say_where_campaigns_are(session(context), client.settings.home)
    finish_many(session(context), statuses, as_json=as_json)


@commands.command()
def campaigns(context: typer.Context, as_json: Json = False) -> None:
    """Every campaign that the ledger or the store knows, the last one first."""
    from cxtools.campaigns import known_campaigns

    found = known_campaigns(session(context).connect())
    documents = [campaign.record() for campaign in found]
    text = "\n".join(str(campaign) for campaign in found)
    session(context).print_result(documents, text or "no campaigns", as_json=as_json)


def say_where_campaigns_are(cli: Session, home: Path) -> None:
    """An empty home is most often another one than was meant."""
    from cxtools.demo import demo_home

    cli.say(f"{home} holds no campaign that was sent")
    demo = demo_home()
    if demo and demo.resolve() != home.resolve():
        cli.say(f"the demo's is in {demo}: say CXTOOLS_HOME={demo} cxtools status")


@commands.command()
def collect(context: typer.Context, campaign: Name = None, as_json: Json = False) -> None:
    """Fetch the events of finished jobs again: late opens, clicks and bounces."""
    events = session(context).connect().collect(campaign)
    text = (
        f"{wording.count(events.jobs)} jobs: {wording.count(events.added)} new events, "
        f"{wording.count(events.duplicates)} known, "
        f"{wording.count(events.malformed)} unreadable (set aside)"
    )
    session(context).print_result(asdict(events), text, as_json=as_json)


@commands.command()
def rejudge(context: typer.Context, as_json: Json = False) -> None:
    """
    After a change of rules: judge every stored bounce again, and let the local suppressions follow.
    """
    added, lifted = session(context).connect().rejudge()
    text = f"{wording.count(added)} people suppressed, {wording.count(lifted)} suppressions lifted"
    session(context).print_result({"added": added, "lifted": lifted}, text, as_json=as_json)


@commands.command()
def retry(
    context: typer.Context,
    campaign: str,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List who, and why not the others; send nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Mail again those whose bounce a later try may cure; one call, one wave."""
    plan, status = session(context).connect().retry(campaign, dry_run=dry_run)
    sent = bool(plan.people) and not dry_run
    text = f"{plan}\n{status}" if sent else str(plan)
    document = plan.to_dict() | {"dry_run": dry_run}
    session(context).print_result(document, text, as_json=as_json)
    sys.exit(0 if dry_run else exit_code(status))


@commands.command()
def reconcile(
    context: typer.Context,
    *,
    batch: str,
    job_id: Annotated[str, typer.Option("--job-id", help="The job that the batch became.")] = "",
    confirmed_not_sent: ConfirmedNotSent = False,
    reason: Annotated[str, typer.Option(help="How you know.")] = "",
    abandon: Abandon = False,
) -> None:
    """Settle an unknown outcome by your word."""
    answers = [bool(job_id), confirmed_not_sent, abandon]
    if answers.count(True) != 1 or (confirmed_not_sent and not reason):
        raise ConfigError(
            "an unknown outcome is settled by exactly one answer",
            where="reconcile",
            do="say one of: --job-id J, --confirmed-not-sent --reason R, --abandon",
        )
    client = session(context).connect()
    state = client.reconcile(batch, job_id=job_id, abandon=abandon, reason=reason)
    session(context).say(f"batch {batch} is {state} now; `cxtools resume` continues")


def finish_one(session: Session, status: Status, *, as_json: bool) -> NoReturn:
    """Print the status of one campaign, and end with its exit code."""
    session.print_result(status.to_dict(), str(status), as_json=as_json)
    sys.exit(exit_code(status))


def finish_many(
    session: Session, statuses: Sequence[Status], *, as_json: bool, worst: int = 0
) -> NoReturn:
    """Print a list of statuses, and end with the worst exit code."""
    documents = [status.to_dict() for status in statuses]
    text = "\n".join(str(status) for status in statuses)
    session.print_result(documents, text or "no campaigns", as_json=as_json)
    codes = [exit_code(status) for status in statuses]
    sys.exit(max([worst, *codes]))
