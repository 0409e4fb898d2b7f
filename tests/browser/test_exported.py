"""
The page of a notebook that somebody else ran: by papermill, in JupyterLab, by a scheduler. It is
the page of `cxtools report`, and a browser needs nothing else for it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbconvert
import nbformat
import pytest

from cxtools.errors import ReportError
from cxtools.events.store import EventStore
from cxtools.ledger.ledger import Ledger
from cxtools.model import Recipient
from cxtools.pages.catalogue import find_notebook
from cxtools.pages.executed import origin_of
from cxtools.pages.exporter import PageExporter, write_page
from cxtools.pages.run import render_report
from tests import tables
from tests.browser.conftest import Visiting
from tests.faces.test_report import EVENTS

pytestmark = pytest.mark.browser

REPORTS = ("run_campaign", "bounce_report", "engagement_report")
#: How many charts their pages have.
CHARTS = {"bounce_report": 3, "engagement_report": 4}
#: What no two runs share: when they ended, where the audit log stood; and the links to neighbours.
OF_THIS_RUN = re.compile(
    r'"made_at":"[^"]+"'
    r"|made on [^<]+"
    r"|<div><dt>Made on</dt>.*?</div>"
    r"|<div><dt>Audit log</dt>.*?</div>\n"
    r"|(?<=<!-- reports -->).*?(?=<!-- /reports -->)"
)
#: The same, but for the moment.
ANCHOR_AND_LINKS = re.compile(
    r"<div><dt>Audit log</dt>.*?</div>\n|(?<=<!-- reports -->).*?(?=<!-- /reports -->)"
    r'|(?<=data-report="bounce_report") href="[^"]+"|(?<=data-report="engagement_report") href="[^"]+"'
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose store and ledger know the campaign `c`."""
    folder = tmp_path_factory.mktemp("home")
    tables.store(EVENTS, into=EventStore(folder / "events"))
    ledger = Ledger(f"sqlite:///{folder / 'ledger.sqlite'}", now=time.time, home=folder)
    ledger.plans.write(
        "c",
        digest="d",
        spec={"limits": {"daily": None}},
        planned=[Recipient("ann@gmail.com")],
        batch_size=10,
    )
    return folder


