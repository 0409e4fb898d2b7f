"""The measures as commands: funnel, bounces, links, timing, reasons, unknown, jobs."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from cxtools.cli.options import By, Campaigns, Csv, Json
from cxtools.cli.session import print_json, session

commands = typer.Typer()

MEASURES = {
    "funnel": "How far the recipients got: attempted, delivered, opened, clicked.",
    "bounces": "Who was refused: category and kind.",
    "links": "Which links were followed, by how many.",
    "timing": "How long until the open, until the click.",
    "reasons": "The most common bounce reasons, whatever the mailbox.",
    "unknown": "Bounces that no rule understands, with their raw texts (addresses included).",
    "jobs": "Each job: recipients and latency.",
}


def question(name: str) -> Callable[..., None]:
    """The command that asks one measure."""

    def ask(
        context: typer.Context,
        campaign: Campaigns = None,
        by: By = None,
        as_json: Json = False,
        as_csv: Csv = False,
    ) -> None:
        from cxtools import measures

        measure = getattr(measures, name)
        table = measure(session(context).connect().engine, campaign or None, by=by)
        if as_csv:
            sys.stdout.write(table.map(defuse_cell).to_csv(index=False))
        elif as_json:
            print_json(table.records())
        elif not len(table):
            session(context).print_text("no rows")
        elif name == "unknown":
            session(context).print_text(table.to_string(index=False))
        else:
            session(context).print_text(table.text())

    return ask


def defuse_cell(cell: object) -> object:
    """A text that a spreadsheet would run as a formula is made harmless."""
    from cxtools.text import safe_cell

    return safe_cell(cell) if isinstance(cell, str) else cell


for name, help_text in MEASURES.items():
    commands.command(name, help=help_text)(question(name))
