"""
The wheel in a fresh environment and an empty folder: every command that a newcomer tries, the
notebooks by papermill, their pages by nbconvert.
"""

from __future__ import annotations

import re
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.browser.conftest import Visiting
from tests.installed.conftest import Installed

#: notebook -> what papermill is told
NOTEBOOKS = {
    "run_campaign": ("-p", "campaign", "q3-update"),
    "bounce_report": ("-p", "campaign", "q3-update"),
    "engagement_report": ("-p", "campaign", "q3-update"),
    "explore_deliverability": (),
}
HOME = "reports/demo/home"


@pytest.fixture(scope="module")
def demo(installed: Installed) -> Path:
    """The home that `cxtools demo` leaves in an empty folder."""
    ran = installed("cxtools", "demo")
    assert 0 == ran.returncode, ran.stderr
    assert "reports/demo/index.html" in ran.stdout
    return installed.folder / HOME


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_becomes_a_page(
    name: str, demo: Path, installed: Installed, visit: Visiting
) -> None:
    """papermill and nbconvert find all that they need; all charts are drawn, nobody is asked."""
    lie = Path(installed("cxtools", "notebooks", "--path").stdout.strip())
    home = {"CXTOOLS_HOME": str(demo)}
    executed = installed(
        "papermill", str(lie / f"{name}.ipynb"), f"{name}.ipynb", *NOTEBOOKS[name], **home
    )
    exported = installed("jupyter", "nbconvert", "--to", "cxtools", f"{name}.ipynb", **home)

    assert installed.programs.parent in lie.parents
    assert (0, 0) == (executed.returncode, exported.returncode), executed.stderr + exported.stderr
    page = installed.folder / f"{name}.html"
    charts = len(re.findall(r'class="plot"', page.read_text(encoding="utf-8")))
    seen = visit(page)
    assert charts >= 1
    assert str(charts) == seen.charts()
    assert [] == seen.complaints
    assert [] == [url for url in seen.asked if not url.startswith(("file:", "blob:"))]


def test_the_commands_of_the_first_hour(demo: Path, installed: Installed) -> None:
    """Each does what it says; JupyterLab, which isn't there, is asked for in words."""
    home = {"CXTOOLS_HOME": str(demo)}
    report = installed("cxtools", "report", "bounce", "q3-update", "--out", "pages", **home)
    copied = installed("cxtools", "notebooks", "mine")
    lab = installed("cxtools", "lab")
    refreshed = installed("cxtools", "refresh", "--dry-run", **home)

    assert (0, "pages/bounce_report-q3-update.html\n") == (report.returncode, report.stdout)
    assert 4 == len(list((installed.folder / "mine").glob("*.ipynb"))), copied.stderr
    assert 2 == lab.returncode
    assert "cxtools[lab]" in lab.stderr
    assert 0 == refreshed.returncode, refreshed.stderr


def test_the_simulator_ends_with_its_command(installed: Installed) -> None:
    """SIGTERM leaves nobody who serves."""
    command = [str(installed.programs / "cxtools"), "simulate", "--port", "0"]
    simulator = subprocess.Popen(
        command, cwd=installed.folder, env=installed.environ, stdout=subprocess.PIPE, text=True
    )
    assert simulator.stdout
    url = simulator.stdout.readline().removeprefix("listening on ").strip()
    urllib.request.urlopen(f"{url}/_sim/truth", timeout=30).close()  # noqa: S310 - our own simulator
    simulator.send_signal(signal.SIGTERM)
    simulator.wait(30)

    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/_sim/truth", timeout=30)  # noqa: S310 - our own simulator
