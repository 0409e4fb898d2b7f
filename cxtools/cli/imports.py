"""The command that takes events from files: import."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cxtools import wording
from cxtools.cli.exits import NOT_UNDERSTOOD
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
    list[str] | None,
    typer.Option(
        "--map", help="column=field; names of objects inside of objects with dots; repeatable."
    ),
]
EventMap = Annotated[
    list[str] | None, typer.Option("--event-map", help="value=kind, for any feed; repeatable.")
]
Files = Annotated[list[Path], typer.Argument(help="Files of events; kept all or not at all.")]
Campaign = Annotated[str, typer.Option(help="The campaign that the events belong to.")]
CampaignFrom = Annotated[str, typer.Option(help="The column that names each row's campaign.")]
DateFormat = Annotated[
    str, typer.Option(help="day-first, month-first, or a form such as '%d.%m.%Y %H:%M'.")
]
Timezone = Annotated[
    str, typer.Option(help="The zone of moments that name none, as Europe/Berlin; else UTC.")
]
Keep = Annotated[
    list[str] | None, typer.Option("--keep", help="A column to keep as a segment; repeatable.")
]


NoSuppress = Annotated[
    bool,
    typer.Option(
        "--no-suppress",
        help="Leave out what else an import does: suppress hard bounces, complaints, unsubscribes.",
    ),
]


@commands.command("import")
def import_events(  # noqa: PLR0913  # an argument an option
    context: typer.Context,
    *,
    file: Files,
    campaign: Campaign = "",
    campaign_from: CampaignFrom = "",
    format: Format = "auto",
    map: Map = None,
    event_map: EventMap = None,
    date_format: DateFormat = "",
    timezone: Timezone = "",
    keep: Keep = None,
    no_suppress: NoSuppress = False,
    as_json: Json = False,
) -> None:
    """
    Take real events from files: JSON, JSONL, CSV, Excel or Parquet, of any feed in --format. Who
    bounced hard, complained or unsubscribed there is suppressed here. Ends with exit code 10 where
    most rows were not understood.
    """
    from cxtools.events.importing import import_files
    from cxtools.events.instructions import Instructions

    told = Instructions(
        format=format,
        column_map=parse_pairs("--map", map, empty_key=True),
        event_map=parse_pairs("--event-map", event_map, empty_key=True),
        date_format=date_format,
        timezone=timezone,
        keep=keep or (),
        campaign_from=campaign_from,
    )
    client = session(context).connect()
    result = import_files(
        file,
        client.store,
        told,
        campaign=campaign,
        now=datetime.now(UTC),
        progress=session(context).shows_progress,
    )
    document = result.document()
    text = str(result)
    if client.settings.suppress_imported and not no_suppress:
        suppressed = client.suppress_imported(result.campaigns)
        document["suppressed"] = suppressed
        people = wording.count(suppressed)
        text += f"\npeople suppressed: {people} (hard bounces, complaints, unsubscribes)"
    session(context).print_result(document, text, as_json=as_json)
    if not result.is_understood:
        raise typer.Exit(NOT_UNDERSTOOD)
