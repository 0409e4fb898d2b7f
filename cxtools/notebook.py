"""
The face in a notebook: one short function per question, over the store that `CXTOOLS_HOME` names.

    cx.funnel("q3-update")                       one campaign
    cx.funnel("q3-update", "q4-update")          two
    cx.funnel(by="provider")                     all, split
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxtools.connection import connect, latest

if TYPE_CHECKING:
    from cxtools.campaigns.status import Status
    from cxtools.events.imports import Imported
    from cxtools.measures import Table
    from cxtools.measures.verdict import CampaignVerdict


def _asked(question: str, campaigns: tuple[str, ...], by: str | None, as_of: datetime | None, home: str | Path | None) -> Table:
    from cxtools import measures

    table: Table = getattr(measures, question)(latest(home).store, campaigns or None, by=by, as_of=as_of)
    return table


def funnel(*campaigns: str, by: str | None = None, as_of: datetime | None = None, home: str | Path | None = None) -> Table:
    """How far did the recipients get? See `cxtools.measures.funnel`; `.chart()` draws it."""
    return _asked("funnel", campaigns, by, as_of, home)


def bounces(*campaigns: str, by: str | None = None, as_of: datetime | None = None, home: str | Path | None = None) -> Table:
    """Who was refused, and why? See `cxtools.measures.bounces`; `.chart()` draws it."""
    return _asked("bounces", campaigns, by, as_of, home)


def links(*campaigns: str, by: str | None = None, as_of: datetime | None = None, home: str | Path | None = None) -> Table:
    """Which links were followed? See `cxtools.measures.links`."""
    return _asked("links", campaigns, by, as_of, home)


def timing(*campaigns: str, by: str | None = None, as_of: datetime | None = None, home: str | Path | None = None) -> Table:
    """How long until the open, until the click? See `cxtools.measures.timing`."""
    return _asked("timing", campaigns, by, as_of, home)


def curve(*campaigns: str, by: str | None = None, as_of: datetime | None = None, home: str | Path | None = None) -> Table:
    """How opens and clicks came in over the hours. See `cxtools.measures.curve`."""
    return _asked("curve", campaigns, by, as_of, home)


def reasons(*campaigns: str, by: str | None = None, as_of: datetime | None = None, home: str | Path | None = None) -> Table:
    """The most common causes, whatever the mailbox. See `cxtools.measures.reasons`."""
    return _asked("reasons", campaigns, by, as_of, home)


def jobs(*campaigns: str, by: str | None = None, as_of: datetime | None = None, home: str | Path | None = None) -> Table:
    """Each job: recipients and latency. See `cxtools.measures.jobs`."""
    return _asked("jobs", campaigns, by, as_of, home)


def data_quality(*campaigns: str, by: str | None = None, as_of: datetime | None = None, home: str | Path | None = None) -> Table:
    """What the feed lacks or repeats. See `cxtools.measures.data_quality`."""
    return _asked("data_quality", campaigns, by, as_of, home)


def suspects(*campaigns: str, by: str | None = None, as_of: datetime | None = None, home: str | Path | None = None) -> Table:
    """Which clickers behave like scanners? See `cxtools.measures.suspects`."""
    return _asked("suspects", campaigns, by, as_of, home)


def verdict(campaign: str, *, about: str = "run", as_of: datetime | str | None = None, home: str | Path | None = None) -> CampaignVerdict:
    """PASS, WARN or FAIL and why; *about* is "run", "bounces" or "engagement". See `cxtools.measures.summary.verdict`."""
    from cxtools.measures import summary

    return summary.verdict(latest(home).store, campaign, about=about, as_of=as_of or None)


def comparison(campaign: str, *, as_of: datetime | str | None = None, home: str | Path | None = None) -> Table:
    """The campaign among earlier ones, all cut at the same age. See `cxtools.measures.summary.comparison`."""
    from cxtools.measures import summary

    return summary.comparison(latest(home).store, campaign, as_of=as_of or None)


def run_campaign(campaign: str = "", *, spec: str = "", recipients: str = "", profile: str = "", skip_invalid: bool = False,
                 home: str | Path | None = None) -> Status:
    """Send and follow what *spec* and *recipients* say, or continue it; without a spec, tell where *campaign* stands and touch nothing."""
    from cxtools.campaigns.recipients import Campaign

    client = connect(profile or None, **{"home": home} if home else {})
    if not spec:
        return client.status(campaign)
    return client.send(Campaign.from_toml(spec, recipients, any_template_id=client.settings.any_template_id), skip_invalid=skip_invalid)


def status(campaign: str, *, home: str | Path | None = None) -> Status:
    """Where a campaign stands; asks nobody, changes nothing."""
    return latest(home).status(campaign)


def import_file(
    path: str | Path,
    campaign: str,
    *,
    format: str = "auto",
    column_map: Mapping[str, str] | None = None,
    event_map: Mapping[str, str] | None = None,
    home: str | Path | None = None,
) -> Imported:
    """Take real events from a file into the store. See `cxtools.events.imports.import_file`."""
    from cxtools.events import imports

    return imports.import_file(
        path, campaign, latest(home).store, format=format, column_map=column_map or {}, event_map=event_map or {}, now=datetime.now(UTC)
    )


def report(name: str, *, out: str | Path = "reports", home: str | Path | None = None, **parameters: Any) -> Path:
    """Run a report notebook with parameters and write one HTML page. See `cxtools.report.run.render_report`."""
    from cxtools.report.run import render_report

    return render_report(name, parameters, out=Path(out), home=latest(home).settings.home)


def explore(*campaigns: str, home: str | Path | None = None) -> Any:
    """The explorer's controls over the same measures, for JupyterLab."""
    from cxtools import explorer

    return explorer.explore(latest(home).store, campaigns or None)
