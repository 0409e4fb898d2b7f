"""Notebook jobs by the API of a real jupyter-scheduler, set up as the how-to page says."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.howto import follow
from tests.schedulers.conftest import HOWTO, environ, programs

PATIENCE_S = 240
TOKEN = "of-this-test"


class Server:
    """A JupyterLab with jupyter-scheduler, asked as its own pages ask it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str, document: Any = None) -> Any:
        body = None if document is None else json.dumps(document).encode()
        headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/{path}", body, headers)  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own server
            return json.load(answer)

    def answers(self) -> bool:
        try:
            return bool(self.ask("api/status"))
        except (OSError, ValueError):
            return False

    def run(self, **parameters: str) -> dict[str, Any]:
        """A job on the bounce report, at its end."""
        order = {
            "input_uri": "notebooks/bounce_report.ipynb",
            "name": "weekly",
            "runtime_environment_name": "here",
            "output_formats": ["html", "ipynb"],
            "parameters": parameters,
        }
        number = self.ask("scheduler/jobs", order)["job_id"]
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            job: dict[str, Any] = self.ask(f"scheduler/jobs/{number}")
            if job["status"] in ("COMPLETED", "FAILED"):
                return job
            time.sleep(1)
        raise AssertionError(f"not within {PATIENCE_S} s")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    folder = home.parent / "jupyter"
    folder.mkdir()
    own = {
        name: str(folder)
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    setting = environ(programs("scheduler"), home=home, **own)
    fault = follow(HOWTO / "schedule-in-jupyterlab.md", folder, setting)
    assert "" == fault
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += [
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}",
        "--ServerApp.root_dir=.",
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=setting, stdout=log, stderr=log)
    one = Server(f"http://127.0.0.1:{port}")
    until = time.monotonic() + PATIENCE_S
    while not one.answers():
        assert time.monotonic() < until, (folder / "log").read_text()
        time.sleep(0.5)
    yield one
    process.terminate()
    process.wait(30)


def staged(home: Path, job: dict[str, Any], ending: str) -> Path:
    """What a job wrote, where jupyter-scheduler keeps it."""
    (file,) = (home.parent / "jupyter").rglob(f"{job['job_id']}/*.{ending}")
    return file


def test_a_job_ends_with_the_page(server: Server, home: Path) -> None:
    """Its HTML is the page: all charts, nothing from elsewhere, the parameters of the job."""
    job = server.run(campaign="sound")
    page = staged(home, job, "html").read_text(encoding="utf-8")

    assert "COMPLETED" == job["status"], job["status_message"]
    assert "<h1>sound</h1>" in page
    assert "notebook bounce_report" in page
    assert 3 == len(re.findall(r'class="plot"', page))
    assert "<script src=" not in page


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"campaign": "sond"}, "there is no campaign 'sond'"),
        ({"campaign": "bad", "fail_on": "FAIL"}, "BadVerdict"),
        ({"campain": "sound"}, "no campaign is named"),
    ],
    ids=["unknown", "bad", "misspelt"],
)
def test_a_job_fails_where_it_should(parameters: dict[str, str], said: str, server: Server) -> None:
    """The list of jobs says why."""
    job = server.run(**parameters)

    assert "FAILED" == job["status"]
    assert said in job["status_message"]
