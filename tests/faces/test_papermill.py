"""
Notebooks under plain papermill, as schedulers run them: typed parameters, no campaign but the one
that was meant, and an exit code that tells.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import cxtools as cx
from cxtools.errors import BadVerdict, ConfigError
from cxtools.events.store import EventStore
from cxtools.measures.engine import Engine
from cxtools.pages.catalogue import find_notebook
from cxtools.pages.exporter import write_page
from cxtools.verdicts.evidence import verdict_on
from tests import tables
from tests.faces.test_report import EVENTS

NOTEBOOKS = (
    "ab_report",
    "bounce_report",
    "engagement_report",
    "explore_deliverability",
    "run_campaign",
    "trend_report",
)
#: What is asked first of those that aren't about one campaign.
FIRST_PARAMETER = {
    "explore_deliverability": "campaigns: list",
    "trend_report": 'by: str (default "")',
}
#: Ninety of a hundred are gone: whatever else is so, the verdict is FAIL.
GONE = "to | kind | at | code | text\n" + "".join(
    f"p{number} | {'bounce' if number < 90 else 'delivery'} | +0 | 5.1.1 | no such user\n"
    for number in range(100)
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a sound campaign, a bad one, and one whose name is a number."""
    folder = tmp_path_factory.mktemp("home")
    store = EventStore(folder / "events")
    tables.store(EVENTS, "sound", into=store)
    tables.store(GONE, "bad", into=store)
    tables.store(EVENTS, "202609", into=store)
    return folder


def papermill(
    *words: str, home: Path, cwd: Path, **environ: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "papermill", "--no-progress-bar", *words],
        cwd=cwd,
        env={**os.environ, **environ, "CXTOOLS_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_parameters_tell_their_types(name: str, home: Path, tmp_path: Path) -> None:
    """`papermill --help-notebook` shows each with its type, its default and what it is."""
    told = papermill("--help-notebook", str(find_notebook(name)), home=home, cwd=tmp_path)

    assert "Unknown type" not in told.stdout
    assert FIRST_PARAMETER.get(name, 'campaign: str (default "")') in told.stdout


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("bounce_report", (), "ConfigError: no campaign is named"),
        ("bounce_report", ("campain", "bad"), "ConfigError: no campaign is named"),
        ("engagement_report", ("campaign", "sond"), "did you mean sound?"),
        ("run_campaign", (), "ConfigError: no campaign is named"),
        ("run_campaign", ("campaign", "sound"), "there is no campaign 'sound' in the ledger"),
        ("explore_deliverability", ("campaigns", "sound,bda"), "there is no campaign 'bda'"),
    ],
)
def test_a_campaign_that_was_not_meant_is_never_reported_on(
    name: str, given: tuple[str, ...], said: str, home: Path, tmp_path: Path
) -> None:
    """papermill only warns of a name that no notebook has."""
    words = ("-p", *given) if given else ()
    ran = papermill(str(find_notebook(name)), "out.ipynb", *words, home=home, cwd=tmp_path)

    assert 1 == ran.returncode
    assert said in ran.stderr


def test_a_name_that_is_a_number_is_a_name(home: Path, tmp_path: Path) -> None:
    """papermill makes a number of it."""
    notebook = str(find_notebook("bounce_report"))
    ran = papermill(notebook, "out.ipynb", "-p", "campaign", "202609", home=home, cwd=tmp_path)
    page = write_page(tmp_path / "out.ipynb", out=None, home=home).read_text("utf-8")

    assert 0 == ran.returncode, ran.stderr
    assert "<h1>202609</h1>" in page


def test_the_environment_names_the_campaign_of_a_notebook_that_names_none(
    home: Path, tmp_path: Path
) -> None:
    """Said by whoever set the variable; what is given goes before it."""
    notebook = str(find_notebook("engagement_report"))
    ran = papermill(notebook, "out.ipynb", home=home, cwd=tmp_path, CXTOOLS_CAMPAIGN="sound")

    assert 0 == ran.returncode, ran.stderr
    assert "<h1>sound</h1>" in write_page(tmp_path / "out.ipynb", out=None, home=home).read_text()


