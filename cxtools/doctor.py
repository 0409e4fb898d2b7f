"""
Examine an installation: what is set up, what is missing, what to do. Asks the API only to sign in
and to read.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from cxtools import wording
from cxtools.connection import Connection
from cxtools.errors import ConfigError, ContractError, CxError, Denied, ReportError, StoreError
from cxtools.files import make_private_folder

MIB = 1 << 20
GIB = 1 << 30
LEAST_FREE_BYTES = 500 * MIB
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
    probe = client.context.api.probe()
    if probe.missing_scopes:
        raise Denied(
            f"the client lacks {', '.join(probe.missing_scopes)}",
            do="ask for these scopes, or for the role that brings them",
        )
    if probe.failure:
        raise ContractError(f"suppressions can't be asked for: {probe.failure}")
    scopes = "not named by the server"
    if probe.scopes is not None:
        scopes = ", ".join(probe.scopes)
    listing = "can't list all suppressions"
    if probe.lists_suppressions:
        listing = "lists all suppressions, suppression_listing may be set"
    return f"signed in at {probe.url} by {probe.auth}; scopes: {scopes}; {listing}"


def _ledger(client: Connection) -> str:
    from cxtools.ledger.version import NEWEST

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
    make_private_folder(home)
    free = shutil.disk_usage(home).free
    if free < LEAST_FREE_BYTES:
        raise ConfigError(
            f"only {free // MIB} MiB are free in {home}",
            do="free some space: a send stops when the ledger can't be written",
        )
    return f"{free / GIB:,.1f} GiB free"


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
    Check("ledger", "Can it be opened, and is its audit log whole?", _ledger),
    Check("store", "Can the events be read?", _store),
    Check("space", "Is there room for the ledger?", _space),
    Check("reports", "Is there a kernel to run notebooks in?", _reports),
)
