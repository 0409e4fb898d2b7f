"""
Reports that are due are made: pages, the judgements behind them, and what people are to be told.

A campaign's reports are run first, then one transaction of the ledger says what became of them all:
judgements, runs, messages for the channels. Killed before it, they are made again; after it, all
that is left is to send what waits.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cxtools import __version__
from cxtools.connection import Connection
from cxtools.errors import CxError, StoreError
from cxtools.ledger.judgements import Judgement
from cxtools.ledger.report_runs import ReportRun
from cxtools.measures.rules_digest import OWN_RULES, rules_digest
from cxtools.pages.catalogue import find_notebook, is_ours, read_notebook
from cxtools.pages.facts import read_facts
from cxtools.pages.parameters import declared_parameters
from cxtools.pages.run import AT_ONCE, Request, make_request, render_request
from cxtools.refresh.due import Due, by_campaign, pause_s
from cxtools.refresh.messages import Page, failure_webhook, verdict_webhook
from cxtools.refresh.notices import failure, news
from cxtools.refresh.reports import Report, Reports
from cxtools.text import canonical_json
from cxtools.verdicts.brief import brief
from cxtools.verdicts.checks import is_as_bad_as
from cxtools.verdicts.own_limits import OWN_LIMITS
from cxtools.verdicts.verdict import CampaignVerdict

#: Report -> what its verdict is about; every other one's is about the run.
ABOUT = {"bounce_report": "bounces", "engagement_report": "engagement"}
#: What messages are about.
RUN = "run"


@dataclass(frozen=True)
class Outcome:
    """
    What became of one report that was due: its page, or why there is none.

    `word` is the verdict's ("" without one), `is_bad` whether it is as bad as the report's
    `fail_on`, `seconds` what it took.
    """

    due: Due
    page: Path | None = None
    word: str = ""
    is_bad: bool = False
    error: str = ""
    seconds: float = 0.0

    def record(self) -> dict[str, Any]:
        """The outcome as JSON knows it."""
        return {
            "report": self.due.report,
            "campaign": self.due.campaign or None,
            "why": self.due.why,
            "page": str(self.page) if self.page else None,
            "word": self.word or None,
            "error": self.error or None,
            "seconds": round(self.seconds, 1),
        }

    def __str__(self) -> str:
        if self.error:
            return f"{self.due}: {self.error}"
        word = f", {self.word}" if self.word else ""
        return f"{self.due}: {self.page}{word}"


class Workshop:
    """Where the reports of one `reports.toml` are made."""

    def __init__(self, client: Connection, reports: Reports, now: float) -> None:
        """
        *now* is Unix time in seconds.

        Raises:
            ReportError: a report names a notebook that isn't there, or has no parameters cell.
        """
        self.client = client
        self.now = now
        self.notebooks = {
            name: find_notebook(_place(report.notebook, client.settings.home))
            for name, report in reports.reports.items()
        }
        read = {name: read_notebook(notebook) for name, notebook in self.notebooks.items()}
        self._declared = {name: declared_parameters(notebook) for name, notebook in read.items()}
        self._sources = {
            name: [cell.source for cell in notebook.cells] for name, notebook in read.items()
        }
        self._planned = set(client.ledger.plans.names()) if client.has_ledger else set()
        self.reports = Reports(
            reports={name: self._settled(name, each) for name, each in reports.reports.items()},
            channels=reports.channels,
        )

    def _settled(self, name: str, report: Report) -> Report:
        """A notebook that takes no campaign is about none."""
        if "campaign" in self._declared[name] and "campaign" not in report.parameters:
            return report
        return report.model_copy(update={"campaigns": ()})

    def folder(self, name: str) -> Path:
        """Where a report's pages go."""
        home = self.client.settings.home
        return home / (self.reports.reports[name].out or "reports")

    def rules_digests(self) -> dict[str, str]:
        """
        Each report -> a digest of what its pages depend on besides the data. Of a notebook the
        cells count, not the outputs that it was saved with.
        """
        settings = self.client.settings
        shared = [
            __version__,
            rules_digest(settings.home / OWN_RULES),
            _text_of(settings.home / OWN_LIMITS),
            self.client.engine.providers().digest,
            self.client.engine.purposes().digest,
            settings.locale,
            settings.timezone,
        ]
        digests = {}
        for name, report in self.reports.reports.items():
            own = [self._sources[name], report.parameters]
            content = canonical_json([*shared, *own])
            digests[name] = hashlib.sha256(content.encode()).hexdigest()[:24]
        return digests

    def can_make(self, each: Due) -> bool:
        """
        Whether there is anything to report on: of a campaign that has no events, or was not sent
        from here, some reports can tell nothing.
        """
        notebook = self.notebooks[each.report]
        if not each.campaign or not is_ours(notebook):
            return True
        if "send" in self._declared[each.report]:
            return each.campaign in self._planned
        return bool(self.client.store.parts(each.campaign))

    def find(self, file: str) -> Path | None:
        """Where a page of this name lies; None where there is none any more."""
        folders = {self.folder(name) for name in self.reports.reports}
        places = [folder / file for folder in sorted(folders)]
        return next((place for place in places if place.is_file()), None)

    def make(self, found: Sequence[Due]) -> Iterator[Outcome]:
        """Make what is due, campaign by campaign; a report that fails doesn't keep others up."""
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            runs = [(campaign, self._start(pool, dues)) for campaign, dues in by_campaign(found)]
            for campaign, running in runs:
                outcomes = [run.result() for run in running]
                verdicts = self._verdicts(campaign, outcomes)
                judged = [self._with_word(one, verdicts) for one in outcomes]
                self._write(campaign, judged, verdicts)
                yield from judged

    def _start(self, pool: ThreadPoolExecutor, dues: Sequence[Due]) -> list[Future[Outcome]]:
        return [pool.submit(self._run, each) for each in dues]

    def _run(self, each: Due) -> Outcome:
        began = time.monotonic()
        try:
            page = render_request(
                self._request(each),
                home=self.client.settings.home,
                out=self.folder(each.report),
                keep=self.reports.reports[each.report].keep,
                now=lambda: self.now,
            )
        except CxError as error:
            return Outcome(each, error=str(error), seconds=time.monotonic() - began)
        return Outcome(each, page, seconds=time.monotonic() - began)

    def _request(self, each: Due) -> Request:
        parameters = dict(self.reports.reports[each.report].parameters)
        if each.campaign:
            parameters["campaign"] = each.campaign
        settings = self.client.settings
        notebook = str(self.notebooks[each.report])
        return make_request(notebook, parameters, profile=settings.profile)

    def _verdicts(self, campaign: str, outcomes: Sequence[Outcome]) -> dict[str, CampaignVerdict]:
        """The campaign's verdicts, by what the reports that were made are about."""
        made = [one for one in outcomes if one.page]
        if not campaign or not made:
            return {}
        abouts = {RUN, *(self._about(one) for one in made)}
        try:
            return {about: self.client.verdict(campaign, about=about) for about in sorted(abouts)}
        except StoreError:
            return {}  # somebody else's notebook on a campaign that nothing is known of

    def _about(self, outcome: Outcome) -> str:
        return ABOUT.get(self.notebooks[outcome.due.report].stem, RUN)

    def _with_word(self, one: Outcome, verdicts: Mapping[str, CampaignVerdict]) -> Outcome:
        found = verdicts.get(self._about(one))
        if found is None or one.page is None:
            return one
        fail_on = self.reports.reports[one.due.report].fail_on
        is_bad = fail_on is not None and is_as_bad_as(found.word, fail_on)
        return replace(one, word=found.word, is_bad=is_bad)

    def _write(
        self,
        campaign: str,
        outcomes: Sequence[Outcome],
        verdicts: Mapping[str, CampaignVerdict],
    ) -> None:
        """What became of a campaign's reports, in one transaction."""
        ledger = self.client.ledger
        before = {(run.report, run.campaign): run for run in ledger.report_runs.all()}
        with ledger.writing() as tx:
            for one in outcomes:
                key = (one.due.report, campaign)
                run = _run_after(one, before.get(key, ReportRun(*key)), self.now)
                ledger.report_runs.put(tx, run)
                if one.error:
                    self._tell_failure(tx, one, run)
            self._keep_verdicts(tx, campaign, outcomes, verdicts)
        ledger.audit_log.append_anchor()

    def _keep_verdicts(
        self,
        tx: sa.Connection,
        campaign: str,
        outcomes: Sequence[Outcome],
        verdicts: Mapping[str, CampaignVerdict],
    ) -> None:
        made = [one for one in outcomes if one.page]
        for about, verdict in verdicts.items():
            own = [one for one in made if self._about(one) == about] or made
            judgement_id = self.client.ledger.judgements.keep_in(
                tx, _judgement(verdict, about, own[0])
            )
            if about == RUN:
                self._tell_news(tx, campaign, verdict, judgement_id, made)

    def _tell_news(
        self,
        tx: sa.Connection,
        campaign: str,
        verdict: CampaignVerdict,
        judgement_id: str,
        made: Sequence[Outcome],
    ) -> None:
        ledger = self.client.ledger
        streak = ledger.judgements.streak_in(tx, campaign, RUN)
        if streak is None:
            return
        known = brief(verdict)
        for name, files in sorted(self._pages_by_channel(made).items()):
            channel = self.reports.channels[name]
            notice = news(name, channel, campaign, streak, judgement_id)
            if notice is None:
                continue
            pages = pages_of(files)
            message = verdict_webhook(
                notice, channel=channel, known=known, streak=streak, pages=pages, now=self.now
            )
            ledger.outbox.enqueue_message(tx, campaign, name, message)

    def _pages_by_channel(self, made: Sequence[Outcome]) -> dict[str, list[Path]]:
        """The new pages that each channel tells of."""
        pages: dict[str, list[Path]] = {}
        for one in made:
            if one.page is None:
                continue
            for name in self.reports.channels_of(one.due.report):
                pages.setdefault(name, []).append(one.page)
        return pages

    def _tell_failure(self, tx: sa.Connection, one: Outcome, run: ReportRun) -> None:
        """Told with the first failure of a row; the ids of the others are the same."""
        report = one.due.report
        campaign = one.due.campaign
        for name in self.reports.channels_of(report):
            notice = failure(name, report, campaign, run.failing_since or self.now)
            message = failure_webhook(notice, report, campaign, one.error, self.now)
            self.client.ledger.outbox.enqueue_message(tx, campaign, name, message)


