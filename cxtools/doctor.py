"""
Examine an installation: what is set up, what is missing, what to do. Asks the API only to sign in
and to read.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cxtools import wording
from cxtools.api.client import Client
from cxtools.bounce.own_rules import judge_by
from cxtools.connection import Connection
from cxtools.errors import ConfigError, CxError, Denied, ReportError, StoreError
from cxtools.files import check_is_local
from cxtools.measures.own_providers import OWN_PROVIDERS, providers_of
from cxtools.measures.own_purposes import OWN_LINKS, purposes_by
from cxtools.measures.rules_digest import OWN_RULES
from cxtools.refresh.channels import Channels
from cxtools.refresh.refresh import read_reports
from cxtools.refresh.reports import REPORTS
from cxtools.verdicts.own_limits import OWN_LIMITS, limits_by

MIB = 1 << 20
GIB = 1 << 30
LEAST_FREE_BYTES = 500 * MIB
#: Seconds that the clock may be off: signed webhooks are refused at 300.
MOST_SKEW_S = 60
KERNEL = "python3"
#: urllib3-future installs itself over urllib3, treats cut-off answers differently, and numbers its
#: patches from here.
FUTURE_PATCH = 900


class Check(NamedTuple):
    """
    One thing that is looked at. `look` says what it saw, or raises an error that says what to do.
    """

    name: str
    question: str
    look: Callable[[Connection], str]


@dataclass(frozen=True)
class Finding:
    """
    One check: whether it passed, what was seen or what to mend, and the exit code it stands for.
    """

    check: str
    ok: bool
    says: str
    exit_code: int = 0


def examine(client: Connection) -> list[Finding]:
    """All findings, in the order of CHECKS; a check that fails doesn't stop the others."""
    return [_find(check, client) for check in CHECKS]


def _find(check: Check, client: Connection) -> Finding:
    try:
        return Finding(check.name, True, check.look(client))
    except CxError as error:
        return Finding(check.name, False, str(error).replace("\n  ", " "), error.exit_code)
    except OSError as error:
        advice = f"{error}: see that CXTOOLS_HOME is a folder that can be written"
        return Finding(check.name, False, advice, StoreError.exit_code)


def _settings(client: Connection) -> str:
    settings = client.settings.needs("api")
    webhook = "with" if settings.crm_webhook_url else "without"
    return f"profile {settings.profile!r}, {settings.env_url}, {webhook} a CRM webhook"


def _http(_client: Connection) -> str:
    from importlib.metadata import version

    from urllib3._version import __version__ as urllib3_version

    patch = int(urllib3_version.split(".")[2])
    if patch >= FUTURE_PATCH:
        raise ConfigError(
            "urllib3 was replaced by urllib3-future",
            do="uninstall niquests and urllib3-future, reinstall urllib3, requests",
        )
    return f"requests {version('requests')}, urllib3 {urllib3_version}"


def _api(client: Connection) -> str:
    client.settings.needs("api")
    probe = Client(client.settings).probe()
    if probe.missing_scopes:
        raise Denied(
            f"the client lacks {', '.join(probe.missing_scopes)}",
            do="ask for these scopes, or for the role that brings them",
        )
    if probe.failure:
        raise probe.failure
    scopes = "not named by the server"
    if probe.scopes is not None:
        scopes = ", ".join(probe.scopes)
    listing = "can't list all suppressions"
    if probe.lists_suppressions:
        listing = "lists all suppressions, suppression_listing may be set"
    return f"signed in at {probe.url} by {probe.auth}; scopes: {scopes}; {listing}"


def _clock(client: Connection) -> str:
    moment = Client(client.settings).fetch_moment()
    if moment is None:
        return "the API's answers tell no moment to compare it with"
    ahead_s = time.time() - moment.timestamp()
    said = f"{wording.duration(abs(ahead_s))} {'ahead of' if ahead_s > 0 else 'behind'} the API's"
    if abs(ahead_s) > MOST_SKEW_S:
        raise ConfigError(
            f"this machine's clock is {said}",
            do="set it by a time server: events, quotas and waiting times go by it",
        )
    return said


