"""
One connection: settings, API client, ledger and event store together, and what is done with them.

This is what a notebook holds as `client` and what the command line works with.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxtools import formats
from cxtools.errors import CxError, stoppable, without_locals
from cxtools.progress import say_on_stderr
from cxtools.settings import SIMULATOR, Settings, default_home, load_settings

if TYPE_CHECKING:
    from cxtools.bounce import Judge
    from cxtools.context import Context
    from cxtools.events.kept_segments import CampaignSegments
    from cxtools.events.store import EventStore
    from cxtools.ledger.ledger import Ledger
    from cxtools.measures.cuts import AsOf
    from cxtools.measures.engine import Engine
    from cxtools.sending.campaign import Campaign
    from cxtools.sending.collect import Collected
    from cxtools.sending.dry_run import DryRun
    from cxtools.sending.list_hygiene import Hygiene
    from cxtools.sending.recipients import Source
    from cxtools.sending.status import Status
    from cxtools.sending.suppress import Rejudged
    from cxtools.sending.waves import WavePlan
    from cxtools.verdicts.verdict import CampaignVerdict

#: What is said where somebody stops what isn't a send.
COLLECT_STOPPED = "stopped; the events of jobs that were read whole are kept, the same call goes on"
RETRY_STOPPED = "stopped; nobody was mailed again, the same call plans the wave"
#: What is for the modules of cxtools: Tab on a connection leaves it out.
INTERNAL = (
    "context",
    "engine",
    "has_ledger",
    "hygiene",
    "ledger",
    "needs_all",
    "origin",
    "say",
    "segments_of",
    "store",
    "unsettled",
)

_current: Connection | None = None
CxError.shows_traceback = bool(os.environ.get("CXTOOLS_DEBUG"))


def connect(profile: str | None = None, **settings: Any) -> Connection:
    """
    A connection by a profile (default: from the environment), or to a simulator of its own:
    `connect("simulator")`. What notebook functions ask from now on is its store; the connection
    says which account and which home that is.

    A simulator ends with this process. Its home stays: the folder `simulator` in the home of the
    environment, unless `home` names another one. Where the same cells are run again, after a
    restart too, they find their campaigns and continue; remove the folder to begin anew.

    Arguments:
        profile   a table of `profiles.toml`, or "simulator"
        settings  settings by name, as `home="q3"` or `batch_size=500`: they go before all others

    Raises:
        ConfigError: settings are wrong; nothing was sent. Missing settings are reported by the call
            that needs them.
        Unreachable: the simulator did not start.

    Example:
        client = cx.connect("simulator")
    """
    global _current  # noqa: PLW0603 - the connection that notebook functions use
    if profile == SIMULATOR:
        from cxtools.simulated import simulator_settings

        _current = Connection(simulator_settings(settings))
    else:
        _current = Connection(load_settings(profile, **settings))
    return _current


def latest(home: str | Path | None = None) -> Connection:
    """
    The connection that notebook functions use: to the store at *home*, else the one made last, else
    the environment's.
    """
    if home:
        return Connection(load_settings(home=home))
    return _current or connect()


def account_text(settings: Settings) -> str:
    """Whose account it is, in a line; no secret is in it."""
    if settings.profile == SIMULATOR:
        return SIMULATOR
    if not settings.env_url:
        return f"profile {settings.profile} · no account set"
    _, _, client = settings.account.partition("|")
    return f"profile {settings.profile} · {client or 'no client'} at {settings.env_url}"


def short_path(path: Path) -> str:
    """A path as people write it: from here, or from their own folder, where it lies in one."""
    path = path.absolute()
    for folder, sign in ((Path.cwd(), "."), (Path.home(), "~")):
        if path.is_relative_to(folder):
            return str(Path(sign, path.relative_to(folder)))
    return str(path)


class Connection:
    """
    An account and a home, and what is done with them. `cx.connect()` makes one.

    Everything opens at its first use, so that reading old events needs no credentials.

    Example:
        client = cx.connect()
        client                          # whose account it is, and which home
        client.dry_run(campaign)        # what a send would do
        client.send(campaign)           # the same again continues
        client.status("q3-update")
        client.collect("q3-update")     # late opens, clicks and bounces
    """

    def __init__(self, settings: Settings, *, quiet: bool = False) -> None:
        formats.use(settings.formats)
        self.settings = settings
        self.quiet = quiet
        self.say = say_on_stderr
        self._home_is_known = False

    def __repr__(self) -> str:
        """Which account it is, and which store it asks."""
        return f"{account_text(self.settings)} · home {short_path(self.settings.home)}"

    def __dir__(self) -> list[str]:
        """What is meant for notebooks."""
        names = super().__dir__()
        return [name for name in names if not name.startswith("_") and name not in INTERNAL]

    @property
    def origin(self) -> str:
        """Where answers come from, where that isn't the home that the environment names."""
        settings = self.settings
        place = short_path(settings.home)
        if settings.profile == SIMULATOR:
            return f"From the simulator, {place}"
        if settings.home != default_home(os.environ):
            return f"From the store in {place}"
        return ""

    def _open_home(self) -> Path:
        """The home. That CXTOOLS_HOME names one that isn't there may be a slip, and is said."""
        home = self.settings.home
        is_named = home == Path(os.environ.get("CXTOOLS_HOME", ""))
        if is_named and not self._home_is_known and not home.exists():
            self.say(f"CXTOOLS_HOME={home} doesn't exist yet; what is kept makes it")
        self._home_is_known = True
        return home

    @cached_property
    def store(self) -> EventStore:
        from cxtools.events.database import Resources
        from cxtools.events.store import EventStore

        settings = self.settings
        resources = Resources(settings.spill_folder, settings.memory, settings.threads)
        return EventStore(self._open_home() / "events", resources, settings.erasures_file)

    @cached_property
    def engine(self) -> Engine:
        """What answers questions: the store, who judges, the providers, and what was planned."""
        from cxtools.measures.engine import Engine
        from cxtools.measures.own_providers import providers_of
        from cxtools.measures.own_purposes import OWN_LINKS, purposes_by
        from cxtools.measures.rules_digest import OWN_RULES, rules_digest

        home = self.settings.home

        def make_judge() -> Judge:
            from cxtools.bounce.own_rules import judge_by

            return judge_by(home / OWN_RULES)

        return Engine(
            self.store,
            make_judge,
            rules_digest=lambda: rules_digest(home / OWN_RULES),
            planned=lambda: self.ledger.plans.names() if self.has_ledger else (),
            runs_on=self.settings.engine,
            providers=partial(providers_of, home),
            timezone=self.settings.timezone,
            purposes=partial(purposes_by, home / OWN_LINKS),
            job_facts=lambda: self.ledger.batches.job_facts() if self.has_ledger else (),
            segments_of=self.segments_of,
            least_group=self.settings.least_group or 0,
        )

    @without_locals
    def segments_of(self, name: str) -> CampaignSegments:
        """A campaign's segments, with what was sent with its recipients."""
        from cxtools.sending.segments import segments_of

        return segments_of(self.ledger if self.has_ledger else None, self.store, name)

    @cached_property
    @without_locals
    def ledger(self) -> Ledger:
        from cxtools.ledger.ledger import Ledger

        return Ledger(self.settings.ledger_url, now=time.time, home=self._open_home())

    @property
    def has_ledger(self) -> bool:
        """Whether there is a ledger: asked without opening it, since that makes one."""
        return bool(self.settings.ledger) or (self._open_home() / "ledger.sqlite").exists()

    @without_locals
    def verdict(self, campaign: str, *, about: str = "run", as_of: AsOf = None) -> CampaignVerdict:
        """
        The verdict on a campaign, by the limits of the home, with what the ledger left open.

        Raises:
            StoreError: the campaign is unknown.
            ConfigError: `limits.toml`, *about* or *as_of* is wrong.
        """
        from cxtools.measures.cuts import end_of
        from cxtools.verdicts.evidence import verdict_on
        from cxtools.verdicts.own_limits import OWN_LIMITS, limits_by

        verdict = verdict_on(
            self.engine,
            campaign,
            about=about,
            as_of=end_of(as_of),
            unsettled=self.unsettled(campaign),
            limits=limits_by(self.settings.home / OWN_LIMITS),
            is_sent_here=self.has_ledger and campaign in self.ledger.plans.names(),
        )
        return replace(verdict, origin=self.origin)

    def unsettled(self, name: str) -> dict[str, int]:
        """
        Recipients of a campaign that have no good end yet: the outcome is unknown, their job failed
        or was refused, or they wait to be sent.
        """
        if not self.has_ledger:
            return {}
        from cxtools.sending.status import unsettled

        return unsettled(self.ledger, name)

    @cached_property
    def context(self) -> Context:
        from cxtools.api.client import Client
        from cxtools.context import Context

        return Context(
            self.settings, Client(self.settings), self.ledger, self.engine, quiet=self.quiet
        )

    @without_locals
    def send(self, campaign: Campaign, *, skip_invalid: bool = False) -> Status:
        """
        Send a campaign, or continue it: run again, it never mails anyone twice.

        Plans it, asks whom the API suppresses, submits the batches, follows their jobs, fetches
        their events once, and tells the CRM. The status says what became of everybody.
        *skip_invalid* leaves wrong rows out, and records them, instead of refusing the list.

        Raises:
            ConfigError: settings, spec or rows are wrong; nothing was sent.
            ApiError, ContractError, JobTimeout, StoreError: what was done is in the ledger; the
                same call continues.
            Interrupted (a KeyboardInterrupt): somebody stopped it; the same call continues.
        """
        from cxtools.sending.send import write_plan

        self.needs_all()
        with stoppable(partial(self._how_far, campaign.name)):
            write_plan(self.context, campaign, skip_invalid=skip_invalid)
        return self.resume(campaign.name)

    def _how_far(self, name: str) -> str:
        """How far a send came that somebody stopped."""
        from cxtools.sending.status import stopped_text

        return stopped_text(self.ledger, name)

    def needs_all(self) -> None:
        """
        Ask for all settings of a send before its first request, the CRM's secret too.

        Raises:
            ConfigError: settings are missing; all of them are named.
        """
        if self.settings.crm_webhook_url:
            self.settings.needs("api", "crm")
        else:
            self.settings.needs("api")

    @without_locals
    def dry_run(self, campaign: Campaign, *, skip_invalid: bool = False) -> DryRun:
        """
        What `send` would do, as far as is known without asking the API; writes and sends nothing.
        What is odd about its list beside that, `hygiene(campaign.source)` says.

        Raises:
            ConfigError: what `send` would refuse.
        """
        from cxtools.sending.dry_run import dry_run, read_standing

        ledger = self.ledger if self.has_ledger else None
        return dry_run(
            campaign,
            read_standing(ledger, campaign, self.settings),
            batch_size=self.settings.batch_cap(campaign.spec.limits.daily),
            skip_invalid=skip_invalid,
        )

    @without_locals
    def hygiene(self, source: Source, *, dns: bool = False) -> Hygiene:
        """
        What is odd about a list before it is mailed; with *dns* its domains are looked up. Changes
        nothing.

        Raises:
            ConfigError: the list can't be read.
            Unreachable: no name server answers.
        """
        from cxtools.sending.list_hygiene import examine_list

        return examine_list(
            source,
            self.engine,
            self.ledger if self.has_ledger else None,
            dns_server=self.settings.dns_server if dns else None,
            shows_progress=not self.quiet,
        )

    @without_locals
    def resume(self, name: str) -> Status:
        """
        Continue a campaign: submit what is planned, follow what is submitted, collect what has
        ended.

        Raises:
            ConfigError: there is no such campaign, or another account sends it.
            ApiError, ContractError, JobTimeout, StoreError: what was done is in the ledger; the
                same call continues.
            Interrupted (a KeyboardInterrupt): somebody stopped it; the same call continues.
        """
        from cxtools.sending.send import resume

        self.needs_all()
        with stoppable(partial(self._how_far, name)):
            resume(self.context, name)
        return self.status(name)

    def unfinished(self) -> list[str]:
        """
        This account's campaigns with a batch that waits to be sent, followed or collected for the
        first time.
        """
        from cxtools.sending.status import unfinished

        return unfinished(self.ledger, self.settings.account) if self.has_ledger else []

    def status(self, name: str) -> Status:
        """
        Where a campaign stands; asks nobody, changes nothing.

        Raises:
            ConfigError: there is no such campaign in the ledger.
        """
        from cxtools.sending.status import status

        return status(self.ledger if self.has_ledger else None, self.engine, name, self.settings)

    @without_locals
    def collect(self, name: str | None = None) -> Collected:
        """
        Fetch the events of finished jobs once more: late opens, clicks and bounces.

        Raises:
            ConfigError: there is no such campaign, or another account sends it.
            ApiError, ContractError: a job's events can't be had; the others' are stored.
            Interrupted (a KeyboardInterrupt): somebody stopped it; the same call continues.
        """
        from cxtools.sending.collect import collect
        from cxtools.webhooks.deliver import deliver_in_background

        self.settings.needs("api")
        try:
            with stoppable(lambda: COLLECT_STOPPED), deliver_in_background(self.context):
                return collect(self.context, name)
        finally:
            self.ledger.audit_log.append_anchor()

    @without_locals
    def suppress_imported(self, names: Iterable[str]) -> int:
        """
        Suppress those whom imported campaigns tell of: hard bounces, complaints, unsubscribes; how
        many weren't suppressed before. The same again suppresses nobody.
        """
        from cxtools.sending.suppress import imported_reasons, suppress_imported

        reasons_of = {name: imported_reasons(self.engine, name) for name in names}
        if not any(reasons_of.values()) and not self.has_ledger:
            return 0
        try:
            return suppress_imported(self.ledger, reasons_of)
        finally:
            self.ledger.audit_log.append_anchor()

    @without_locals
    def rejudge(self) -> Rejudged:
        """
        Judge all that servers ever said by today's rules, let the local suppressions follow, and
        return how many were added and how many lifted.
        """
        from cxtools.sending.suppress import rejudge

        try:
            return rejudge(self.ledger, self.engine, began=time.time())
        finally:
            self.ledger.audit_log.append_anchor()

    @without_locals
    def reconcile(
        self,
        batch_id: str,
        *,
        job_id: str = "",
        abandon: bool = False,
        reason: str = "",
    ) -> str:
        """
        Settle an unknown outcome by an operator's word, and return the batch's new state.

        It became *job_id*, or is given up (*abandon*), or was not sent: then it is planned again.

        Raises:
            ConfigError: its outcome isn't unknown, the job can't be its, or it is too early to call
                it not sent.
            ApiError: the API knows no such job.
        """
        from cxtools.sending.unknown import check_job

        if job_id:
            self.settings.needs("api")
            check_job(self.context, batch_id, job_id)
        return self.ledger.unknown.reconcile(
            batch_id, job_id=job_id, abandon=abandon, reason=reason
        )

    @without_locals
    def retry(self, name: str, *, dry_run: bool = False) -> tuple[WavePlan, Status]:
        """
        Plan the next wave, for people whose bounce a later try may cure, and send it unless
        *dry_run*; return it with the campaign's status after that.

        Events are fetched first: nobody who got the mail meanwhile is mailed again.

        Raises:
            ConfigError: batches are still under way, all waves were used, or the cooldown isn't
                over.
            Interrupted (a KeyboardInterrupt): somebody stopped it; the same call continues.
        """
        from cxtools.sending.waves import next_wave, plan_next_wave

        self.collect(name)
        with stoppable(lambda: RETRY_STOPPED):
            if dry_run:
                return next_wave(self.context, name), self.status(name)
            plan = plan_next_wave(self.context, name)
        if plan.people:
            return plan, self.resume(name)
        return plan, self.status(name)
