"""
The command line: each command parses, calls and prints. Results go to stdout, everything for people
to stderr.

Exit codes: 0 done, 1 a bug, 2 usage or configuration, 3 the API refused or can't be reached, 4 the
API broke its contract, 5 a job failed or ran out of time, 6 store or ledger, 7 report, 8 done, but
outcomes are unknown and listed.

--profile NAME and --debug (show tracebacks) may stand anywhere in a command.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import traceback
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cxtools.errors import ConfigError, CxError, StoreError, Unreachable

if TYPE_CHECKING:
    from cxtools.connection import Connection

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=__doc__,
)
outbox = typer.Typer(
    no_args_is_help=True, help="Webhooks to the CRM: list, deliver, replay, forget."
)
audit = typer.Typer(no_args_is_help=True, help="The audit trail: verify, export.")
app.add_typer(outbox, name="outbox")
app.add_typer(audit, name="audit")

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Csv = Annotated[bool, typer.Option("--csv", help="CSV on stdout.")]
Name = Annotated[
    str | None, typer.Argument(help="The campaign's name; all campaigns when left out.")
]
Campaigns = Annotated[
    list[str] | None,
    typer.Option("--campaign", help="A campaign's name; may be repeated. All when left out."),
]
By = Annotated[
    str | None, typer.Option("--by", help="Split by a column, for example provider or day.")
]

#: `--profile` and `--debug`, which may stand at any place of the line.
ANYWHERE = ArgumentParser("cxtools", add_help=False, allow_abbrev=False)
ANYWHERE.add_argument("--profile")
ANYWHERE.add_argument("--debug", action="store_true")


class State:
    """What was said with them."""

    profile: str | None = None
    debug = False


def main(argv: Sequence[str] | None = None) -> None:
    """
    Run a command, and end the process with its exit code; errors are told as sentences, tracebacks
    only with --debug.
    """
    anywhere, arguments = ANYWHERE.parse_known_args(argv)
    State.profile, State.debug = anywhere.profile, anywhere.debug
    try:
        app(arguments)
    except CxError as error:
        _fail(error, error)
    except SystemExit as ended:  # how typer passes Ctrl-C on
        if ended.code == 130:
            _say("stopped; run the same command again to continue")
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        do = "check the path, its rights and the free space, then run it again"
        _fail(
            error,
            StoreError(
                f"the system refused: {error.strerror or error}",
                where=str(error.filename or ""),
                do=do,
            ),
        )
    except Exception as error:
        do = (
            "run it again with --debug and report what it prints (look it over for addresses first)"
        )
        _fail(error, CxError(f"this is a bug in cxtools: {type(error).__name__}", do=do))


def _fail(error: Exception, told: CxError) -> None:
    if State.debug:
        traceback.print_exception(error)
    _say(f"error: {told}")
    sys.exit(told.exit_code)


@app.callback(invoke_without_command=True)
def _program(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from cxtools import __version__

        print(__version__)
        raise typer.Exit


# ---- campaigns
# ---------------------------------------------------------------------------------------------------


@app.command()
def send(
    spec: Annotated[Path, typer.Argument(help="The campaign's SPEC.toml.")],
    recipients: Annotated[
        Path,
        typer.Option(
            help="CSV with a column email, optional tags (separated by ;), every other a merge field."
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan, send nothing.")
    ] = False,
    skip_invalid: Annotated[
        bool,
        typer.Option(
            "--skip-invalid", help="Leave bad rows out (recorded), don't refuse the file."
        ),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Don't ask for confirmation in a terminal.")
    ] = False,
    as_json: Json = False,
) -> None:
    """
    Plan, check, submit, follow, collect once, tell the CRM, audit. Run again to continue: nobody is
    mailed twice.
    """
    from cxtools.sending.recipients import Campaign

    client = _connect()
    campaign = Campaign.from_toml(spec, recipients, any_template_id=client.settings.any_template_id)
    if dry_run:
        plan = client.dry_run(campaign, skip_invalid=skip_invalid)
        return _print(plan.to_dict(), as_json, str(plan))
    client.needs_all()
    if sys.stdin.isatty() and not yes:
        _say(str(client.dry_run(campaign, skip_invalid=skip_invalid)))
        if not typer.confirm("Send it?", err=True):
            raise ConfigError("not confirmed, nothing was sent", do="--yes answers for a script")
    _finish([client.send(campaign, skip_invalid=skip_invalid)], as_json, single=True)


@app.command()
def resume(campaign: Name = None, as_json: Json = False) -> None:
    """Continue whatever is unfinished."""
    client = _connect()
    if campaign:
        return _finish([client.resume(campaign)], as_json, single=True)
    done, worst = [], 0
    for name in client.unfinished():
        try:
            done.append(client.resume(name))
        except CxError as error:
            _say(f"{name}: {error}")
            worst = max(worst, error.exit_code)
    _finish(done, as_json, single=False, worst=worst)


@app.command()
def status(campaign: Name = None, as_json: Json = False) -> None:
    """Where everything stands; asks nobody, changes nothing."""
    client = _connect()
    names = [campaign] if campaign else client.ledger.campaigns()
    _finish([client.status(name) for name in names], as_json, single=bool(campaign))


@app.command()
def collect(campaign: Name = None, as_json: Json = False) -> None:
    """Fetch the events of finished jobs again: late opens, clicks and bounces."""
    found = _connect().collect(campaign)
    text = f"{found.jobs:,} jobs: {found.added:,} new events, {found.duplicates:,} known, {found.malformed:,} unreadable (set aside)"
    _print(asdict(found), as_json, text)


@app.command()
def rejudge(as_json: Json = False) -> None:
    """
    After a change of rules: judge every stored bounce again, and let the local suppressions follow.
    """
    added, lifted = _connect().rejudge()
    _print(
        {"added": added, "lifted": lifted},
        as_json,
        f"{added:,} people suppressed, {lifted:,} suppressions lifted",
    )


@app.command()
def retry(
    campaign: str,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List who and why not, send nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Send the next wave to soft bounces only; one call, one wave."""
    plan, stands = _connect().retry(campaign, dry_run=dry_run)
    _print(
        plan.to_dict() | {"dry_run": dry_run},
        as_json,
        str(plan) if dry_run or not plan.people else f"{plan}\n{stands}",
    )
    sys.exit(0 if dry_run else stands.exit_code)


