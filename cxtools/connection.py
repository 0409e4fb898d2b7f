"""
One connection: settings, API client, ledger and event store together, with the deeds that need them
all.

This is what a notebook holds as `client` and what the command line works with.
"""

from __future__ import annotations

import atexit
import math
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxtools.errors import ConfigError, JobTimeout, Unreachable, without_locals
from cxtools.settings import Settings, load_settings

if TYPE_CHECKING:
    from cxtools.bounce import Judge
    from cxtools.context import Context
    from cxtools.events.store import EventStore
    from cxtools.ledger.ledger import Ledger
    from cxtools.measures.engine import Engine
    from cxtools.sending.collect import Collected
    from cxtools.sending.plan import LeftOut
    from cxtools.sending.recipients import Campaign
    from cxtools.sending.status import Status
    from cxtools.sending.waves import WavePlan

#: A user's own rules for bounces, in CXTOOLS_HOME; bounces/README.md tells how to write them.
OWN_RULES = "bounce_rules.toml"
#: What the simulator's account is; neither is a secret, it serves whoever started it.
SIMULATOR = {
    "client_id": "simulator",
    "client_secret": "simulator",
    "crm_webhook_secret": "whsec_c2ltdWxhdGVkLXNlY3JldA==",
}


def connect(profile: str | None = None, **settings: Any) -> Connection:
    """
    A connection by a profile (default: from the environment), or to a simulator of its own:
    `connect("simulator")`.

    Raises:
        ConfigError: settings are wrong; nothing was sent. What a deed misses is said when it is
        called.
    """
    connection = Connection(
        _simulator_settings(settings)
        if profile == "simulator"
        else load_settings(profile, **settings)
    )
    LATEST[:] = [connection]
    return connection


def latest(home: str | Path | None = None) -> Connection:
    """
    What the questions of a notebook are asked of: the store at *home*, else the connection made
    last, else the environment's.
    """
    if home:
        return Connection(load_settings(home=home))
    return LATEST[0] if LATEST else connect()


LATEST: list[Connection] = []


def _simulator_settings(settings: dict[str, Any]) -> Settings:
    url = start_simulator("--crm-secret", SIMULATOR["crm_webhook_secret"])
    facts: dict[str, Any] = {
        "env_url": url,
        "crm_webhook_url": f"{url}/_sim/crm",
        "event_horizon_s": 0,
        **SIMULATOR,
        **settings,
    }
    return load_settings(environ={}, **facts | {"home": settings.get("home") or _passing_home()})


