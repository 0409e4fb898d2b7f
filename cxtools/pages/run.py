"""
One run, one page: the request is checked before a kernel starts, the notebook is executed, the page
and the executed notebook are written, and the folder's index with them.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from cxtools.connection import Connection
from cxtools.errors import ReportError
from cxtools.pages.catalogue import find_notebook, is_ours, notebook_text, read_notebook
from cxtools.pages.disk import open_folder, working_notebook, write_report
from cxtools.pages.earlier import KEPT, drop_states, keep_state
from cxtools.pages.executed import sign
from cxtools.pages.execution import anonymous, execute
from cxtools.pages.facts import read_facts, verdict_in
from cxtools.pages.parameters import checked_parameters, declared_parameters
from cxtools.settings import load_settings
from cxtools.wording import did_you_mean

if TYPE_CHECKING:
    from cxtools.ledger.audit import Anchor

#: Tells seconds since 1970.
Clock = Callable[[], float]

#: Groups of fewer people are not shown by themselves on a page, unless a setting says otherwise.
LEAST_GROUP = 5
TIMEOUT_S = 600.0
#: How many reports of a set are run at the same time.
AT_ONCE = 2

#: Bytes of a report's name: files can't have longer ones than 255, with what is added to it.
LONGEST_STEM = 160


@dataclass(frozen=True)
class Request:
    """
    One run that is asked for, all its parameters checked.

    notebook    the notebook's file
    parameters  every parameter with its value
    overrides   those that were given; the others have the notebook's defaults
    profile     of the settings; None: the environment's
    campaign    the campaign that was named; "" where none was
    """

    notebook: Path
    parameters: Mapping[str, Any]
    overrides: Mapping[str, Any]
    profile: str | None
    campaign: str

    @property
    def name(self) -> str:
        """The report's name."""
        return self.notebook.stem

    @property
    def can_send(self) -> bool:
        """Does the notebook send where its parameters say so?"""
        return is_ours(self.notebook) and "send" in self.parameters

    @property
    def sends(self) -> bool:
        return self.can_send and bool(self.parameters["send"])

    @property
    def needs_campaign(self) -> bool:
        """
        Is it about a campaign that is there already? Someone else's notebook may mean other things
        by the word.
        """
        return is_ours(self.notebook) and "campaign" in self.parameters and not self.sends


def render_report(
    name: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    home: Path,
    out: Path | None = None,
    profile: str | None = None,
    timeout_s: float = TIMEOUT_S,
    now: Clock = time.time,
) -> Path:
    """
    Run the notebook *name* with these parameters, write `<out>/<name>-<campaign>.html` (with
    `as_of` in its name where that is given), the executed notebook beside it and the folder's
    index, and return the page's path.

    *name* is one of `report_names()` or the path of a notebook. A parameter may be given as text;
    it is read as the type of the notebook's default. *home* is the `CXTOOLS_HOME` that the notebook
    reads, and holds the pages in `reports` where no other folder is named. *profile* is the
    `CXTOOLS_PROFILE` (None: the environment's).

    Raises:
        ReportError: unknown notebook or parameter, wrong type, no campaign or one that isn't there,
        a cell that failed or didn't run, a page that breaks a promise. The partly run notebook is
        kept as `….failed.ipynb`; the error names it, the cell and its error.
        StoreError: the disk refuses the page or the notebook; neither is left half written.
    """
    request = make_request(name, parameters or {}, profile)
    page = render_request(request, home=home, out=out, timeout_s=timeout_s, now=now)
    from cxtools.pages.index import write_index  # loaded while the kernel ran

    write_index(page.parent)
    return page


def render_reports(
    wanted: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    home: Path,
    out: Path | None = None,
    now: Clock = time.time,
) -> list[Path]:
    """
    Several reports (name, parameters) at once, each in its own process, and the folder's index. The
    first failure is raised after all have ended.
    """
    requests = [make_request(name, parameters) for name, parameters in wanted]
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        runs = [
            pool.submit(render_request, request, home=home, out=out, now=now)
            for request in requests
        ]
    pages = [run.result() for run in runs]
    from cxtools.pages.index import write_index

    for folder in {page.parent for page in pages}:
        write_index(folder)
    return pages


def make_request(name: str, parameters: Mapping[str, Any], profile: str | None = None) -> Request:
    """
    A request with every parameter checked.

    Raises:
        ReportError: unknown notebook or parameter, or a value of the wrong type.
    """
    notebook = find_notebook(name)
    declared = declared_parameters(read_notebook(notebook))
    checked = checked_parameters(declared, parameters, notebook.stem)
    campaign = checked.get("campaign")
    if is_ours(notebook):
        profile = checked.get("profile") or profile
    return Request(
        notebook=notebook,
        parameters=checked,
        overrides={key: checked[key] for key in parameters},
        profile=profile,
        campaign=str(campaign or ""),
    )


