"""The examples: whole files that people copy are run, or read by what they are meant for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from cxtools.bounce import judge
from cxtools.cli.program import app

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_a_script_runs(script: Path, tmp_path: Path) -> None:
    """As copied, in an empty folder and an empty home, against a simulator of its own."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert "Attempted" in ran.stdout


def test_own_bounce_rules_are_accepted_and_decide() -> None:
    """Each rule of the file reaches its own example."""
    own = judge((EXAMPLES / "bounce_rules.toml").read_text(encoding="utf-8"), "bounce_rules.toml")

    assert own.classify("550", "ACME Shield turned it away").rule == "acme_shield"
    assert own.classify("550", "This colleague no longer works here").rule == "left_the_company"


def test_commands_of_the_crontab_exist() -> None:
    """Five fields, then a command of the command line with options it knows."""
    lines = (EXAMPLES / "crontab").read_text(encoding="utf-8").splitlines()
    jobs = [line for line in lines if re.match(r"[\d*]", line)]
    commands = typer.main.get_group(app).commands

    assert len(jobs) == 2
    for job in jobs:
        program, name, *words = job.split()[5:]
        options = {option for each in commands[name].params for option in each.opts}
        assert program == "cxtools"
        assert {word for word in words if word.startswith("-")} <= options | {"--quiet"}


def test_every_example_is_explained() -> None:
    """The table of the folder names each file."""
    listed = set(re.findall(r"`([\w.]+)`", (EXAMPLES / "README.md").read_text(encoding="utf-8")))

    assert {path.name for path in EXAMPLES.iterdir()} - {"README.md"} <= listed
