"""
The face in a notebook: one short function per question, over the store that `CXTOOLS_HOME` names.

    cx.funnel("q3-update")                                     one campaign
    cx.funnel("q3-update", "q4-update")                        two
    cx.funnel(by=["provider", "day"])                          all, split
    cx.funnel("q3-update", where={"provider": "gmail"})        only some of its messages
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cxtools.connection import connect, latest, short_path
from cxtools.errors import ConfigError, stoppable
from cxtools.measures.catalogue import DIMENSIONS, named
from cxtools.measures.question import docstring
from cxtools.wording import did_you_mean

if TYPE_CHECKING:
    from cxtools.connection import Connection
    from cxtools.events.summary import Imported
    from cxtools.measures.choices import By, Where
    from cxtools.measures.cuts import AsOf
    from cxtools.measures.table import Table
    from cxtools.sending.status import Status
    from cxtools.verdicts.verdict import CampaignVerdict

Home = str | Path | None

IMPORT_STOPPED = (
    "stopped; the same call takes the file in, and what was kept already is not taken twice"
)


class Ask(Protocol):
    """A question, asked of some campaigns (of all when none is named)."""

    def __call__(
        self,
        *campaigns: str,
        by: By = None,
        where: Where = None,
        as_of: AsOf = None,
        home: Home = None,
    ) -> Table:
        """The answer as a table."""


def question(name: str) -> Ask:
    """The function that asks one question of the catalogue."""

    def ask(
        *campaigns: str,
        by: By = None,
        where: Where = None,
        as_of: AsOf = None,
        home: Home = None,
    ) -> Table:
        from cxtools.measures.answers import answer

        client = latest(home)
        table = answer(client.engine, name, campaigns or None, by=by, where=where, as_of=as_of)
        return table.coming_from(client.origin)

    ask.__name__ = name
    ask.__qualname__ = name
    ask.__doc__ = docstring(named(name), DIMENSIONS)
    return ask


def verdict(
    campaign: str | int, *, about: str = "run", as_of: AsOf = None, home: Home = None
) -> CampaignVerdict:
    """
    PASS, WARN, FAIL, TOO FEW, TOO EARLY or NO DATA for one campaign: the sentences that say why,
    `actions` (what to do, who does it, and how), `trust` (how far the data can be believed).

    The whole campaign, each mailbox provider and each domain with enough mail are held against
    limits, and against earlier campaigns at the same age. `limits.toml` in the home sets own ones.

    Arguments:
        about  "run", "bounces" or "engagement": which sentences and cards. The checks are the same;
               what can't be seen is NO DATA where the report is about it
        as_of  a moment after which events don't count; a date, as "2026-09-14", is that whole day
               in the zone of the settings
        home   another folder than CXTOOLS_HOME

    Raises:
        StoreError: the campaign is unknown
        ConfigError: `about` or `as_of` is something else, or `limits.toml` is wrong

    Example:
        cx.verdict("q3-update", about="bounces")
    """
    return latest(home).verdict(str(campaign), about=about, as_of=as_of)


def check_campaign(campaign: str | int | float = "", *, home: Home = None) -> str:
    """
    The campaign's name, if there is such a campaign; where none is named, that of the setting
    `CXTOOLS_CAMPAIGN`. The first thing that a report asks, so that a misspelt parameter never ends
    as another campaign's report.

    Arguments:
        campaign  the name; a number, as papermill makes one of `-p campaign 202609`, is its text
        home      another folder than CXTOOLS_HOME

    Raises:
        ConfigError: none is named, or there is none of that name; those that there are are listed

    Example:
        campaign = cx.check_campaign(campaign)
    """
    client = latest(home)
    name = str(campaign) or client.settings.campaign
    known = client.store.campaigns()
    if name in known:
        return name
    problem = f"there is no campaign {name!r}" if name else "no campaign is named"
    choices = ", ".join(known) or "none yet"
    raise ConfigError(
        problem,
        where=short_path(client.settings.home),
        do=f"{did_you_mean(name, known)}name one of: {choices}; "
        "in a report with papermill `-p campaign NAME`",
    )


def run_campaign(
    campaign: str | int | float = "",
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

    Arguments:
        campaign      the name of a campaign that is there already; "" with a spec, or for the one
                      that `CXTOOLS_CAMPAIGN` names
        spec          the path of SPEC.toml
        recipients    the path of the list, CSV or Excel
        profile       a table of `profiles.toml`, or "simulator"; "": the environment's
        skip_invalid  leave wrong rows out instead of refusing the list
        home          another folder than CXTOOLS_HOME

    Raises:
        ConfigError: a spec is named, but *send* is False, or it, the list or settings are wrong;
            nothing was sent.
        ApiError, ContractError, JobTimeout, StoreError: what was done is in the ledger; the same
            call continues.

    Example:
        cx.run_campaign(spec="spec.toml", recipients="recipients.csv")
    """
    from cxtools.sending.campaign import Campaign

    if spec and not send:
        raise ConfigError(
            "a spec is named, but send is False; nothing was sent",
            do="set send = True to send it, or leave the spec out to see where the campaign stands",
        )

    settings = {"home": home} if home else {}
    client = connect(profile or None, **settings)
    if not spec:
        return client.status(_sent_campaign(client, str(campaign)))
    any_template_id = client.settings.any_template_id
    planned = Campaign.from_toml(spec, recipients, any_template_id=any_template_id)
    return client.send(planned, skip_invalid=skip_invalid)


