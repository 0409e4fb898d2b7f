"""What all tests share: the browser, and the rule that CI may not skip for want of one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

NO_CHROMIUM = "no Chromium"


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium: one on PATH, or Playwright's own (`.ci/chromium` installs one where it can)."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            return path
    sync_api = pytest.importorskip("playwright.sync_api", reason=NO_CHROMIUM)
    with sync_api.sync_playwright() as browsers:
        path = browsers.chromium.executable_path
    if not Path(path).exists():
        pytest.skip(NO_CHROMIUM)
    return path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where CI=true, a test that was skipped for want of a browser has failed: nobody looked at the page."""
    report = yield
    if report.skipped and NO_CHROMIUM in str(report.longrepr) and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped: {NO_CHROMIUM}; CI must not skip this"
    return report
