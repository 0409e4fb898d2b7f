"""The commands that make pages: report, page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cxtools.cli.exits import BAD_VERDICT, DONE, exit_code
from cxtools.cli.options import parse_pairs
from cxtools.cli.session import session
from cxtools.errors import ConfigError, ReportError

if TYPE_CHECKING:
    from cxtools.connection import Connection

commands = typer.Typer()

Notebook = Annotated[
    str,
    typer.Argument(
        help="A notebook: run_campaign, bounce_report, engagement_report, trend_report, ab_report."
    ),
]
Campaign = Annotated[
    str | None, typer.Argument(help="The campaign that it is about; as -p campaign=NAME.")
]
Parameters = Annotated[
    list[str] | None,
    typer.Option("-p", help="key=value for the parameters cell; may be repeated."),
]
Out = Annotated[
    Path | None, typer.Option(help="The folder for the page; CXTOOLS_HOME/reports when left out.")
]
FailOn = Annotated[
    Literal["WARN", "FAIL"] | None,
    typer.Option(
        help="End with exit code 9, after the page is written, where its verdict is that bad."
    ),
]
Executed = Annotated[Path, typer.Argument(help="A notebook with its outputs.")]
PageOut = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="The folder for the page, whose index lists it; beside the notebook when left out.",
    ),
]
Pdf = Annotated[
    bool,
    typer.Option("--pdf", help="Print the page into a PDF beside it; needs Chromium or Chrome."),
]


@commands.command()
def report(  # noqa: PLR0917  # an argument an option
    context: typer.Context,
    name: Notebook,
    campaign: Campaign = None,
    parameter: Parameters = None,
    out: Out = None,
    pdf: Pdf = False,
    fail_on: FailOn = None,
) -> None:
    """
    Run one notebook with parameters, and write one HTML page; prints its path, with --pdf that of
    the PDF, too. Safe to schedule: run_campaign sends only with -p send=true.

    Where jobs of its campaign failed the exit code is 5, where outcomes are unknown 8, and where
    webhooks don't get through 3; the page is written all the same.
    """
    from cxtools.pages.paper import find_browser, print_page
    from cxtools.pages.run import render_report

    browser = find_browser() if pdf else ""
    client = session(context).connect()
    parameters = _parameters(campaign, parse_pairs("-p", parameter))
    page = render_report(
        name,
        parameters,
        out=out,
        home=client.settings.home,
        profile=session(context).profile,
    )
    session(context).print_text(str(page))
    if pdf:
        session(context).print_text(str(print_page(page, browser)))
    _end_by_verdict(page, fail_on or parameters.get("fail_on", "").upper())
    _end_by_status(client, parameters.get("campaign", ""))


def _end_by_status(client: Connection, campaign: str) -> None:
    """End with the exit code that says where a campaign stands that was sent from here."""
    if not client.has_ledger or campaign not in client.ledger.plans.names():
        return
    code = exit_code(client.status(campaign))
    if code != DONE:
        raise typer.Exit(code)


def _end_by_verdict(page: Path, fail_on: str) -> None:
    """
    End with exit code 9 where the page's verdict is *fail_on* or worse.

    Raises:
        ReportError: the page has no verdict.
    """
    from cxtools.pages.facts import read_facts
    from cxtools.verdicts.checks import is_as_bad_as

    if not fail_on:
        return
    facts = read_facts(page.read_text(encoding="utf-8"))
    if facts is None or not facts.word:
        raise ReportError(
            "the report has no verdict to fail on",
            where=str(page),
            do="leave --fail-on out, or show `cx.verdict(campaign)` in the notebook",
        )
    if is_as_bad_as(facts.word, fail_on):
        raise typer.Exit(BAD_VERDICT)


@commands.command()
def page(
    context: typer.Context,
    executed: Executed,
    out: PageOut = None,
    pdf: Pdf = False,
) -> None:
    """
    The page of a notebook that was run elsewhere: by papermill, a scheduler, JupyterLab. Prints its
    path. The same as `jupyter nbconvert --to cxtools`, and as `cxtools report` writes.
    """
    from cxtools.pages.exporter import write_page
    from cxtools.pages.paper import find_browser, print_page

    browser = find_browser() if pdf else ""
    file = write_page(executed, out=out, home=session(context).connect().settings.home)
    session(context).print_text(str(file))
    if pdf:
        session(context).print_text(str(print_page(file, browser)))


def _parameters(campaign: str | None, pairs: Mapping[str, str]) -> Mapping[str, str]:
    """The parameters with the campaign that was named beside them."""
    if campaign is None:
        return pairs
    named = pairs.get("campaign", campaign)
    if named != campaign:
        raise ConfigError(f"two campaigns are named: {campaign} and {named}", do="name one of them")
    return {**pairs, "campaign": campaign}