def pages_of(files: Sequence[Path]) -> list[Page]:
    """The headings and names of pages, as messages name them."""
    pages = []
    for file in files:
        facts = read_facts(file.read_text(encoding="utf-8", errors="replace"))
        title = facts.title if facts else file.stem
        pages.append(Page(title, file.name))
    return pages


def _run_after(one: Outcome, before: ReportRun, now: float) -> ReportRun:
    """What the ledger says of a report after this run."""
    if one.page:
        return ReportRun(
            one.due.report,
            one.due.campaign,
            ran_at=now,
            data_digest=one.due.data_digest,
            rules_digest=one.due.rules_digest,
            page=str(one.page),
        )
    tries = before.tries + 1
    return replace(
        before,
        tries=tries,
        next_at=now + pause_s(tries),
        failing_since=before.failing_since or now,
        error=one.error,
    )


def _judgement(verdict: CampaignVerdict, about: str, one: Outcome) -> Judgement:
    record = verdict.record()
    return Judgement(
        campaign=verdict.facts.campaign,
        about=about,
        as_of=None,
        word=verdict.word,
        checks=canonical_json(record["checks"]),
        rules_digest=one.due.rules_digest,
        data_digest=one.due.data_digest,
        page=one.page.name if one.page else "",
        cost=one.seconds,
    )


def _place(notebook: str, home: Path) -> str:
    """A notebook's path is seen from the home."""
    return str(home / notebook) if notebook.endswith(".ipynb") else notebook


def _text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
