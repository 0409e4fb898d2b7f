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
from typing import TYPE_CHECKING, Any, Protocol

from cxtools.connection import connect, latest
from cxtools.errors import ConfigError

if TYPE_CHECKING:
    from cxtools.events.importing import Imported
    from cxtools.measures import By, Table
    from cxtools.measures.engine import AsOf
    from cxtools.sending.status import Status
    from cxtools.verdicts.verdict import CampaignVerdict

Home = str | Path | None


class Question(Protocol):
    """A measure, asked of some campaigns (of all when none is named)."""

    def __call__(
        self, *campaigns: str, by: By = None, as_of: AsOf = None, home: Home = None
    ) -> Table: ...


def _question(measure: str, words: str) -> Question:
    def ask(*campaigns: str, by: By = None, as_of: AsOf = None, home: Home = None) -> Table:
        from cxtools import measures

        table: Table = getattr(measures, measure)(
            latest(home).engine, campaigns or None, by=by, as_of=as_of
        )
        return table

    ask.__name__ = ask.__qualname__ = measure
    ask.__doc__ = f"{words} See `cxtools.measures.{measure}`; the table's `.chart()` draws it, where there is one."
    return ask


funnel = _question("funnel", "How far did the recipients get?")
bounces = _question("bounces", "Who was refused, and why?")
links = _question("links", "Which links were followed?")
timing = _question("timing", "How long until the open, until the click?")
curve = _question("curve", "How opens and clicks came in over the hours.")
reasons = _question("reasons", "The most common causes, whatever the mailbox.")
jobs = _question("jobs", "Each job: recipients and latency.")
data_quality = _question("data_quality", "What the feed lacks or repeats.")
suspects = _question("suspects", "Which clickers behave like scanners?")


def verdict(
    campaign: str, *, about: str = "run", as_of: AsOf = None, home: Home = None
) -> CampaignVerdict:
    """
    PASS, WARN or FAIL and why; *about* is "run", "bounces" or "engagement". See
    `cxtools.measures.compare.verdict`.
    """
    from cxtools.measures import compare

    client = latest(home)
    return compare.verdict(
        client.engine, campaign, about=about, as_of=as_of, unsettled=client.unsettled(campaign)
    )


def comparison(campaign: str, *, as_of: AsOf = None, home: Home = None) -> Table:
    """
    The campaign among earlier ones, all cut at the same age. See
    `cxtools.measures.compare.comparison`.
    """
    from cxtools.measures import compare

    return compare.comparison(latest(home).engine, campaign, as_of=as_of)


def run_campaign(
    campaign: str = "",
    *,
    spec: str = "",
    recipients: str = "",
    profile: str = "",
    skip_invalid: bool = False,
    send: bool = True,
    home: Home = None,
) -> Status:
    """
    Send and follow what *spec* and *recipients* say, or continue it; without a spec, tell where
    *campaign* stands and touch nothing.

    The notebook `run_campaign` hands *send* on, which is False there unless someone says otherwise:
    a report that a schedule runs must not mail anyone.

    Raises:
        ConfigError: a spec is named, but *send* is False; nothing was sent.
    """
    from cxtools.sending.campaign import Campaign

    if spec and not send:
        raise ConfigError(
            "a spec is named, but send is False; nothing was sent",
            do="set send = True to send it, or leave the spec out to see where the campaign stands",
        )

    client = connect(profile or None, **{"home": home} if home else {})
    if not spec:
        return client.status(campaign)
    return client.send(
        Campaign.from_toml(spec, recipients, any_template_id=client.settings.any_template_id),
        skip_invalid=skip_invalid,
    )


def status(campaign: str, *, home: Home = None) -> Status:
    """Where a campaign stands; asks nobody, changes nothing."""
    return latest(home).status(campaign)


def import_file(
    path: str | Path,
    campaign: str,
    *,
    format: str = "auto",
    column_map: Mapping[str, str] | None = None,
    event_map: Mapping[str, str] | None = None,
    home: Home = None,
) -> Imported:
    """Take real events from a file into the store. See `cxtools.events.importing.import_file`."""
    from cxtools.events import importing

    return importing.import_file(
        path,
        campaign,
        latest(home).store,
        format=format,
        column_map=column_map or {},
        event_map=event_map or {},
        now=datetime.now(UTC),
    )


def report(
    name: str, *, out: str | Path | None = None, home: Home = None, **parameters: Any
) -> Path:
    """
    Run a report notebook with parameters, and write one HTML page into *out* (default: the folder
    `reports` in CXTOOLS_HOME, as `cxtools report` does). See `cxtools.pages.run.render_report`.
    """
    from cxtools.pages.run import render_report

    folder = Path(out) if out else None
    return render_report(name, parameters, out=folder, home=latest(home).settings.home)


def explore(*campaigns: str, home: Home = None) -> Any:
    """The explorer's controls over the same measures, for JupyterLab."""
    from cxtools import explorer

    return explorer.explore(latest(home).engine, campaigns or None)