@pytest.fixture(scope="module")
def reports(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the pages and notebooks of `cxtools report`."""
    folder = tmp_path_factory.mktemp("reports")
    for name in REPORTS:
        render_report(name, {"campaign": "c"}, out=folder, home=home)
    return folder


def run(*words: str, home: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A program of this environment, as a shell starts it."""
    folder = Path(sys.executable).parent
    return subprocess.run(
        [str(folder / words[0]), *words[1:]],
        cwd=cwd,
        env={**os.environ, "CXTOOLS_HOME": str(home), "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.mark.parametrize("name", REPORTS)
def test_a_kept_notebook_gives_its_page_again(
    name: str, home: Path, reports: Path, tmp_path: Path
) -> None:
    """Byte by byte, but for the audit log's anchor and the links between pages."""
    page = (reports / f"{name}-c.html").read_text(encoding="utf-8")
    again = write_page(reports / f"{name}-c.ipynb", out=tmp_path, home=home).read_text("utf-8")

    assert "<dt>Audit log</dt>" in page
    assert "<dt>Audit log</dt>" not in again
    assert ANCHOR_AND_LINKS.sub("", page) == ANCHOR_AND_LINKS.sub("", again)


@pytest.mark.parametrize("name", CHARTS)
def test_papermill_and_nbconvert_make_the_page(
    name: str, home: Path, reports: Path, tmp_path: Path, visit: Visiting
) -> None:
    """
    Both by their own programs, as a scheduler calls them: what `cxtools report` writes, all charts
    drawn, nothing asked of the network.
    """
    source = str(find_notebook(name))
    executed = run("papermill", source, "out.ipynb", "-p", "campaign", "c", home=home, cwd=tmp_path)
    exported = run("jupyter", "nbconvert", "--to", "cxtools", "out.ipynb", home=home, cwd=tmp_path)
    page = (reports / f"{name}-c.html").read_text(encoding="utf-8")
    charts = len(re.findall(r'class="plot"', page))

    assert (0, 0) == (executed.returncode, exported.returncode), executed.stderr + exported.stderr
    mine = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert OF_THIS_RUN.sub("", page) == OF_THIS_RUN.sub("", mine)
    assert "made on " in mine
    seen = visit(tmp_path / "out.html")
    assert charts == CHARTS[name]
    assert str(charts) == seen.charts()
    assert [] == seen.complaints
    assert [] == [url for url in seen.asked if not url.startswith(("file:", "blob:"))]


def test_the_command_lists_its_page_in_the_folder(
    home: Path, reports: Path, tmp_path: Path
) -> None:
    """With `--out` as `cxtools report` does; else beside the notebook, as nbconvert does."""
    notebook = str(reports / "bounce_report-c.ipynb")
    listed = run("cxtools", "page", notebook, "--out", "pages", home=home, cwd=tmp_path)
    (tmp_path / "mine.ipynb").write_bytes(Path(notebook).read_bytes())
    beside = run("cxtools", "page", "mine.ipynb", home=home, cwd=tmp_path)

    assert ("pages/bounce_report-c.html\n", "") == (listed.stdout, listed.stderr)
    assert "Bounce report" in (tmp_path / "pages" / "index.html").read_text()
    assert ("mine.html\n", "") == (beside.stdout, beside.stderr)
    assert not (tmp_path / "index.html").exists()


def book(*cells: nbformat.NotebookNode, **metadata: Any) -> nbformat.NotebookNode:
    """A notebook of these cells, after its parameters."""
    parameters = nbformat.v4.new_code_cell(
        'campaign: str = ""  # name\nlimit = 5',
        metadata={"tags": ["parameters"]},
        execution_count=1,
    )
    made: nbformat.NotebookNode = nbformat.v4.new_notebook(
        cells=[parameters, *cells], metadata=metadata
    )
    return made


def page_of(notebook: nbformat.NotebookNode) -> str:
    """As nbconvert asks for it."""
    page, _ = nbconvert.export(PageExporter, notebook)
    return str(page)


def injected(source: str) -> nbformat.NotebookNode:
    tags = {"tags": ["injected-parameters"]}
    cell: nbformat.NotebookNode = nbformat.v4.new_code_cell(
        source, metadata=tags, execution_count=2
    )
    return cell


def failed(name: str, text: str) -> nbformat.NotebookNode:
    fault = nbformat.v4.new_output("error", ename=name, evalue=text, traceback=[])
    cell: nbformat.NotebookNode = nbformat.v4.new_code_cell(
        "ask()", execution_count=3, outputs=[fault]
    )
    return cell


@pytest.mark.parametrize(
    ("notebook", "said"),
    [
        (book(nbformat.v4.new_code_cell("1 + 1")), "cell 2 of 2 failed: it was not run"),
        (book(failed("ValueError", "ann@example.com")), "cell 2 of 2 failed: ValueError: …@…"),
        (book(injected('campain = "c"')), "unknown parameter: campain"),
    ],
    ids=["not run", "failed", "misspelt"],
)
def test_what_is_no_answer_has_no_page(notebook: nbformat.NotebookNode, said: str) -> None:
    """A page that looks whole would be taken for one."""
    with pytest.raises(ReportError, match=said):
        page_of(notebook)


def test_a_notebook_that_ended_by_its_verdict_has_its_page() -> None:
    """`fail_on` ends it with an error after all was said; the page doesn't show papermill's banner."""
    banner = nbformat.v4.new_markdown_cell(
        "An Exception was encountered", metadata={"tags": ["papermill-error-cell-tag"]}
    )
    said = nbformat.v4.new_output("stream", name="stdout", text="all that there is")
    asked = nbformat.v4.new_code_cell("ask()", execution_count=2, outputs=[said])
    page = page_of(book(banner, asked, failed("BadVerdict", "FAIL")))

    assert "all that there is" in page
    assert "Exception" not in page


@pytest.mark.parametrize(
    ("notebook", "name", "origin"),
    [
        (book(), "out", ("out", {"campaign": "", "limit": 5}, None)),
        (book(injected("limit = 7")), "", ("", {"campaign": "", "limit": 7}, None)),
        (
            book(
                papermill={
                    "parameters": {"campaign": "c"},
                    "input_path": "s3://bucket/weekly.ipynb",
                    "end_time": "2026-09-14T10:00:00.123456",
                },
                cxtools={"report": "bounce_report"},
            ),
            "out",
            ("weekly", {"campaign": "c", "limit": 5}, "2026-09-14T10:00:00+00:00"),
        ),
        (
            book(cxtools={"report": "bounce_report", "made_at": "2026-09-14T12:00:00+02:00"}),
            "out",
            ("bounce_report", {"campaign": "", "limit": 5}, "2026-09-14T10:00:00+00:00"),
        ),
        (
            book(
                nbformat.v4.new_code_cell(
                    execution_count=2,
                    metadata={"execution": {"shell.execute_reply": "2026-09-14T10:00:01.5Z"}},
                )
            ),
            "out",
            ("out", {"campaign": "", "limit": 5}, "2026-09-14T10:00:01+00:00"),
        ),
    ],
    ids=["nobody", "a scheduler", "papermill", "cxtools", "jupyter"],
)
def test_a_notebook_tells_where_it_comes_from(
    notebook: nbformat.NotebookNode, name: str, origin: tuple[str, dict[str, Any], str | None]
) -> None:
    """Whoever ran it left report, parameters and moment in another place."""
    found = origin_of(notebook, name)
    moment = found.made_at.isoformat() if found.made_at else None

    assert origin == (found.report, found.parameters, moment)