def render_request(
    request: Request,
    *,
    home: Path,
    out: Path | None = None,
    timeout_s: float = TIMEOUT_S,
    now: Clock = time.time,
    keep: int = KEPT,
) -> Path:
    """
    Run what is asked for, and write the page and the executed notebook; see `render_report`. What
    the page said before is kept beside it, the last *keep* times.
    """
    environ = {**os.environ, "CXTOOLS_HOME": str(home.resolve())}
    if request.profile:
        environ["CXTOOLS_PROFILE"] = request.profile
    check_sending(request)
    client = Connection(load_settings(request.profile, environ=environ))
    if client.settings.least_group is None:
        environ["CXTOOLS_LEAST_GROUP"] = str(LEAST_GROUP)
    check_campaign(request, client)
    folder = open_folder(out or home / "reports", home)
    stem = file_stem(request, request.campaign)
    failed = folder / f"{stem}.failed.ipynb"
    Thread(target=load_what_follows).start()
    with working_notebook(folder, stem) as partial:
        try:
            notebook = execute(
                request.notebook, partial, request.overrides, environ=environ, timeout_s=timeout_s
            )
            from cxtools.pages.page import render_page

            campaign = verdict_in(notebook).get("campaign") or request.campaign
            sign(notebook, report=request.name, made_at=datetime.fromtimestamp(now(), UTC))
            page = render_page(anonymous(notebook), anchor=audit_anchor(client, campaign))
        except ReportError as error:
            keep_failed(partial, failed, error)
            raise
    stem = file_stem(request, campaign)
    file = folder / f"{stem}.html"
    notebook_file = folder / f"{stem}.ipynb"
    facts = read_facts(page)
    if facts is not None:
        keep_state(file, facts)
    write_report({notebook_file: notebook_text(notebook), file: page})
    drop_states(file, keep=keep, now=now())
    failed.unlink(missing_ok=True)
    return file


def load_what_follows() -> None:
    """
    Load what makes pages, and what reads the ledger and layers for them: it takes a second, in
    which the kernel starts.
    """
    import pyarrow.parquet  # noqa: F401

    import cxtools.ledger.ledger
    import cxtools.pages.index  # noqa: F401


def check_sending(request: Request) -> None:
    """
    Reports are run by schedules, again and again: one that can send does so only where `send` says
    so.
    """
    if not request.can_send:
        return
    spec = request.parameters.get("spec")
    if spec and not request.sends:
        raise ReportError(
            "a report sends nothing unless it is told to",
            where=request.name,
            do="say -p send=true to send what the spec says; "
            "or leave the spec out, and say -p campaign=NAME to report on what was sent",
        )
    if request.sends and not spec:
        raise ReportError(
            "there is nothing to send: no spec is named",
            where=request.name,
            do="say -p spec=SPEC.toml -p recipients=FILE, or leave send out",
        )


def check_campaign(request: Request, client: Connection) -> None:
    """
    Refuse a report on a campaign that isn't there before a kernel starts: sent ones are in the
    ledger, their events in the store.
    """
    if not request.needs_campaign:
        return
    known = known_campaigns(request, client)
    if request.campaign in known:
        return
    place = " in the ledger" if request.can_send else ""
    problem = f"there is no campaign {request.campaign!r}{place}"
    if not request.campaign:
        problem = "no campaign is named"
    choices = ", ".join(known) or "none yet"
    meant = did_you_mean(request.campaign, known)
    advice = f"{meant}say -p campaign=NAME, one of: {choices}"
    if request.can_send:
        advice += (
            "; or send one with -p spec=SPEC.toml -p recipients=FILE -p send=true. "
            "For imported campaigns use bounce_report or engagement_report"
        )
    raise ReportError(problem, where=request.name, do=advice)


def known_campaigns(request: Request, client: Connection) -> list[str]:
    """The campaigns that a report can be about; a ledger that isn't there is not made."""
    if not request.can_send:
        return client.store.campaigns()
    return client.ledger.plans.names() if client.has_ledger else []


def audit_anchor(client: Connection, campaign: str) -> Anchor | None:
    """Where the audit log ends, if its ledger knows the campaign."""
    if client.has_ledger and campaign in client.ledger.plans.names():
        return client.ledger.audit_log.head()
    return None


def file_stem(request: Request, campaign: str) -> str:
    """
    The name of a report's files: `bounce_report-q3-update`, and the moment that it looks back to,
    what it compares and is limited to, where these were given.
    """
    parts = [request.name, campaign]
    for name in ("as_of", "by", "where"):
        value = request.overrides.get(name)
        if value:
            parts.append(f"{name.replace('_', '-')}-{value}")
    safe = [re.sub(r"[^\w.-]+", "_", part) for part in parts if part]
    stem = "-".join(safe)
    if len(stem.encode()) <= LONGEST_STEM:
        return stem
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    return f"{stem.encode()[:LONGEST_STEM].decode(errors='ignore')}-{digest}"


def keep_failed(partial: Path, failed: Path, error: ReportError) -> None:
    """Keep the partly run notebook, and let the error say where."""
    if not partial.exists():
        return
    partial.replace(failed)
    error.notebook = str(failed)
    place = f"look at the kept notebook: {failed.resolve()}"
    error.do = f"{error.do}; {place}" if error.do else place
