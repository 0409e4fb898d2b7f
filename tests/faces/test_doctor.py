"""What the doctor finds, on a sound installation and on one with a fault."""

from __future__ import annotations

from pathlib import Path

from cxtools.connection import Connection
from cxtools.doctor import CHECKS, examine
from cxtools.settings import load_settings
from cxtools.simulated import SIMULATOR_ACCOUNT
from tests.conftest import Simulator


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

    assert {"settings": 2, "api": 2} == {name: each.exit_code for name, each in failed.items()}
    assert [] == [finding.says for finding in failed.values() if "->" not in finding.says]


def test_every_check_asks_a_question() -> None:
    """The table can be read as a list of questions."""
    assert [] == [check.name for check in CHECKS if not check.question.endswith("?")]
