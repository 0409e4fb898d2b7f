"""
Examine an installation: settings, sign-in, ledger, store, report kernel. Asks the API only to sign
in and to read.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from cxtools.connection import Connection
from cxtools.errors import ConfigError, ContractError, CxError, Denied, ReportError, StoreError

FREE_BYTES_WANTED = 500 << 20


@dataclass(frozen=True)
class Finding:
    """
    One check: whether it passed, what was seen or what to mend, and the exit code it stands for.
    """

    check: str
    ok: bool
    says: str
    exit_code: int = 0


def examined(client: Connection) -> list[Finding]:
    """All findings, in the order of CHECKS; a check that fails doesn't stop the others."""
    return [_finding(name, check, client) for name, check in CHECKS.items()]


def _finding(name: str, check: Callable[[Connection], str], client: Connection) -> Finding:
    try:
        return Finding(name, True, check(client))
    except CxError as error:
        return Finding(name, False, str(error).replace("\n  ", " "), error.exit_code)
    except OSError as error:
        return Finding(
            name,
            False,
            f"{error}: see that CXTOOLS_HOME is a folder that can be written",
            StoreError.exit_code,
        )


def _settings(client: Connection) -> str:
    client.settings.needs("api")
    crm = "with" if client.settings.crm_webhook_url else "without"
    return f"profile {client.settings.profile!r}, {client.settings.env_url}, {crm} a CRM webhook"


def _http_stack(_client: Connection) -> str:
    from importlib.metadata import version

    import urllib3._version as stack

    # urllib3-future installs itself over urllib3 and numbers its patches from 900; it treats
    # cut-off answers in another way.
    if int(stack.__version__.split(".")[2]) >= 900:
        raise ConfigError(
            "urllib3 was replaced by urllib3-future",
            do="uninstall niquests and urllib3-future, reinstall urllib3, requests",
        )
    return f"requests {version('requests')}, urllib3 {stack.__version__}"


def _api(client: Connection) -> str:
    client.settings.needs("api")
    found = client.context.api.probe()
    if missing := found["missing_scopes"]:
        raise Denied(
            f"the client lacks {', '.join(missing)}",
            do="ask for these scopes, or for the role that brings them",
        )
    if found["suppressions"] != "ok":
        raise ContractError(f"suppressions can't be asked for: {found['suppressions']}")
    scopes = "not told" if found["scopes"] is None else ", ".join(found["scopes"])
    listing = (
        "lists all suppressions, suppression_listing may be set"
        if found["suppression_listing"]
        else "lists no suppressions"
    )
    return f"signed in at {found['url']} by {found['auth']}; scopes: {scopes}; {listing}"


def _ledger(client: Connection) -> str:
    from cxtools.ledger.version import NEWEST

    found = client.ledger.audit_log.verify()
    if found.faults:
        raise ConfigError(
            f"the audit log has faults: {found.faults[0]}", do="run `cxtools audit verify`"
        )
    return (
        f"{len(client.ledger.plans.names())} campaigns, schema version {NEWEST}, "
        f"audit log of {found.rows:,} rows intact, SQLite {sqlite3.sqlite_version}"
    )


def _store(client: Connection) -> str:
    return f"events of {len(client.store.campaigns())} campaigns in {client.store.root}"


def _space(client: Connection) -> str:
    client.settings.home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(client.settings.home).free
    if free < FREE_BYTES_WANTED:
        raise ConfigError(
            f"only {free >> 20} MiB are free in {client.settings.home}",
            do="free some space: a send stops when the ledger can't be written",
        )
    return f"{free >> 30} GiB free"


def _kernel(_client: Connection) -> str:
    from jupyter_client.kernelspec import KernelSpecManager

    if "python3" not in KernelSpecManager().find_kernel_specs():
        raise ReportError(
            "there is no Jupyter kernel `python3`", do="reinstall ipykernel into this environment"
        )
    return "kernel python3"


CHECKS: dict[str, Callable[[Connection], str]] = {
    "settings": _settings,
    "http": _http_stack,
    "api": _api,
    "ledger": _ledger,
    "store": _store,
    "space": _space,
    "reports": _kernel,
}
