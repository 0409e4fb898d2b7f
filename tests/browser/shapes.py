"""
Campaigns of every shape, and a notebook that asks everything of them: what tests look at in
JupyterLab, on a page, and in renderers that show less.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import nbformat

from cxtools.events.store import EventStore
from cxtools.model import Event
from tests.tables import RECEIVED
from tests.troubles import block_provider, mailing, storm_with_scanners, year_before

FAILED = "autumn-newsletter"
GOOD = "spring-newsletter"
BLIND = "bounces-only"
SMALL = "seven-people"
LONG = "a-name-that-goes-on-and-on-until-it-has-one-hundred-letters-and-then-some-more-of-them-2026"
ODD = "texts-of-many-scripts"

#: The first cell of the notebook.
IMPORT = "import cxtools as cx"

#: What is asked -> the cell that asks it. Figures first, then verdicts, then tables.
FIGURES = {
    "funnel": f'cx.funnel("{FAILED}").chart()',
    "funnel by provider": f'cx.funnel("{FAILED}", by="provider").chart()',
    "funnel by two": f'cx.funnel("{FAILED}", by=["provider", "weekday"]).chart()',
    "funnel of campaigns by provider": f'cx.funnel("{FAILED}", "{GOOD}", by="provider").chart()',
    "campaigns": "cx.funnel().chart()",
    "bounces": f'cx.bounces("{FAILED}").chart()',
    "bounces by provider": f'cx.bounces("{FAILED}", by="provider").chart()',
    "bounces by two": f'cx.bounces("{FAILED}", by=["provider", "hour"]).chart()',
    "bounces of campaigns": "cx.bounces().chart()",
    "reasons": f'cx.reasons("{FAILED}").chart()',
    "reasons of two": f'cx.reasons("{FAILED}", "{LONG}").chart()',
    "links": f'cx.links("{FAILED}").chart()',
    "links of two": f'cx.links("{FAILED}", "{LONG}").chart()',
    "timing": f'cx.timing("{FAILED}").chart()',
    "timing of two": f'cx.timing("{FAILED}", "{LONG}").chart()',
    "curve": f'cx.curve("{FAILED}").chart()',
    "curve of two": f'cx.curve("{FAILED}", "{LONG}").chart()',
    "curve by provider": f'cx.curve("{FAILED}", by="provider").chart()',
    "jobs": f'cx.jobs("{FAILED}").chart()',
    "comparison": f'cx.comparison("{FAILED}").chart()',
    "differences": f'cx.compare("{FAILED}", "{GOOD}").chart()',
    "trend": "cx.trend().chart(benchmarks=True)",
}
VERDICTS = {
    "verdict": f'cx.verdict("{FAILED}")',
    "verdict about bounces": f'cx.verdict("{FAILED}", about="bounces")',
    "verdict about engagement": f'cx.verdict("{FAILED}", about="engagement")',
    "verdict on a good one": f'cx.verdict("{GOOD}")',
    "verdict on a blind feed": f'cx.verdict("{BLIND}")',
    "verdict on few": f'cx.verdict("{SMALL}")',
    "verdict on an odd name": f'cx.verdict("{ODD}")',
}
TABLES = {
    "table": f'cx.funnel("{FAILED}", by="provider")',
    "table of reasons": f'cx.reasons("{FAILED}")',
    "table of links": f'cx.links("{FAILED}")',
    "table of suspects": f'cx.suspects("{FAILED}")',
    "table of data quality": f'cx.data_quality("{BLIND}")',
    "table of unknown": f'cx.unknown("{ODD}")',
}
#: What pandas makes of answers: their index has to be seen.
MADE_BY_PANDAS = {
    "grouped": f'cx.bounces("{FAILED}").groupby("kind")[["recipients"]].sum()',
    "pivoted": (
        f'cx.bounces("{FAILED}", by="provider")'
        '.pivot_table(index="provider", columns="kind", values="recipients", aggfunc="sum")'
    ),
    "indexed": f'cx.funnel("{FAILED}", by="provider").set_index("provider")',
    "renamed": f'cx.bounces("{FAILED}").rename(columns={{"recipients": "n"}})',
    "turned": f'cx.funnel("{FAILED}").T',
    "unstacked": (
        f'cx.bounces("{FAILED}", by="provider")'
        '.set_index(["provider", "category"])[["recipients"]].unstack()'
    ),
    "described": f'cx.funnel("{FAILED}", by="provider").describe()',
}
CELLS = FIGURES | VERDICTS | TABLES | MADE_BY_PANDAS


def write_store(home: Path) -> EventStore:
    """The campaigns, in the store of a home."""
    rng = random.Random(7)
    store = EventStore(home / "events")
    for week, earlier in enumerate(year_before(rng, weeks=3)):
        _add(store, f"week-{week + 1}", earlier.events(rng))
    _add(store, GOOD, mailing(rng, 4000).events(rng))
    failed = block_provider(storm_with_scanners(mailing(rng, 4000), rng), rng)
    _add(store, FAILED, _on_days(_in_jobs(failed.events(rng))))
    _add(store, LONG, mailing(rng, 3000).events(rng))
    _add(store, ODD, _odd(mailing(rng, 60).events(rng)))
    _add(store, SMALL, mailing(rng, 7).events(rng))
    blind = mailing(rng, 2000).events(rng)
    _add(store, BLIND, [event for event in blind if event.kind == "bounce"])
    return store


def _add(store: EventStore, campaign: str, events: list[Event]) -> None:
    store.add(campaign, events, source="test", received_at=RECEIVED)


def _in_jobs(events: list[Event]) -> list[Event]:
    """The same in batches, as a send makes them."""
    return [replace(event, job_id=f"job-{int(event.message_id[1:]) // 1000}") for event in events]


def _on_days(events: list[Event]) -> list[Event]:
    """The same with each job a day later than the one before."""
    return [
        replace(event, ts=event.ts + timedelta(days=int(event.job_id[-1])))
        for event in events
        if event.ts
    ]


def _odd(events: list[Event]) -> list[Event]:
    """The same with texts of several scripts, and with markup."""
    return [
        replace(event, bounce_text=f"صندوق البريد ممتلئ <b>voll</b> & più tardi {event.message_id}")
        if event.kind == "bounce"
        else event
        for event in events
    ]


def notebook(cells: dict[str, str]) -> nbformat.NotebookNode:
    """A notebook with a cell for each of these, each named by its id."""
    written = [nbformat.v4.new_code_cell(IMPORT, id="import")]
    for name, code in cells.items():
        written.append(nbformat.v4.new_code_cell(code, id=name.replace(" ", "-")))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made: nbformat.NotebookNode = nbformat.v4.new_notebook(
        cells=written, metadata={"kernelspec": kernel}
    )
    return made