@app.command()
def reconcile(
    batch: str,
    job_id: Annotated[str, typer.Option("--job-id", help="The job that the batch became.")] = "",
    confirmed_not_sent: Annotated[
        bool,
        typer.Option(
            "--confirmed-not-sent",
            help="You know it wasn't sent; it will be sent. Not within 24 h of its POST.",
        ),
    ] = False,
    reason: Annotated[str, typer.Option(help="How you know.")] = "",
    abandon: Annotated[
        bool,
        typer.Option("--abandon", help="Give the batch up: nobody knows, nobody is mailed again."),
    ] = False,
) -> None:
    """Settle an unknown outcome by your word."""
    if bool(job_id) + confirmed_not_sent + abandon != 1 or (confirmed_not_sent and not reason):
        raise ConfigError(
            "say one of: --job-id J, --confirmed-not-sent --reason R, --abandon", where="reconcile"
        )
    state = _connect().reconcile(batch, job_id=job_id, abandon=abandon, reason=reason)
    _say(f"batch {batch} is {state} now; `cxtools resume` continues")


# ---- events and measures
# -----------------------------------------------------------------------------------------


@app.command("import")
def import_(
    file: Path,
    campaign: Annotated[str, typer.Option(help="The campaign that the events belong to.")],
    format: Annotated[
        Literal["auto", "cxone", "ses", "sendgrid", "table"], typer.Option(help="What the file is.")
    ] = "auto",
    map: Annotated[
        list[str] | None, typer.Option("--map", help="column=field, for a table; may be repeated.")
    ] = None,
    event_map: Annotated[
        list[str] | None,
        typer.Option("--event-map", help="value=kind, for a table; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """
    Take real events from a file: JSON, JSONL, CSV or Parquet; CXone, Amazon SES, SendGrid or any
    table.
    """
    from cxtools.events.importing import import_file

    done = import_file(
        file,
        campaign,
        _connect().store,
        format=format,
        column_map=_pairs("--map", map),
        event_map=_pairs("--event-map", event_map, empty_key=True),
        now=datetime.now(UTC),
    )
    aside = (
        f", {done.rejected:,} unreadable (reasons in {done.rejected_path})" if done.rejected else ""
    )
    document = {
        "campaign": campaign,
        **asdict(done),
        "rejected_path": done.rejected_path and str(done.rejected_path),
    }
    known = f"{done.duplicates:,} left out (known, or twice in the file)"
    _print(
        document,
        as_json,
        f"{campaign}: {done.rows:,} rows, {done.added:,} new events, {known}{aside}",
    )


MEASURES = {
    "funnel": "How far the recipients got: attempted, delivered, opened, clicked.",
    "bounces": "Who was refused: category and kind.",
    "links": "Which links were followed, by how many.",
    "timing": "How long until the open, until the click.",
    "reasons": "The most common bounce reasons, whatever the mailbox.",
    "unknown": "Bounces that no rule understands, with their raw texts (addresses included).",
    "jobs": "Each job: recipients and latency.",
}


def _measure(name: str) -> None:
    @app.command(name, help=MEASURES[name])
    def command(
        campaign: Campaigns = None, by: By = None, as_json: Json = False, as_csv: Csv = False
    ) -> None:
        from cxtools import measures
        from cxtools.ledger.audit import defused

        table = getattr(measures, name)(_connect().store, campaign or None, by=by)
        if as_csv:
            sys.stdout.write(
                table.map(lambda cell: defused(cell) if isinstance(cell, str) else cell).to_csv(
                    index=False
                )
            )
        elif as_json:
            _print(table.records(), as_json)
        else:
            print(
                "no rows"
                if not len(table)
                else table.to_string(index=False)
                if name == "unknown"
                else table.text()
            )


for measure in MEASURES:
    _measure(measure)


@app.command()
def classify(
    explain: Annotated[
        bool, typer.Option("--explain", help="Say which rules matched, which won and why.")
    ] = False,
    rules: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Own rules, instead of CXTOOLS_HOME's."),
    ] = None,
) -> None:
    """Judge bounces: JSON lines {"code", "text"} on stdin, one verdict each on stdout, in order."""
    from cxtools.bounce import classify_lines
    from cxtools.connection import judge_by

    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(
            encoding="utf-8", errors="replace"
        )  # what is no UTF-8 spoils its own line at most
    counts = Counter[str]()
    for line in classify_lines(
        sys.stdin,
        judge=judge_by(rules) if rules else _connect().store.judge,
        explain=explain,
        counts=counts,
    ):
        sys.stdout.write(line + "\n")
    if counts["bad"]:
        _say(
            f"{counts['bad']:,} of {counts.total():,} lines could not be read; each was answered with an error object"
        )


@app.command()
def report(
    name: Annotated[
        str, typer.Argument(help="A notebook: run_campaign, bounce_report, engagement_report.")
    ],
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", help="key=value for the parameters cell; may be repeated."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The folder for the page.")] = None,
) -> None:
    """Run one notebook with parameters, and write one HTML page; prints its path."""
    from cxtools.pages.run import render_report

    home = _connect().settings.home
    print(
        render_report(
            name,
            _pairs("-p", parameter),
            out=out or home / "reports",
            home=home,
            profile=State.profile,
        )
    )


# ---- webhooks and audit
# ------------------------------------------------------------------------------------------


@outbox.command("list")
def outbox_list(as_json: Json = False) -> None:
    """All webhooks, with their state and last error."""
    rows = [
        {
            "id": row.id,
            "campaign": row.campaign,
            "event": row.event,
            "state": row.state,
            "tries": row.tries,
            "next_at": datetime.fromtimestamp(row.next_at, UTC).isoformat()
            if row.next_at
            else None,
            "last_error": row.last_error,
        }
        for row in _connect().ledger.outbox.webhooks()
    ]
    lines = [
        "{id}  {state:<10} {tries} tries  {event}  {campaign}  {last_error}".format(**row)
        for row in rows
    ]
    _print(rows, as_json, "\n".join(lines) or "the outbox is empty")


@outbox.command("deliver")
def outbox_deliver() -> None:
    """
    Try every webhook that is due, once. Exit code 3 while dead or parked ones are in the outbox.
    """
    from cxtools.webhooks import deliver

    client = _connect()
    client.settings.needs("crm")
    tried = deliver.deliver_due(client.context)
    _say(
        f"{tried.delivered:,} delivered, {tried.waiting:,} to be tried again, {tried.dead:,} dead, {tried.parked:,} refused for good"
    )
    if stuck := sum(row.state in ("dead", "parked") for row in client.ledger.outbox.webhooks()):
        raise Unreachable(
            f"{stuck:,} webhooks don't get through to the CRM any more",
            do="`cxtools outbox list` says why; when it is mended, `cxtools outbox replay --since DATE`",
        )


@outbox.command("replay")
def outbox_replay(
    hook_id: Annotated[str | None, typer.Option("--id", help="One webhook.")] = None,
    since: Annotated[datetime | None, typer.Option(help="All created since (UTC).")] = None,
) -> None:
    """Make delivered, dead or parked webhooks pending again, with their old id and body."""
    if bool(hook_id) == bool(since):
        raise ConfigError("say one of: --id ID, --since DATE", where="outbox replay")
    count = _connect().ledger.outbox.replay(
        hook_id=hook_id, since=since.replace(tzinfo=UTC).timestamp() if since else None
    )
    if hook_id and not count:
        raise ConfigError(
            f"no webhook {hook_id} was delivered, is dead or parked",
            do="`cxtools outbox list` shows all",
        )
    _say(f"{count:,} webhooks wait again; `cxtools outbox deliver` tries them")


@outbox.command("forget")
def outbox_forget(hook_id: str) -> None:
    """Give one webhook up for good; its row stays."""
    if not _connect().ledger.outbox.forget(hook_id):
        raise ConfigError(
            f"no webhook {hook_id} waits, is dead or parked", do="`cxtools outbox list` shows all"
        )
    _say(f"webhook {hook_id} is given up; its row stays")


@audit.command("verify")
def audit_verify(
    anchor: Annotated[
        list[str] | None,
        typer.Option(help="ROW:HASH as a report's footer or a webhook gives it; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the trail's chain and its anchors; names the first bad row, and what is missing."""
    if wrong := [text for text in anchor or () if not re.fullmatch(r"[0-9]+:[0-9a-f]{8,64}", text)]:
        raise ConfigError(
            f"an anchor is ROW:HASH, as 42:9f86d081884c7d65, not {wrong[0]!r}",
            where="audit verify --anchor",
        )
    found = _connect().ledger.trail.verify(
        (int(row), hash_) for row, _, hash_ in (text.partition(":") for text in anchor or ())
    )
    told = "".join(f"\n  {fault}" for fault in found.faults) or "no fault found"
    _print(asdict(found), as_json, f"{found.rows:,} rows, head {found.head[:16]}: {told}")
    if found.faults:
        first = f", the first at row {found.first_bad}" if found.first_bad else ""
        raise StoreError(
            f"the audit trail has {len(found.faults)} faults{first}",
            do="keep the ledger as it is and compare it with a backup",
        )


@audit.command("export")
def audit_export(
    about: Annotated[
        str, typer.Option(help="An address: only the rows that name this person.")
    ] = "",
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """The trail for a compliance officer, as one JSON list or as CSV."""
    from cxtools.ledger.audit import export_csv, export_json
    from cxtools.model import recipient_key

    rows = _connect().ledger.trail.entries(recipient_key(about) if about else "")
    for line in export_csv(rows) if as_csv else export_json(rows):
        sys.stdout.write(line)


@audit.command("forget-addresses")
def audit_forget_addresses() -> None:
    """
    Erase the key by which the trail names people: nobody can be found in it any more, and it still
    verifies.
    """
    _connect().ledger.trail.forget_addresses()
    _say("the key is erased; rows from now on name people by a new one")


# ---- tools
# -------------------------------------------------------------------------------------------------------


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check settings, sign-in, scopes, ledger, store and report kernel; says what to mend."""
    from cxtools.doctor import examined

    findings = examined(_connect())
    document = [{"check": each.check, "ok": each.ok, "says": each.says} for each in findings]
    _print(
        document,
        as_json,
        "\n".join(
            f"{'ok  ' if each.ok else 'FAIL'}  {each.check}: {each.says}" for each in findings
        ),
    )
    sys.exit(next((each.exit_code for each in findings if not each.ok), 0))


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="The folder for the reports.")] = Path("reports/demo"),
) -> None:
    """The whole job on the simulator: send, follow, collect, report."""
    from cxtools.demo import run_demo

    print(run_demo(out))


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def simulate(context: typer.Context) -> None:
    """The simulator alone; `cxtools simulate --help` lists its options."""
    sys.exit(subprocess.call([sys.executable, "-m", "cxtools.simulator", *context.args]))


@app.command()
def lab(
    folder: Annotated[Path, typer.Argument(help="The folder to open.")] = Path("notebooks"),
) -> None:
    """JupyterLab on the notebooks."""
    from importlib.util import find_spec

    if find_spec("jupyterlab") is None:
        raise ConfigError(
            "JupyterLab isn't installed here",
            do="in a checkout run `make lab`; else install cxtools[lab] into an environment of its own",
        )
    sys.exit(subprocess.call([sys.executable, "-m", "jupyterlab", str(folder)]))


# ---- printing
# ----------------------------------------------------------------------------------------------------


def _connect() -> Connection:
    from cxtools.connection import connect

    return connect(State.profile)


def _finish(statuses: Sequence[Any], as_json: bool, *, single: bool, worst: int = 0) -> None:
    """Print one status or many, and end with the worst exit code."""
    documents = [each.to_dict() for each in statuses]
    _print(
        documents[0] if single else documents,
        as_json,
        "\n".join(map(str, statuses)) or "no campaigns",
    )
    sys.exit(max([worst, *(each.exit_code for each in statuses)]))


def _print(document: Any, as_json: bool, text: str = "") -> None:
    print(
        json.dumps(document, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None)
        if as_json
        else text
    )


def _pairs(
    option: str, given: Iterable[str] | None, *, empty_key: bool = False
) -> Mapping[str, str]:
    pairs = [text.partition("=") for text in given or ()]
    if wrong := [key for key, equals, _ in pairs if not ((key or empty_key) and equals)]:
        raise ConfigError(
            f"{option} needs key=value, not {', '.join(wrong)!r}", where="command line"
        )
    return {key.strip(): value.strip() for key, _, value in pairs}


def _say(text: str) -> None:
    print(text, file=sys.stderr)
