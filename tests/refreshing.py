"""A home that refresh works on: events by numbers, a short notebook, `reports.toml`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat

#: When campaigns of these tests went out.
BEGAN = datetime(2026, 9, 14, 8, tzinfo=UTC)
NOW = datetime(2026, 9, 20, 12, tzinfo=UTC).timestamp()
DAY_S = 86400.0
#: Messages that are delivered, and bounces that are enough for a WARN or FAIL.
ENOUGH = 2000
FEW, MANY = 70, 400
TRIAL = """
[reports.trial]
notebook = "trial.ipynb"
"""
TEAM = """
[channels.team]
kind = "mail"
server = "127.0.0.1"
port = {port}
security = "none"
sender = "Reports <reports@example.com>"
to = ["team@example.com"]
"""


def write_notebook(home: Path, code: str = "print(campaign)") -> None:
    """A notebook that takes a campaign and takes no time."""
    tagged = nbformat.v4.new_code_cell('campaign = ""', metadata={"tags": ["parameters"]})
    title = nbformat.v4.new_markdown_cell("# Trial")
    cells = [title, tagged, nbformat.v4.new_code_cell(code)]
    home.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), home / "trial.ipynb")


def put_events(
    home: Path, campaign: str, *, name: str = "first", delivered: int = 0, bounced: int = 0
) -> Path:
    """A file for the inbox, old enough to be whole; *name* tells its people from others."""
    folder = home / "inbox" / campaign
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.csv"
    file.write_text("\n".join(_lines(name, delivered, bounced)) + "\n")
    written = BEGAN.timestamp()
    os.utime(file, (written, written))
    return file


def _lines(name: str, delivered: int, bounced: int) -> Iterator[str]:
    yield "email,event,timestamp,bounce_code"
    for number in range(delivered):
        at = BEGAN + timedelta(seconds=number)
        yield f"{name}{number}@example.com,delivered,{at.isoformat()},"
        if number % 3 == 0:
            at += timedelta(seconds=number * 100)
            yield f"{name}{number}@example.com,opened,{at.isoformat()},"
        if number % 15 == 0:
            at += timedelta(seconds=70 + number)
            yield f"{name}{number}@example.com,clicked,{at.isoformat()},"
    for number in range(bounced):
        at = BEGAN + timedelta(seconds=number)
        yield f"{name}-gone{number}@example.com,bounced,{at.isoformat()},550 5.1.1"
