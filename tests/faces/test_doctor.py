"""What the doctor finds, on a sound installation and on one with a fault."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest

from cxtools.connection import Connection
from cxtools.doctor import CHECKS, examine
from cxtools.settings import load_settings
from cxtools.simulated import SIMULATOR_ACCOUNT
from tests.conftest import Simulator
from tests.fault_server import FaultServer, Reply


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


def test_a_sound_installation_passes_every_check(simulator: Simulator, home: Path) -> None:
    """Each check says what it saw, in the order of the table."""
    settings = load_settings(environ={}, home=home, env_url=simulator.url, **SIMULATOR_ACCOUNT)
    findings = examine(Connection(settings, quiet=True))

    assert [check.name for check in CHECKS] == [finding.check for finding in findings]
    assert [] == [finding for finding in findings if not finding.ok or finding.exit_code]
    assert [] == [finding.check for finding in findings if not finding.says]


def test_a_failed_check_says_what_to_do_and_stops_no_other(home: Path) -> None:
    """Without any setting, the API's checks fail as configuration; the ledger's and others pass."""
    findings = examine(Connection(load_settings(environ={}, home=home), quiet=True))
    failed = {finding.check: finding for finding in findings if not finding.ok}

    assert {"settings": 2, "api": 2, "clock": 2} == {
        name: each.exit_code for name, each in failed.items()
    }
    assert [] == [finding.says for finding in failed.values() if "->" not in finding.says]


def test_every_check_asks_a_question() -> None:
    """The table can be read as a list of questions."""
    assert [] == [check.name for check in CHECKS if not check.question.endswith("?")]


def test_a_refused_read_is_the_apis_refusal(server: FaultServer, home: Path) -> None:
    """A 403 ends with 3, as it would end a send; it is no breach of the contract."""
    server.script("POST /v1/oauth2/token", Reply(200, {"access_token": "t", "expires_in": 3600}))
    server.script("GET /v1/communications/email/suppressions", Reply(403, {"Message": "no role"}))
    settings = load_settings(
        environ={}, home=home, env_url=server.url, client_id="a", client_secret="b"
    )
    findings = {each.check: each for each in examine(Connection(settings, quiet=True))}

    assert (False, 3) == (findings["api"].ok, findings["api"].exit_code)
    assert "403" in findings["api"].says


@pytest.mark.parametrize(
    ("off_s", "ok", "said"),
    [(-5, True, "ahead of"), (-3600, False, "1 h ahead of"), (86400, False, "behind the API's")],
)
def test_a_clock_that_is_far_from_the_apis_is_said(
    server: FaultServer, home: Path, off_s: float, ok: bool, said: str
) -> None:
    """By the Date of its answers; up to a minute is nothing."""
    moment = format_datetime(datetime.fromtimestamp(time.time() + off_s, UTC), usegmt=True)
    server.script("POST /v1/oauth2/token", Reply(200, {"access_token": "t", "expires_in": 3600}))
    server.script(
        "GET /v1/communications/email/suppressions",
        Reply(200, {"results": []}, headers={"Date": moment}),
    )
    settings = load_settings(
        environ={}, home=home, env_url=server.url, client_id="a", client_secret="b"
    )
    findings = {each.check: each for each in examine(Connection(settings, quiet=True))}

    assert ok == findings["clock"].ok
    assert said in findings["clock"].says


@pytest.mark.parametrize("name", ["file", "file/home"])
def test_a_home_that_can_not_be_made_is_found(tmp_path: Path, name: str) -> None:
    """Without making it: a file has its name, or that of a folder above it."""
    (tmp_path / "file").touch()
    settings = load_settings(environ={}, home=tmp_path / name)
    findings = {each.check: each for each in examine(Connection(settings, quiet=True))}

    assert not findings["space"].ok
    assert "see that CXTOOLS_HOME is a folder that can be written" in findings["space"].says


#: A file of the home, or what is done to its ledger -> the check that fails, and what it says.
BROKEN = {
    "reports.toml": ("x = [", "schedules", "the reports are not TOML"),
    "limits.toml": ("[hardd]\n", "policy", "there is no limit [hardd]"),
    "providers.toml": ("a.example = 7\n", "policy", "is not the name of a provider"),
    "ledger.sqlite": ("alter table batch drop column scans", "ledger", "lacks batch.scans"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_of_the_home_is_found(home: Path, name: str) -> None:
    """Before a schedule or a send meets it."""
    text, check, fault = BROKEN[name]
    settings = load_settings(environ={}, home=home)
    if name == "ledger.sqlite":
        assert [] == Connection(settings, quiet=True).ledger.plans.names()
        with sqlite3.connect(home / name) as ledger:
            ledger.execute(text)
    else:
        (home / name).write_text(text)
    findings = {each.check: each for each in examine(Connection(settings, quiet=True))}

    assert not findings[check].ok
    assert fault in findings[check].says
