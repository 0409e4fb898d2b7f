"""The DAGs in a real Airflow, set up as the how-to page says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.howto import follow
from tests.schedulers.conftest import EXAMPLES, HOWTO, ROOT, environ, programs


@pytest.fixture(scope="module")
def airflow(home: Path) -> dict[str, str]:
    """The environment of Airflow's workers, before anything is set up."""
    folder = home.parent / "airflow"
    folder.mkdir()
    return environ(
        programs("airflow"),
        home=home,
        AIRFLOW_HOME=str(folder),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        CXTOOLS_VENV=str(ROOT / ".venv"),
        CXTOOLS_EXAMPLES=str(EXAMPLES),
    )


def test_the_page_is_followed_and_a_bad_verdict_fails_the_run(
    airflow: dict[str, str], home: Path
) -> None:
    """
    Both DAGs run to success as the page shows them, and leave the page of the campaign. On a FAIL
    the page is made, too; the task `verdict` fails with cxtools' exit code, and with it the run.
    """
    assert "" == follow(HOWTO / "run-by-airflow.md", home.parent, airflow)

    reports = Path(airflow["AIRFLOW_HOME"]) / "reports"
    again = {
        **airflow,
        "CXTOOLS_REPORTS": str(reports),
        "CXTOOLS_NOTEBOOKS": str(reports.parent / "notebooks"),
    }
    ran = subprocess.run(
        ["airflow", "dags", "test", "cxtools_report", "--conf", '{"campaign": "bad"}'],
        env=again,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    said = ran.stdout + ran.stderr

    assert 0 != ran.returncode
    assert "non-zero exit code 9" in said
    assert (reports / "bounce_report-bad.html").exists()
    assert "FAIL" in (reports / "index.html").read_text(encoding="utf-8")
