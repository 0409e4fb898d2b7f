"""The command that takes events from files: import."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cxtools.cli.options import Json, parse_pairs
from cxtools.cli.session import session
from cxtools.events.feeds import FORMATS

commands = typer.Typer()

Format = Annotated[
    str,
    typer.Option(
        help=f"What the file is: {', '.join(FORMATS)}.",
        autocompletion=lambda: list(FORMATS),
    ),
]
Map = Annotated[
    list[str] | None, typer.Option("--map", help="column=field, for a table; may be repeated.")
]
EventMap = Annotated[
    list[str] | None, typer.Option("--event-map", help="value=kind, for a table; may be repeated.")
]


@commands.command("import")
def import_events(
    context: typer.Context,
    *,
    file: Path,
    campaign: Annotated[str, typer.Option(help="The campaign that the events belong to.")],
    format: Format = "auto",
    map: Map = None,
    event_map: EventMap = None,
    as_json: Json = False,
) -> None:
    """Take real events from a file: JSON, JSONL, CSV or Parquet, of any feed in --format."""
    from cxtools.events.importing import import_file

    result = import_file(
        file,
        campaign,
        session(context).connect().store,
        format=format,
        column_map=parse_pairs("--map", map, empty_key=True),
        event_map=parse_pairs("--event-map", event_map, empty_key=True),
        now=datetime.now(UTC),
        progress=session(context).shows_progress,
    )
    rejects = str(result.rejected_path) if result.rejected_path else None
    document = {"campaign": campaign, **asdict(result), "rejected_path": rejects}
    text = (
        f"{campaign}: {result.rows:,} rows, {result.added:,} new events, "
        f"{result.duplicates:,} left out (known, or twice in the file)"
    )
    if result.rejected:
        text += f", {result.rejected:,} unreadable (reasons in {rejects})"
    session(context).print_result(document, text, as_json=as_json)
