"""
A page as PDF, printed by the Chromium or Chrome of this machine.

The page's own styles for paper do the rest: what is folded in is printed, sheets have numbers. A
library that makes PDF of HTML would not run the script that draws the charts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from cxtools.errors import ReportError
from cxtools.events.own_folder import own_folder
from cxtools.pages.disk import write_bytes

#: What such a browser is called on PATH, or where macOS keeps it.
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
#: The charts are drawn meanwhile; the browser's clock runs as fast as it can.
DRAWING_MS = 20_000
TIMEOUT_S = 120.0
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--no-pdf-header-footer",
    f"--virtual-time-budget={DRAWING_MS}",
)
INSTEAD = "open the page in any browser and print it there, or leave --pdf out"


def find_browser() -> str:
    """
    The path of a Chromium or Chrome.

    Raises:
        ReportError: there is none.
    """
    for name in BROWSERS:
        path = shutil.which(name)
        if path:
            return path
    raise ReportError(
        "a PDF needs Chromium or Chrome, and there is none on PATH",
        do=f"install one, such as Debian's package chromium; or {INSTEAD}",
    )


def print_page(page: Path, browser: str, *, timeout_s: float = TIMEOUT_S) -> Path:
    """
    Print a page into a PDF beside it, and return its path.

    Raises:
        ReportError: the browser didn't print it, or not in time.
        StoreError: the disk refuses the PDF.
    """
    with tempfile.TemporaryDirectory(prefix="print-", dir=own_folder()) as folder:
        sheet = Path(folder) / "page.pdf"
        command = [browser, *FLAGS, f"--user-data-dir={folder}/profile"]
        if os.geteuid() == 0:  # it refuses to run as root otherwise; the page runs our script only
            command.append("--no-sandbox")
        command += [f"--print-to-pdf={sheet}", page.resolve().as_uri()]
        complaint = _complaint(command, timeout_s)
        if not sheet.exists():
            raise ReportError(
                f"the page could not be printed: {complaint}", where=browser, do=INSTEAD
            )
        return write_bytes(page.with_suffix(".pdf"), sheet.read_bytes())


def _complaint(command: list[str], timeout_s: float) -> str:
    """Run the browser; the last that it said if it failed."""
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return f"not done within {timeout_s:g} s"
    except OSError as refused:
        return refused.strerror or str(refused)
    return ran.stderr.strip().rpartition("\n")[2] or f"it ended with {ran.returncode}"
