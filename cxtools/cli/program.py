"""
The command line: each command parses, calls and prints. Results go to stdout, everything for people
to stderr.

Exit codes: 0 done, 1 a bug, 2 usage or configuration, 3 the API refused or can't be reached, 4 the
API broke its contract, 5 a job failed or ran out of time, 6 store or ledger, 7 report, 8 done, but
outcomes are unknown and listed, 9 the verdict is as bad as --fail-on says, or worse, 10 imported,
but most rows were not understood, 130 stopped by Ctrl-C.

--profile NAME, --quiet (say nothing but errors), --log-json (what is said on stderr as JSON lines,
without addresses) and --debug (show tracebacks) may stand anywhere in a command.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import typer

from cxtools import __version__
from cxtools.cli import (
    audit,
    campaigns,
    classify,
    experiments,
    hygiene,
    imports,
    ledger,
    people,
    providers,
    questions,
    refresh,
    reports,
    statements,
    store,
    suppressions,
    tools,
    verdict,
    webhooks,
)
from cxtools.cli.session import Session

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=__doc__,
)

# A new group of commands is a file with its own `commands = typer.Typer()`, and a line here. The
# order is that of `cxtools --help`.
app.add_typer(campaigns.commands)
app.add_typer(imports.commands)
app.add_typer(refresh.commands)
app.add_typer(questions.commands)
app.add_typer(statements.commands)
app.add_typer(verdict.commands)
app.add_typer(experiments.commands)
app.add_typer(providers.commands)
app.add_typer(classify.commands)
app.add_typer(reports.commands)
app.add_typer(store.commands)
app.add_typer(tools.commands)
app.add_typer(people.commands)
app.add_typer(hygiene.commands)
app.add_typer(suppressions.commands, name="suppressions")
app.add_typer(webhooks.commands, name="outbox")
app.add_typer(audit.commands, name="audit")
app.add_typer(ledger.commands, name="ledger")


@app.callback(invoke_without_command=True)
def program(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="The profile in profiles.toml.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but errors.")] = False,
    log_json: Annotated[
        bool, typer.Option("--log-json", help="Say it in JSON lines, without addresses.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    if version:
        print(__version__)
        raise typer.Exit
    context.obj = Session(profile=profile, quiet=quiet, log_json=log_json)


@cache
def command_tree() -> Any:
    """All commands, put together once in a process: that takes longer than many a command."""
    return typer.main.get_command(app)