def _schedules(client: Connection) -> str:
    reports = read_reports(client.settings.home)
    if not reports.reports:
        return f"no {REPORTS} in the home, so nothing is scheduled"
    return f"{wording.quantity(len(reports.reports), 'report')} in {REPORTS}"


def _channels(client: Connection) -> str:
    reports = read_reports(client.settings.home)
    Channels(client, reports, os.environ)
    return ", ".join(reports.channels) or "nobody is told of verdicts"


def _policy(client: Connection) -> str:
    home = client.settings.home
    limits_by(home / OWN_LIMITS)
    providers_of(home)
    purposes_by(home / OWN_LINKS)
    judge_by(home / OWN_RULES)
    files = (OWN_LIMITS, OWN_PROVIDERS, OWN_LINKS, OWN_RULES)
    own = [name for name in files if (home / name).exists()]
    return ", ".join(own) or "what ships: the home has no files of its own"


def _ledger(client: Connection) -> str:
    from cxtools.ledger.version import NEWEST, missing_columns

    if not client.has_ledger:
        return "there is none yet: the first send makes it"
    missing = missing_columns(client.ledger)
    if missing:
        raise StoreError(
            f"the ledger's schema {NEWEST} lacks {', '.join(missing)}",
            do="restore a backup: somebody changed its tables",
        )
    audit = client.ledger.audit_log.verify()
    if audit.faults:
        raise ConfigError(
            f"the audit log has faults: {audit.faults[0]}", do="run `cxtools audit verify`"
        )
    campaigns = len(client.ledger.plans.names())
    engine = "PostgreSQL"
    if client.settings.ledger_url.startswith("sqlite"):
        engine = f"SQLite {sqlite3.sqlite_version}"
    return (
        f"{campaigns} campaigns, schema version {NEWEST}, "
        f"audit log of {wording.count(audit.rows)} rows intact, {engine}"
    )


def _store(client: Connection) -> str:
    store = client.store
    return f"events of {len(store.campaigns())} campaigns in {store.root}"


def _space(client: Connection) -> str:
    home = client.settings.home
    check_is_local(home)
    folder = _nearest_folder(home)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise ConfigError(
            f"only {free // MIB} MiB are free in {home}",
            do="free some space: a send stops when the ledger can't be written",
        )
    return f"{free / GIB:,.1f} GiB free"


def _nearest_folder(home: Path) -> Path:
    """The home, or where it isn't there yet the folder that it will be made in."""
    nearest = next(each for each in (home, *home.absolute().parents) if each.exists())
    if not nearest.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(nearest))
    return nearest


def _reports(_client: Connection) -> str:
    from jupyter_client.kernelspec import KernelSpecManager

    if KERNEL not in KernelSpecManager().find_kernel_specs():
        raise ReportError(
            f"there is no Jupyter kernel `{KERNEL}`",
            do="reinstall ipykernel into this environment",
        )
    return f"kernel {KERNEL}"


CHECKS: tuple[Check, ...] = (
    Check("settings", "Is everything set that the API needs?", _settings),
    Check("http", "Is the HTTP library the one we were tested with?", _http),
    Check("api", "Can we sign in, with all rights, and read?", _api),
    Check("clock", "Is this machine's clock near the API's?", _clock),
    Check("ledger", "Is its schema ours, and is its audit log whole?", _ledger),
    Check("store", "Can the events be read?", _store),
    Check("space", "Is there room for the ledger?", _space),
    Check("policy", "Are own limits, providers and rules of bounces right?", _policy),
    Check("schedules", "Are scheduled reports right?", _schedules),
    Check("channels", "Is all there that messages to people need?", _channels),
    Check("reports", "Is there a kernel to run notebooks in?", _reports),
)
