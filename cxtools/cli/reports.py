"""The commands that make pages: report, page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cxtools.cli.exits import DONE, exit_code
from cxtools.cli.options import parse_pairs
from cxtools.cli.session import session
from cxtools.errors import ConfigError

if TYPE_CHECKING:
    from cxtools.connection import Connection

commands = typer.Typer()

Notebook = Annotated[
    str, typer.Argument(help="A notebook: run_campaign, bounce_report, engagement_report.")
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
    code = _code_of(client, parameters.get("campaign", ""))
    if code:
        raise typer.Exit(code)


def _code_of(client: Connection, campaign: str) -> int:
    """The exit code that says where a campaign stands; 0 for one that wasn't sent from here."""
    if not client.has_ledger or campaign not in client.ledger.plans.names():
        return DONE
    return exit_code(client.status(campaign))


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
