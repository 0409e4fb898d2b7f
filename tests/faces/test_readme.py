"""What the README shows is run, and what it lists is complete."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from cxtools import errors
from cxtools.cli import exits
from cxtools.cli.program import app
from cxtools.measures.catalogue import QUESTIONS
from cxtools.sending.spec import parse_spec
from cxtools.settings import VARIABLES, load_settings
from tests.conftest import Simulator

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Every command of the command line, as it is typed after `cxtools`."""
    group = typer.main.get_group(app)
    return [
        f"{name} {below}" if below else name
        for name, command in group.commands.items()
        for below in getattr(command, "commands", {"": None})
    ]


def test_the_python_example_runs(tmp_path: Path) -> None:
    """
    The first thing a newcomer copies, word for word: the list into the folder where Lab works, the
    cells there, against the simulator, in an empty home.
    """
    (tmp_path / "notebooks").mkdir()
    (simulate,) = re.findall(r"`\.venv/bin/cxtools (simulate recipients [^`]+)`", README)
    command = [sys.executable, "-m", "cxtools.cli", *simulate.split()]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    (example,) = blocks("python")
    script = example.replace(
        'cx.funnel("q3-update")', 'print("attempted", cx.funnel("q3-update").attempted.item())'
    )
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("CX", "CRM_"))
    }
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path / "notebooks",
        env=environ | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert 0 == ran.returncode, ran.stderr
    assert 90 <= int(ran.stdout.removeprefix("attempted")) <= 100
    assert (ROOT / "notebooks").is_dir()
    assert "`cx.explore()`" in README


def test_the_first_steps_on_the_command_line_fit_each_other(
    simulator: Simulator, tmp_path: Path
) -> None:
    """The spec, the list and the commands, as they stand there, one after the other in one folder."""
    (spec,) = (block for block in blocks("toml") if "subject" in block)
    (steps,) = (block for block in blocks("sh") if "cxtools send" in block)
    (tmp_path / "spec.toml").write_text(spec)
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
    }
    ran = subprocess.run(
        ["bash", "-eux", "-c", steps.replace("http://127.0.0.1:8080", simulator.url)],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert 0 == ran.returncode, ran.stdout + ran.stderr
    assert "100 planned" in ran.stdout
    assert Path(ran.stdout.splitlines()[-1]).name == "engagement_report-q3-update.html"
    assert 1 == len(simulator.truth()["jobs"])


def test_the_spec_example_is_right() -> None:
    """SPEC.toml as shown passes the plan's own check."""
    (spec,) = (block for block in blocks("toml") if "subject" in block)

    assert parse_spec(tomllib.loads(spec))


def test_the_profile_example_is_right(tmp_path: Path) -> None:
    """Every setting that the README names exists, with the default that it tells."""
    (profile,) = (block for block in blocks("toml") if "env_url" in block)
    (tmp_path / "profiles.toml").write_text(profile, encoding="utf-8")
    shown = load_settings("eu-production", {"CXTOOLS_HOME": str(tmp_path)})
    plain = load_settings(environ={})

    told = tomllib.loads(profile)["eu-production"].keys() - {
        "env_url",
        "client_id",
        "requests_per_s",
    }
    assert {name: getattr(plain, name) for name in told} == {
        name: getattr(shown, name) for name in told
    }


def test_the_row_of_questions_leads_to_all_of_them() -> None:
    """
    It names some, which exist, and says where the list is that the catalogue makes: `--help`, which
    has every question with the first words of its sentence.
    """
    (row,) = (line for line in README.splitlines() if line.startswith("| `cxtools funnel`"))
    names = re.findall(r"`(?:cxtools )?(\w+)`", row.split("|")[1])
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output

    assert len(names) > 5
    assert [] == [name for name in names if name not in QUESTIONS]
    assert "`cxtools --help` lists all" in row
    assert [] == [
        name
        for name, question in QUESTIONS.items()
        if not re.search(rf"\b{name}\b +{' '.join(question.question.split()[:3])}", shown)
    ]


@pytest.mark.parametrize("command", [name for name in commands() if name not in QUESTIONS])
def test_every_command_is_documented(command: str) -> None:
    """A command that the README doesn't name, nobody finds; questions have a list of their own."""
    first, _, second = command.partition(" ")
    rows = [line for line in README.splitlines() if line.startswith("| `cxtools")]

    assert [
        row
        for row in rows
        if re.search(rf"`(cxtools )?{first}\b", row)
        and (not second or re.search(rf"\b{second}\b", row))
    ]


@pytest.mark.parametrize(
    "line",
    [line for block in blocks("sh") for line in block.splitlines() if line.startswith("cxtools ")],
)
def test_commands_in_examples_exist_with_their_options(line: str) -> None:
    """Each option shown is known to its command."""
    words = line.partition("#")[0].split()[1:]
    command = typer.main.get_group(app).commands[words[0]]
    known = {option for parameter in command.params for option in parameter.opts}
    unknown = {word for word in words if word.startswith("-")} - known

    assert command.context_settings.get("ignore_unknown_options") or set() == unknown


@pytest.mark.parametrize(
    "target",
    sorted(
        set(
            re.findall(
                r"make ([a-z-]+)", README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
            )
        )
    ),
)
def test_make_targets_exist(target: str) -> None:
    """What the pages tell to make can be made."""
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(
    "variable", [*VARIABLES, "CXTOOLS_PROFILE", "CXTOOLS_PROFILES", "CXTOOLS_SECRETS_DIR"]
)
def test_every_variable_is_documented(variable: str) -> None:
    """All that is read from the environment stands in the table of settings."""
    assert f"`{variable}`" in README


def test_exit_codes_are_those_of_the_errors() -> None:
    """The README's table, `cxtools --help` and the errors know the same codes."""
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    raised = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.CxError)
    }

    of_commands = {
        exits.DONE,
        exits.UNKNOWN,
        exits.BAD_VERDICT,
        exits.NOT_UNDERSTOOD,
        exits.INTERRUPTED,
    }
    told = " ".join((app.info.help or "").split())

    assert raised | of_commands == codes == set(exits.MEANINGS)
    assert [] == [
        code for code, meaning in exits.MEANINGS.items() if f"{code} {meaning}" not in told
    ]


def test_links_to_files_lead_somewhere() -> None:
    """A picture or page that the README shows is there."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)

    assert [] == [link for link in links if not (ROOT / link).exists()]
