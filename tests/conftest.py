"""
What all tests share: a simulator, a home, a clean environment, and the browser with the rule that
CI may not skip for want of one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from cxtools import formats
from tests.imports import target  # noqa: F401 - a fixture
from tests.postgres import ledger_url, postgres  # noqa: F401 - fixtures
from tests.spark import spark_master  # noqa: F401 - a fixture

#: Run by hand, with the code of an earlier version.
collect_ignore = ["proof/ledgers/make_first.py"]

NO_CHROMIUM = "no Chromium"
CRM_SECRET = "whsec_c2ltdWxhdGVkLXNlY3JldA=="


class Simulator:
    """A simulator in a process of its own, and what a test may ask of it beside the API."""

    def __init__(self, *flags: str, environment: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "cxtools.simulator", "--exit-on-eof", *flags]
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.url = self.process.stdout.readline().removeprefix("listening on ").strip()
        assert self.url, "the simulator did not start"

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """GET a control endpoint, or POST to it; HTTPError when it refuses."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/_sim/{path}", data, timeout=60) as answer:  # noqa: S310 - our own simulator
            return json.load(answer)

    def truth(self) -> dict[str, Any]:
        truth: dict[str, Any] = self.control("truth")
        return truth

    def reset(self, **setup: Any) -> None:
        """A new world: the flags this process was started with, and these changes."""
        self.control("reset", setup)

    def arm(self, fault: str | None, **how: Any) -> None:
        """
        Let a fault strike: once, or as `count` (None: always), `after`, `share`, `endpoint` say;
        None disarms all.
        """
        self.control("faults", {"name": fault, **how})

    def advance(self, seconds: float) -> None:
        self.control("advance", {"seconds": seconds})

    def suppress(self, addresses: list[str]) -> None:
        self.control("suppress", {"addresses": addresses})

    def revoke_tokens(self) -> None:
        self.control("tokens/revoke", {})

    def received(self, *, raw: bool = False) -> list[dict[str, Any]]:
        """The webhooks that came: their JSON, or raw with headers and body as sent."""
        hooks: list[dict[str, Any]] = self.control("crm/received")
        return hooks if raw else [json.loads(hook["body"]) for hook in hooks]

    def stop(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=10)


@pytest.fixture(scope="session")
def start_simulator() -> Iterator[Callable[..., Simulator]]:
    """
    Start simulators with flags: `start_simulator(seed=8, speed="inf", suppression_404=True,
    fault="hang=1")`; in an environment of their own, if one is given.
    """
    started: list[Simulator] = []

    def start(environment: dict[str, str] | None = None, **flags: Any) -> Simulator:
        words = [
            f"--{name.replace('_', '-')}"
            if value is True
            else f"--{name.replace('_', '-')}={value}"
            for name, value in flags.items()
        ]
        started.append(Simulator(*words, environment=environment))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="session")
def _simulator(start_simulator: Callable[..., Simulator]) -> Simulator:
    return start_simulator(crm_secret=CRM_SECRET)


@pytest.fixture
def simulator(_simulator: Simulator) -> Simulator:
    """
    The simulator of this session in a new world, at its default speed: jobs take a second, a week
    takes ten.
    """
    _simulator.reset()
    return _simulator


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty CXTOOLS_HOME."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have credentials set; no test may see them."""
    for name in [name for name in os.environ if name.startswith(("CXONE_", "CRM_", "CXTOOLS_"))]:
        monkeypatch.delenv(name)
    formats.use(formats.Formats())


@pytest.fixture(scope="session")
def chromium() -> str:
    """
    The path of a Chromium: one on PATH, or Playwright's own (`.ci/chromium` installs one where it
    can).
    """
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            return path
    sync_api = pytest.importorskip("playwright.sync_api", reason=NO_CHROMIUM)
    with sync_api.sync_playwright() as browsers:
        path = browsers.chromium.executable_path
    if not Path(path).exists():
        pytest.skip(NO_CHROMIUM)
    return str(path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """
    Where CI=true, a test that was skipped for want of a browser has failed: nobody looked at the
    page.
    """
    report = yield
    if report.skipped and NO_CHROMIUM in str(report.longrepr) and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped: {NO_CHROMIUM}; CI must not skip this"
    return report