def _passing_home() -> str:
    """A home for as long as this process lives."""
    home = tempfile.mkdtemp(prefix="cxtools-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return home


class Connection:
    """Everything opens at its first use, so that reading old events needs no credentials."""

    def __init__(self, settings: Settings, *, quiet: bool = False) -> None:
        self.settings = settings
        self.quiet = quiet

    @cached_property
    def store(self) -> EventStore:
        from cxtools.events.store import EventStore

        return EventStore(self.settings.home / "events")

    @cached_property
    def engine(self) -> Engine:
        """What questions are asked of: the store, who judges its bounces, and what was planned."""
        from cxtools.measures.engine import Engine

        return Engine(
            self.store,
            make_judge=lambda: judge_by(self.settings.home / OWN_RULES),
            planned=lambda: self.ledger.plans.names() if self.has_ledger else (),
        )

    @cached_property
    @without_locals
    def ledger(self) -> Ledger:
        from cxtools.ledger.ledger import Ledger

        return Ledger(self.settings.ledger_url, now=time.time, home=self.settings.home)

    @property
    def has_ledger(self) -> bool:
        """Is there a ledger? Opening one makes it, which asking mustn't."""
        return bool(self.settings.ledger) or (self.settings.home / "ledger.sqlite").exists()

    def unsettled(self, name: str) -> dict[str, int]:
        """
        Recipients of a campaign by what has not ended well: the outcome is unknown, their job
        failed or was refused, they wait.
        """
        if not self.has_ledger:
            return {}
        from cxtools.sending.status import BAD_JOBS

        bad = [
            row.recipients
            for row in self.ledger.batches.rows(name)
            if row.state == "rejected" or row.job_status in BAD_JOBS
        ]
        counts = self.ledger.batches.counts(name)
        return {"unknown": counts["unknown"], "failed": sum(bad), "waiting": counts["waiting"]}

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

        Raises:
            ConfigError: settings, spec or rows are wrong; nothing was sent.
            ApiError, ContractError, JobTimeout, StoreError: what was done is in the ledger; the
            same call continues.
        """
        from cxtools.sending import submit

        self.needs_all()
        submit.plan(self.context, campaign, skip_invalid=skip_invalid)
        return self.resume(campaign.name)

    def needs_all(self) -> None:
        """Everything that is missing is said before the first request, the CRM's secret too."""
        self.settings.needs("api", "crm" if self.settings.crm_webhook_url else "api")

    @without_locals
    def dry_run(self, campaign: Campaign, *, skip_invalid: bool = False) -> DryRun:
        """
        What `send` would do, as far as is known without asking the API; refuses what `send` would,
        writes and sends nothing.
        """
        from cxtools.sending.plan import LeftOut
        from cxtools.sending.status import over_limit

        known = self.ledger.plans.digest(campaign.name) if self.has_ledger else None
        if known not in (None, campaign.digest) and not self.ledger.plans.is_unsent(campaign.name):
            raise ConfigError(
                f"campaign {campaign.name!r} exists with other content",
                do="give the changed campaign a new name",
            )
        people, left = 0, list[LeftOut]()
        for item in campaign.planned(skip_invalid=skip_invalid):
            if isinstance(item, LeftOut):
                left.append(item)
            else:
                people += 1
        daily = campaign.spec.limits.daily
        size, cap = self.settings.batch_cap(daily), self.settings.daily_cap(daily)
        batches = [min(size, people - start) for start in range(0, people, size)]
        planned_before = (
            known == campaign.digest
        )  # another plan, of which nothing was sent, would be replaced
        waits = (
            [row.recipients for row in self.ledger.batches.rows(campaign.name, ["planned"])]
            if planned_before
            else None
        )
        quota_left = (
            self.ledger.quota.left(self.settings.account, cap)
            if self.has_ledger
            else math.inf
            if cap is None
            else cap
        )
        return DryRun(
            campaign.name,
            batches,
            left,
            over_limit(batches if waits is None else waits, quota_left),
            waiting=None if waits is None else sum(waits),
        )

    @without_locals
    def resume(self, name: str) -> Status:
        """
        Continue a campaign: submit what is planned, follow what is submitted, collect what has
        ended.
        """
        from cxtools.sending import submit

        self.needs_all()
        if late := submit.resume(self.context, name):
            unknown = self.unsettled(name)["unknown"]
            also = (
                f"; besides, the outcome of {unknown:,} recipients is unknown, `cxtools status {name}` lists them"
                if unknown
                else ""
            )
            raise JobTimeout(
                f"{len(late)} of the jobs of {name!r} did not end in {self.settings.job_deadline_s / 3600:.1f} h{also}",
                do=f"`cxtools resume {name}` goes on waiting; nothing is sent again",
            )
        return self.status(name)

    def unfinished(self) -> list[str]:
        """
        This account's campaigns of which a batch waits to be sent, followed or collected for the
        first time.
        """
        from cxtools.ledger.states import UNFINISHED

        names = dict.fromkeys(row.campaign for row in self.ledger.batches.rows(states=UNFINISHED))
        return [
            name for name in names if self.ledger.plans.account(name) in ("", self.settings.account)
        ]

    def status(self, name: str) -> Status:
        """Where a campaign stands; asks nobody, changes nothing."""
        from cxtools.sending.status import status

        limit = self.settings.daily_cap(self.ledger.plans.spec(name)["limits"]["daily"])
        return status(
            self.ledger,
            self.store,
            name,
            quota_left=self.ledger.quota.left(self.settings.account, limit),
        )

    @without_locals
    def collect(self, name: str | None = None) -> Collected:
        """Fetch the events of all finished jobs once more: late opens, clicks and bounces."""
        from cxtools.sending import collect
        from cxtools.webhooks import deliver

        self.settings.needs("api")
        try:
            with deliver.courier(self.context):
                return collect.collect(self.context, name)
        finally:
            self.ledger.audit_log.append_anchor()

    @without_locals
    def rejudge(self) -> tuple[int, int]:
        """
        Make the local suppressions follow the rules of today, from all that servers ever said: how
        many were added, how many lifted.
        """
        from cxtools.sending import collect

        try:
            return collect.rejudge(self.ledger, self.engine, began=time.time())
        finally:
            self.ledger.audit_log.append_anchor()

    @without_locals
    def reconcile(
        self, batch_id: str, *, job_id: str = "", abandon: bool = False, reason: str = ""
    ) -> str:
        """
        Settle an unknown outcome by an operator's word, and return the batch's new state.

        It became *job_id*, or is given up (*abandon*), or was not sent: then it is planned again.

        Raises:
            ConfigError: its outcome isn't unknown, the job can't be its, or it is too early to call
            it not sent. ApiError: the API knows no such job.
        """
        from cxtools.sending import submit

        if job_id:
            self.settings.needs("api")
            submit.check_job(self.context, batch_id, job_id)
        return self.ledger.unknown.reconcile(
            batch_id, job_id=job_id, abandon=abandon, reason=reason
        )

    @without_locals
    def retry(self, name: str, *, dry_run: bool = False) -> tuple[WavePlan, Status]:
        """
        Plan the next wave for bounces that a later try may cure and, unless *dry_run*, send it; with where the campaign
        stands then.

        Events are fetched first: who got the mail meanwhile is no candidate.
        """
        from cxtools.sending import waves

        self.collect(name)
        plan = (
            waves.next_wave(self.context, name)
            if dry_run
            else waves.plan_next_wave(self.context, name)
        )
        return plan, self.status(name) if dry_run or not plan.people else self.resume(name)


@dataclass(frozen=True)
class DryRun:
    """
    A plan that was not written: the sizes of its `batches`, `left_out` rows with line, masked
    address and reason.

    `waiting` is how many people of a campaign that was planned before still wait; None where it
    wasn't.
    """

    campaign: str
    batches: list[int]
    left_out: list[LeftOut]
    over_limit: int
    waiting: int | None

    @property
    def planned(self) -> int:
        return sum(self.batches)

    def to_dict(self) -> dict[str, Any]:
        """As a status, of a campaign of which nothing exists yet."""
        left = Counter(row.reason for row in self.left_out)
        people = {
            "rows": self.planned + left.total(),
            "invalid": left["invalid"],
            "duplicates": left["duplicate"],
            "planned": self.planned,
            "over_limit": self.over_limit,
        } | ({} if self.waiting is None else {"waiting": self.waiting})
        batches = [
            {"batch": None, "wave": 0, "recipients": size, "state": "dry_run", "job_id": None}
            for size in self.batches
        ]
        rows = [
            {"line": row.line, "email": row.masked, "reason": row.reason, "detail": row.detail}
            for row in self.left_out
        ]
        return {
            "campaign": self.campaign,
            "state": "dry_run",
            "recipients": people,
            "batches": batches,
            "left_out": rows,
        }

    def __str__(self) -> str:
        shown = [
            f"  line {row.line}: {row.masked} {row.reason}, {row.detail}"
            for row in self.left_out[:20]
        ]
        more = [f"  … and {len(self.left_out) - 20:,} more"] if len(self.left_out) > 20 else []
        today = (
            f"{self.over_limit:,} of them not today, by the daily limit; "
            if self.over_limit
            else ""
        )
        whom = (
            f"would mail {self.planned:,} people in {len(self.batches)} batches"
            if self.waiting is None
            else f"was planned before; would mail the {self.waiting:,} of {self.planned:,} people who still wait"
        )
        head = f"{self.campaign}: {whom}; {today}{len(self.left_out):,} rows left out; nothing was sent"
        return "\n".join([head, *shown, *more])


def judge_by(own: Path) -> Judge:
    """Who judges bounces: the rules that ship, with those in the file *own* if there is one."""
    from cxtools.bounce.classify import judge, standard_judge

    return judge(own.read_text("utf-8", "replace"), str(own)) if own.exists() else standard_judge()


def start_simulator(*flags: str) -> str:
    """Start a simulator that ends with this process, and return its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cxtools.simulator", "--port", "0", "--exit-on-eof", *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.terminate)
    line = process.stdout.readline() if process.stdout else ""
    if "listening on " not in line:
        raise Unreachable(
            "the simulator did not start", do="run `python -m cxtools.simulator` to see why"
        )
    return line.split("listening on ")[1].strip()