def _sent_campaign(client: Connection, name: str) -> str:
    """The name, or that of the setting; one of them there must be."""
    name = name or client.settings.campaign
    if name:
        return name
    known = client.ledger.plans.names() if client.has_ledger else []
    raise ConfigError(
        "no campaign is named",
        where=short_path(client.settings.home),
        do="set the parameter `campaign`, with papermill `-p campaign NAME`, "
        f"to one of: {', '.join(known) or 'none yet'}",
    )


def status(campaign: str, *, home: Home = None) -> Status:
    """
    Where a campaign stands: recipients, batches, events and webhooks by state; asks nobody, changes
    nothing.

    Raises:
        ConfigError: there is no such campaign in the ledger.

    Example:
        cx.status("q3-update")
    """
    return latest(home).status(campaign)


def import_file(  # noqa: PLR0913  # an argument an option
    path: str | Path,
    campaign: str,
    *,
    format: str = "auto",
    column_map: Mapping[str, str] | None = None,
    event_map: Mapping[str, str] | None = None,
    date_format: str = "",
    timezone: str = "",
    keep: Sequence[str] = (),
    home: Home = None,
) -> Imported:
    """
    Take the events of a file into the store, as any platform exports them; the same file again adds
    nothing. What comes back says what was read, and what was not understood.

    Arguments:
        path         CSV, Excel, Parquet, JSON or a log, compressed or not
        campaign     the campaign that the events belong to
        format       which platform wrote it, as "ses"; "auto": what the rows look like
        column_map   {"Address": "email"}: what a column is whose name doesn't tell
        event_map    {"opened_mail": "open"}: what a word means
        date_format  "day-first", "month-first", or a form as "%d.%m.%Y %H:%M"
        timezone     the zone of moments that name none, as "Europe/Berlin"; "": UTC
        keep         columns that are kept as segments
        home         another folder than CXTOOLS_HOME

    Raises:
        ConfigError: the file can't be opened, no row of it can be read, or something names what
            doesn't exist; nothing was kept
        StoreError: the store can't be written; nothing was kept
        Interrupted (a KeyboardInterrupt): somebody stopped it; the same call takes in the rest

    Example:
        cx.import_file("export.csv", "q3-update")
    """
    from cxtools.events import importing

    client = latest(home)
    with stoppable(lambda: IMPORT_STOPPED):
        return importing.import_file(
            path,
            campaign,
            client.store,
            format=format,
            column_map=column_map or {},
            event_map=event_map or {},
            date_format=date_format,
            timezone=timezone,
            keep=keep,
            now=datetime.now(UTC),
            progress=not client.quiet,
        )


def report(
    name: str, *, out: str | Path | None = None, home: Home = None, **parameters: Any
) -> Path:
    """
    Run a report notebook with parameters, and write one HTML page, whose path comes back. The
    executed notebook lies beside it.

    Arguments:
        name        run_campaign, bounce_report, engagement_report, trend_report, ab_report, or the
                    path of a notebook
        out         the folder for the page; default: `reports` in CXTOOLS_HOME, as `cxtools report`
        home        another folder than CXTOOLS_HOME
        parameters  those that the notebook declares, as campaign="q3-update"

    Raises:
        ReportError: there is no such report, parameter or campaign, or a cell failed; the partly
            run notebook is kept, the error says where
        StoreError: the disk refuses the page

    Example:
        cx.report("bounce_report", campaign="q3-update")
    """
    from cxtools.pages.run import render_report

    folder = Path(out) if out else None
    return render_report(name, parameters, out=folder, home=latest(home).settings.home)


def explore(*campaigns: str | Sequence[str], home: Home = None) -> Any:
    """
    Controls for JupyterLab: choose campaigns (two: side by side, or as a difference), limit them,
    and see figures and numbers follow; click a bar for the texts and people behind it. "As code" is
    the same as calls, as commands and as parameters of a report.

    Arguments:
        campaigns  those to choose from, as names, a list of them, or a text with commas between;
                   all of them when none is named
        home       another folder than CXTOOLS_HOME

    Raises:
        ConfigError: there is no campaign of that name
        StoreError: there are no campaigns yet

    Example:
        cx.explore()
    """
    from cxtools.explorer.shown import explore as show
    from cxtools.people.timeline import timeline_of

    names = [check_campaign(name, home=home) for name in _names(campaigns)]
    client = latest(home)
    return show(client.engine, names or None, partial(timeline_of, client))


def _names(given: Iterable[Any]) -> Iterator[str]:
    """
    Campaigns as people and papermill give them.

    >>> list(_names(["q1, q2", ["q3"], 202609]))
    ['q1', 'q2', 'q3', '202609']
    """
    for part in given:
        if isinstance(part, list | tuple):
            yield from _names(part)
        else:
            yield from (name.strip() for name in str(part).split(",") if name.strip())
