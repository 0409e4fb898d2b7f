"""The command on the stored events: compact."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from cxtools import wording
from cxtools.cli.options import Json, Name
from cxtools.cli.session import session

if TYPE_CHECKING:
    from cxtools.events.compaction import Compacted

commands = typer.Typer()


@commands.command()
def compact(context: typer.Context, campaign: Name = None, as_json: Json = False) -> None:
    """
    Merge the small files of stored events, and those of earlier versions, into larger ones; others
    may read and add meanwhile.
    """
    store = session(context).connect().store
    names = [campaign] if campaign else store.campaigns()
    documents = []
    lines = []
    for name in names:
        compacted = store.compact(name)
        documents.append({"campaign": name, **asdict(compacted)})
        lines.append(describe(name, compacted))
    session(context).print_result(documents, "\n".join(lines), as_json=as_json)


def describe(campaign: str, compacted: Compacted) -> str:
    """What became of a campaign's files, in a sentence."""
    if not compacted.merged:
        return f"{campaign}: nothing to merge, files: {wording.count(compacted.before)}"
    return (
        f"{campaign}: {wording.count(compacted.merged)} files were merged; "
        f"files before: {wording.count(compacted.before)}, now: {wording.count(compacted.after)}"
    )