@pytest.mark.parametrize(
    ("fail_on", "code", "said"),
    [("FAIL", 1, "BadVerdict: bad: FAIL."), ("fatal", 1, "'fatal' is not a verdict")],
)
def test_a_bad_verdict_ends_the_run(
    fail_on: str, code: int, said: str, home: Path, tmp_path: Path
) -> None:
    """After all was shown: a page can still be made, where it was the verdict that ended it."""
    notebook = str(find_notebook("bounce_report"))
    given = ("-p", "campaign", "bad", "-p", "fail_on", fail_on)
    ran = papermill(notebook, "out.ipynb", *given, home=home, cwd=tmp_path)

    assert code == ran.returncode
    assert said in ran.stderr
    if fail_on == "FAIL":
        page = write_page(tmp_path / "out.ipynb", out=None, home=home).read_text("utf-8")
        assert 'class="plot"' in page
        assert "Exception" not in page.partition('id="numbers"')[0]


def test_report_ends_by_the_verdict_too(home: Path, tmp_path: Path) -> None:
    """By `--fail-on` and by `-p fail_on=`: the page first, then exit code 9; a sound one ends with 0."""
    codes = {}
    for words in (
        ("bad", "--fail-on", "FAIL"),
        ("bad", "-p", "fail_on=fail"),
        ("sound", "--fail-on", "FAIL"),
    ):
        ran = subprocess.run(
            [sys.executable, "-m", "cxtools.cli", "report", "bounce", *words, "--out", "pages"],
            cwd=tmp_path,
            env={**os.environ, "CXTOOLS_HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        codes[words] = (ran.returncode, ran.stdout)

    assert [
        (9, "pages/bounce_report-bad.html\n"),
        (9, "pages/bounce_report-bad.html\n"),
        (0, "pages/bounce_report-sound.html\n"),
    ] == list(codes.values())


def test_the_explorer_runs_without_a_person(home: Path, tmp_path: Path) -> None:
    """
    Its page shows the figures that the controls were left at; without their state, the one that is
    kept; and without that, it says so.
    """
    notebook = str(find_notebook("explore_deliverability"))
    given = ("-p", "campaigns", "bad, sound")
    ran = papermill(notebook, "out.ipynb", *given, home=home, cwd=tmp_path)
    page = write_page(tmp_path / "out.ipynb", out=None, home=home).read_text("utf-8")
    stateless = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    del stateless.metadata["widgets"]
    nbformat.write(stateless, tmp_path / "stateless.ipynb")
    kept = write_page(tmp_path / "stateless.ipynb", out=None, home=home).read_text("utf-8")
    stateless.cells[-1].outputs.pop()
    nbformat.write(stateless, tmp_path / "bare.ipynb")
    bare = write_page(tmp_path / "bare.ipynb", out=None, home=home).read_text("utf-8")

    assert 0 == ran.returncode, ran.stderr
    assert 3 == page.count('class="plot"')
    assert 1 == kept.count('class="plot"')
    assert "They were left at what is shown here" in kept
    assert "They were left at what is shown here" in page
    assert "VBox(" not in page + bare
    assert "doesn't hold what they showed" in bare


def test_a_verdict_ends_only_what_it_should(home: Path) -> None:
    """WARN is ended by WARN and FAIL, FAIL by FAIL; nothing by an empty word."""
    bad = verdict_on(Engine(EventStore(home / "events")), "bad")
    bad.stop_at("")
    for word in ("WARN", "FAIL", "fail"):
        with pytest.raises(BadVerdict, match="bad: FAIL"):
            bad.stop_at(word)


@pytest.mark.parametrize("given", [202609, "202609"], ids=["number", "text"])
def test_a_campaign_is_checked_by_its_name(given: str | int, home: Path) -> None:
    """A number is its text."""
    assert "202609" == cx.check_campaign(given, home=home)


def test_a_number_that_lost_its_zeros_is_answered_with_what_there_is(home: Path) -> None:
    """What papermill made of the text 202609.0 is nobody's name."""
    with pytest.raises(ConfigError, match=r"there is no campaign '202609.0'"):
        cx.check_campaign(202609.0, home=home)
