"""
Reports: parameters checked before, every cell after, a clock over all; the pages and the index of a
folder.
"""

from __future__ import annotations

import json
import os
import re
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from cxtools import wording
from cxtools.charts import function_for
from cxtools.cli.exits import exit_code
from cxtools.errors import ConfigError, ReportError, StoreError
from cxtools.measures.catalogue import QUESTIONS
from cxtools.measures.catalogue.delivery import FUNNEL_COLUMNS
from cxtools.measures.question import Question
from cxtools.pages import catalogue
from cxtools.pages.catalogue import read_notebook, report_names
from cxtools.pages.checks import addresses, check_page
from cxtools.pages.disk import write_text
from cxtools.pages.facts import PageFacts, read_facts
from cxtools.pages.figures import take_figures
from cxtools.pages.glossary import TERMS, page_texts
from cxtools.pages.index import write_index
from cxtools.pages.page import render_page
from cxtools.pages.parameters import checked_parameters, declared_parameters
from cxtools.pages.run import render_report, render_reports
from cxtools.sending.campaign import Campaign
from tests import tables
from tests.conftest import Simulator
from tests.proof.ground import NAME, PEOPLE, SPEC, connection

EVENTS = """
    to  | kind     | at   | code  | text                      | url                  | email           | job
    ----+----------+------+-------+---------------------------+----------------------+-----------------+----
    ann | delivery | +0   |       |                           |                      | ann@gmail.com   | j1
    ann | open     | +60  |       |                           |                      | ann@gmail.com   | j1
    ann | click    | +90  |       |                           | https://x.example/a  | ann@gmail.com   | j1
    bob | delivery | +5   |       |                           |                      | bob@yahoo.com   | j1
    cid | bounce   | +2   | 5.1.1 | <cid@gmail.com> is gone   |                      | cid@gmail.com   | j1
"""


REPORTS = ["ab_report", "bounce_report", "engagement_report", "run_campaign", "trend_report"]
NOON = datetime(2026, 9, 20, 12, tzinfo=UTC)


@contextmanager
def full_disk(largest: int) -> Iterator[None]:
    """No file of this process and its children can be larger: the system refuses as a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def notebook(tmp_path: Path, *cells: str, parameters: str = 'campaign = "c"\nlimit = 5') -> str:
    """A notebook of these code cells, after its title and its parameters."""
    tagged = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    book = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# Trial"),
            tagged,
            *map(nbformat.v4.new_code_cell, cells),
        ]
    )
    nbformat.write(book, tmp_path / "trial.ipynb")
    return str(tmp_path / "trial.ipynb")


@pytest.fixture
def filled(home: Path) -> Path:
    """A home whose store holds the campaign `c`."""
    from cxtools.events.store import EventStore

    tables.store(EVENTS, into=EventStore(home / "events"))
    return home


@pytest.mark.parametrize(
    ("given", "checked"),
    [
        ({}, {"campaign": "c", "limit": 5, "rate": 0.5, "strict": False, "names": ["a"]}),
        ({"limit": "20"}, {"limit": 20}),
        ({"rate": 1}, {"rate": 1}),
        ({"rate": "0.25"}, {"rate": 0.25}),
        ({"strict": "true"}, {"strict": True}),
        ({"names": "a, b"}, {"names": ["a", "b"]}),
        ({"names": ("a", "b")}, {"names": ["a", "b"]}),
        ({"campaign": "20"}, {"campaign": "20"}),
    ],
)
def test_parameters_are_read_as_their_defaults_are(
    given: dict[str, Any], checked: dict[str, Any]
) -> None:
    """
    Text from a command line becomes the type of the notebook's default; a tuple, which papermill
    would turn into text, a list.
    """
    declared = {"campaign": "c", "limit": 5, "rate": 0.5, "strict": False, "names": ["a"]}

    assert declared | checked == checked_parameters(declared, given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"campain": "c"}, "it takes: campaign, limit"),
        ({"limit": "many"}, "limit must be int, not str"),
        ({"limit": True}, "limit must be int, not bool"),
        ({"campaign": Path("x")}, "campaign must be str"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_runs(
    given: dict[str, Any], said: str
) -> None:
    """papermill only warns about unknown names, and takes any type."""
    with pytest.raises(ReportError, match=said):
        checked_parameters({"campaign": "c", "limit": 5}, given)


@pytest.mark.parametrize("source", ["limit = 5 +", "limit = open('x')", "import os"])
def test_a_parameters_cell_holds_plain_values(source: str) -> None:
    """It is read without being run."""
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})]
    )

    with pytest.raises(ReportError, match="plain values"):
        declared_parameters(book)


def test_the_reports_are_named() -> None:
    """
    Unknown reports are answered with those that exist; the explorer has no parameters and is none.
    """
    assert REPORTS == report_names()
    with pytest.raises(ReportError, match=f"choose one of: {', '.join(REPORTS)}"):
        render_report("bounty", out=Path(), home=Path())


def test_two_reports_at_once_and_the_index(filled: Path, tmp_path: Path) -> None:
    """
    Pages, executed notebooks and index; a second run gives the same bytes; nothing tells of the
    machine or of a person.
    """
    out = tmp_path / "reports"
    wanted = [("bounce", {"campaign": "c"}), ("engagement_report", {"campaign": "c"})]
    render_reports(wanted, out=out, home=filled, now=NOON.timestamp)
    first = {file.name: file.read_bytes() for file in out.iterdir()}
    render_reports(wanted, out=out, home=filled, now=NOON.timestamp)

    assert [
        "bounce_report-c.html",
        "bounce_report-c.ipynb",
        "engagement_report-c.html",
        "engagement_report-c.ipynb",
        "index.html",
    ] == sorted(first)
    assert [] == [name for name, content in first.items() if content != (out / name).read_bytes()]
    for name, content in first.items():
        text = content.decode()
        assert set() == addresses(
            text if name.endswith("ipynb") else text.partition('id="bundle"')[0]
        ), name
        assert str(tmp_path) not in text, name
        assert len(content) < 900_000, name
    index = (out / "index.html").read_text()
    assert ["Bounce report", "Engagement report"] == [
        title for title in ("Bounce report", "Engagement report") if title in index
    ]
    assert "14 Sep 2026" in index
    assert "1 of 3 recipients" not in index.split("<table>")[0]
    assert "20 Sep 2026 12:00 UTC" in index
    assert "made on 20 Sep 2026 12:00 UTC" in first["bounce_report-c.html"].decode()


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("1 / 0", r"cell 2 of 3 failed: ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(0)", r"cell 2 of 3 failed: SystemExit: 0"),
        ("import os\nos._exit(1)", r"cell 2 of 3 failed: .*Kernel died"),
        ("raise ValueError('ann@example.com')", r"ValueError: …@…"),
    ],
)
def test_a_failing_cell_is_named_and_the_notebook_kept(
    cell: str, said: str, tmp_path: Path, home: Path
) -> None:
    """
    papermill takes `sys.exit(0)` for success and a lost kernel for a completed notebook; addresses
    don't reach the message.
    """
    out = tmp_path / "out"
    with pytest.raises(ReportError, match=said) as failed:
        render_report(notebook(tmp_path, cell, "42"), out=out, home=home)

    assert ["trial-c.failed.ipynb"] == [file.name for file in out.iterdir()]
    assert str(out / "trial-c.failed.ipynb") == failed.value.notebook
    assert (
        1
        == str(failed.value).count("trial-c.failed.ipynb")
        == str(failed.value).count(str(out / "trial-c.failed.ipynb"))
    )


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        (
            "bounce_report",
            {},
            "no campaign is named  [bounce_report]\n  -> say -p campaign=NAME, one of: c",
        ),
        (
            "bounce_report",
            {"campaign": "d"},
            "there is no campaign 'd'  [bounce_report]\n  -> say -p campaign=NAME, one of: c",
        ),
        (
            "run_campaign",
            {"campaign": "c"},
            "there is no campaign 'c' in the ledger  [run_campaign]\n  -> say -p campaign=NAME, one of: none yet; "
            "or send one with -p spec=SPEC.toml -p recipients=FILE -p send=true. For imported campaigns use bounce_report or engagement_report",
        ),
    ],
)
def test_a_campaign_that_is_not_there_is_refused_before_anything_runs(
    name: str, given: dict[str, Any], said: str, filled: Path, tmp_path: Path
) -> None:
    """The notebook's own default is for whoever opens it in Jupyter; nothing is left behind."""
    with pytest.raises(ReportError) as refused:
        render_report(name, given, out=tmp_path / "out", home=filled)

    assert said == str(refused.value)
    assert not (tmp_path / "out").exists()


def test_the_clock_ends_notebook_and_kernel(tmp_path: Path, home: Path) -> None:
    """
    A whole-run deadline: papermill's own is per cell and looks like success. The kernel is gone as
    well.
    """
    note = tmp_path / "kernel.pid"
    cell = f"import os, time\nopen({str(note)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    with pytest.raises(ReportError, match="did not end within 8 s"):
        render_report(notebook(tmp_path, cell), out=tmp_path, home=home, timeout_s=8)
    waited = time.monotonic()
    while alive(int(note.read_text())) and time.monotonic() < waited + 15:
        time.sleep(0.2)

    assert not alive(int(note.read_text()))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return (
        "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
        if Path(f"/proc/{pid}/status").exists()
        else True
    )


def test_the_notebook_runs_in_this_interpreter(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whatever kernels the machine has, the report's is the one that cxtools runs in; parameters, home
    and profile reach it, and the anchor's ledger is the profile's.
    """
    (home / "profiles.toml").write_text(f'[eu]\nledger = "sqlite:///{home / "eu.sqlite"}"\n')
    kernels = tmp_path / "jupyter" / "kernels" / "python3"
    kernels.mkdir(parents=True)
    (kernels / "kernel.json").write_text(
        json.dumps(
            {
                "argv": ["/bin/false", "{connection_file}"],
                "display_name": "other",
                "language": "python",
            }
        )
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    page = render_report(
        notebook(
            tmp_path,
            "import os, sys\nprint(limit, sys.version_info[:2], os.environ['CXTOOLS_HOME'].rpartition('/')[2],"
            "os.environ['CXTOOLS_PROFILE'])",
        ),
        {"limit": "7"},
        out=tmp_path,
        home=home,
        profile="eu",
    ).read_text()

    assert "7 (3, " in page
    assert " home eu" in page
    assert (home / "eu.sqlite").exists()


def test_the_anchor_is_of_the_ledger_that_was_asked(filled: Path, tmp_path: Path) -> None:
    """`-p profile=` reaches ledger, notebook and footer alike."""
    from cxtools.ledger.ledger import Ledger
    from cxtools.model import Recipient

    (filled / "profiles.toml").write_text(f'[eu]\nledger = "sqlite:///{filled / "eu.sqlite"}"\n')
    ledger = Ledger(f"sqlite:///{filled / 'eu.sqlite'}", now=time.time, home=filled)
    ledger.plans.write(
        "c",
        digest="d",
        spec={"limits": {"daily": None}},
        planned=[Recipient("ann@example.com")],
        batch_size=10,
    )
    page = render_report(
        "run_campaign", {"campaign": "c", "profile": "eu"}, out=tmp_path / "out", home=filled
    ).read_text()

    assert f"row {ledger.audit_log.head()[0]}, hash {ledger.audit_log.head()[1][:16]}" in page


@pytest.mark.parametrize(
    "body",
    [
        '<script src="https://cdn.example/x.js"></script>',
        "<img src=//x.example/p.gif>",
        '<link rel="stylesheet" href="http://x.example/a.css">',
        "<style>@import 'https://x.example/a.css'</style>",
        '<p style="background:url(https://x.example/p)">',
        '<meta http-equiv="refresh" content="0;url=/">',
    ],
)
def test_a_page_that_asks_the_network_is_refused(body: str) -> None:
    """Links are welcome; whatever a browser fetches by itself is not."""
    check_page('<a href="https://example.com">a link</a>')
    with pytest.raises(ReportError, match="from elsewhere"):
        check_page(body)


@pytest.mark.parametrize(
    "output",
    [
        "ann@example.com",
        "ann&#64;example.com",
        '<a href="/u?e=ann%40example.com">',
        '<a href="/r?to=https%3A%2F%2Fx.example%3Fe%3Dann%2540example.com">',
        "<i>ann.o'neil+x@example.co.uk</i>",
    ],
)
def test_a_page_with_an_address_is_refused(output: str) -> None:
    """Masked addresses pass, in whatever spelling a whole one comes."""
    check_page("<p>a***@example.com</p>")
    with pytest.raises(ReportError, match="an e-mail address would stand in the page unmasked"):
        check_page(f"<p>{output}</p>")


#: Where addresses stand in a page -> what its error says of them.
SECTION = '<h2 id="section-1-title">Links &amp; clicks</h2>'
UNMASKED = {
    f"{SECTION}<p>ann@x.example": (
        "an e-mail address would stand",
        "Links & clicks: a***@x.example",
    ),
    f"<p>ann@x.example</p>{SECTION}": ("an e-mail address would stand", "a***@x.example"),
    f"{SECTION}<p>bob@x.example ann@x.example bob@x.example": (
        "2 e-mail addresses would stand",
        "Links & clicks: a***@x.example",
    ),
}


@pytest.mark.parametrize("body", UNMASKED)
def test_who_makes_a_page_is_told_where_an_address_stands(body: str) -> None:
    """In which section, whose, without saying it; and what to do meanwhile."""
    with pytest.raises(ReportError) as caught:
        check_page(body)

    what, where = UNMASKED[body]
    assert f"{what} in the page unmasked" == caught.value.what
    assert where == caught.value.where
    assert "leave that cell out" in caught.value.do


def test_a_figure_with_an_address_is_named() -> None:
    """Its numbers travel along where nobody would see them."""
    meta = {"title": "Which links?", "columns": ["link_url"], "rows": [["x?e=ann%40x.example"]]}
    bar = {
        "application/vnd.plotly.v1+json": {
            "data": [{"type": "bar", "x": [1]}],
            "layout": {"meta": meta},
        }
    }
    with pytest.raises(ReportError) as caught:
        render_page(executed(bar), name="trial")

    assert "Which links?: a***@x.example" == caught.value.where


def executed(*outputs: dict[str, Any]) -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell(
        "", outputs=[nbformat.v4.new_output("display_data", data=data) for data in outputs]
    )
    book: nbformat.NotebookNode = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# Trial <i>x</i>"), cell]
    )
    return book


def run_with(book: nbformat.NotebookNode, **parameters: Any) -> nbformat.NotebookNode:
    """A notebook as papermill leaves it after a run with these parameters."""
    book.metadata["papermill"] = {"parameters": parameters}
    return book


def test_a_chart_that_the_bundle_lacks_is_refused() -> None:
    """plotly would draw it as a line and say nothing."""
    pie = {
        "application/vnd.plotly.v1+json": {"data": [{"type": "pie", "values": [1]}], "layout": {}}
    }
    with pytest.raises(ReportError, match="can't draw pie"):
        render_page(executed(pie), name="trial")


def test_data_can_not_end_its_script() -> None:
    """Names and texts in the figures' JSON and in parameters stay data."""
    bar = {
        "application/vnd.plotly.v1+json": {
            "data": [{"type": "bar", "x": ["</script><script>alert(1)//"]}],
            "layout": {"title": {"text": "a & b"}},
        }
    }
    page = render_page(run_with(executed(bar), campaign="<script>alert(2)</script>\u2028"))

    assert "<script>alert" not in page
    assert "\\u003c/script\\u003e" in page
    assert "\u2028" not in page.partition('id="figures"')[2]


def test_nothing_to_draw_is_a_sentence_of_the_page() -> None:
    """No empty frame: the sentence stands where the chart would be."""
    figure = function_for("bounces")(pd.DataFrame({"category": []}))
    page = render_page(
        executed({"application/vnd.plotly.v1+json": json.loads(figure.to_json())}),
        name="trial",
    )

    assert '<p class="nothing">No bounces.</p>' in page
    assert 'class="plot"' not in page


def test_a_page_that_is_too_large_is_refused() -> None:
    """900 kB is what travels by mail."""
    with pytest.raises(ReportError, match="bytes"):
        render_page(executed({"text/plain": "x" * 1_000_000}), name="trial")


def test_5000_personal_links_fit_on_a_page(home: Path, tmp_path: Path) -> None:
    """One id per recipient in a link is usual: one row, and a page as small as any other."""
    from cxtools.events.store import EventStore

    tables.store(
        "to | kind | at | url\n"
        + "".join(
            f"p{n} | delivery | +0 |\np{n} | click | +{n} | https://x.example/p?u={n}-0123456789abcdef0123456789abcdef\n"
            for n in range(5000)
        ),
        into=EventStore(home / "events"),
    )
    page = render_report("engagement_report", {"campaign": "c"}, out=tmp_path, home=home).read_text(
        "utf-8"
    )

    assert len(page.encode()) < 800_000
    assert "x.example/p?u=…" in page
    assert "u=4999-" not in page


def test_a_link_with_an_address_is_no_obstacle(home: Path, tmp_path: Path) -> None:
    """As it is, encoded once and twice: one link, and nobody's address."""
    from cxtools.events.store import EventStore

    tables.store(
        """
        to  | kind     | at  | url
        ann | delivery | +1  |
        ann | click    | +10 | https://shop.example/unsubscribe?email=ann@one.example
        bob | delivery | +1  |
        bob | click    | +20 | https://shop.example/unsubscribe?email=bob%40two.example
        cat | delivery | +1  |
        cat | click    | +30 | https://shop.example/unsubscribe?email=cat%2540two.example
        """,
        into=EventStore(home / "events"),
    )
    page = render_report("engagement_report", {"campaign": "c"}, out=tmp_path, home=home).read_text(
        "utf-8"
    )

    assert "shop.example/unsubscribe?email=…" in page
    assert "two.example" not in page


def test_60_campaigns_and_400_causes_fit_on_a_page(home: Path, tmp_path: Path) -> None:
    """Twenty rows stand in it and all travel along; the comparison has the last eight campaigns."""
    from cxtools.events.store import EventStore

    words = ["red", "green", "blue", "amber", "violet", "coral", "ivory", "olive"]
    names = [" ".join(three) for three in product(words, repeat=3)][:400]
    store = EventStore(home / "events")
    tables.store(
        "to | kind | at | code | text\n"
        + "".join(f"p{n} | bounce | +0 | 5.7.1 | no {names[n]} mail here\n" for n in range(400)),
        into=store,
    )
    for week in range(59):
        rows = f"to | kind | at\na | delivery | -{(week + 1) * 604800}"
        tables.store(rows, f"weekly-{week:02}", into=store)
    page = render_report("bounce_report", {"campaign": "c"}, out=tmp_path, home=home).read_bytes()

    assert len(page) < 900_000
    assert b"Showing 20 of 400." in page


@pytest.mark.parametrize(
    ("below_home", "modes"),
    [(True, {"reports": 0o700, "page": 0o600}), (False, {"reports": 0o755, "page": 0o644})],
)
def test_pages_at_home_are_private(
    filled: Path, tmp_path: Path, below_home: bool, modes: dict[str, int]
) -> None:
    """
    What lies below CXTOOLS_HOME is for its owner's eyes; a folder that somebody named keeps its own
    rights.
    """
    out = (filled if below_home else tmp_path) / "reports"
    before = os.umask(0o022)
    try:
        render_reports([("bounce", {"campaign": "c"})], out=out, home=filled)
    finally:
        os.umask(before)

    assert modes["reports"] == out.stat().st_mode & 0o777
    assert ["bounce_report-c.html", "bounce_report-c.ipynb", "index.html"] == sorted(
        file.name for file in out.iterdir() if file.stat().st_mode & 0o777 == modes["page"]
    )


@pytest.mark.parametrize(
    ("folder", "page"),
    [(0o700, 0o600), (0o750, 0o640), (0o755, 0o644), (0o775, 0o644), (0o777, 0o644)],
)
def test_a_page_is_read_by_whom_its_folder_is(tmp_path: Path, folder: int, page: int) -> None:
    """And written by its owner only, also where everybody may put files."""
    tmp_path.chmod(folder)

    assert page == write_text(tmp_path / "page.html", "").stat().st_mode & 0o777


def test_a_full_disk_leaves_no_partial_file(tmp_path: Path) -> None:
    """What can't be written whole is not there at all, and the message says where."""
    with (
        full_disk(1000),
        pytest.raises(StoreError, match="can't be written: File too large") as refused,
    ):
        write_text(tmp_path / "page.html", "x" * 5000)

    assert str(tmp_path / "page.html") in str(refused.value)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("largest", [500, 5_000, 40_000, 100_000])
def test_a_report_that_the_disk_refuses_leaves_nothing(
    filled: Path, tmp_path: Path, largest: int
) -> None:
    """
    However far the run came, at its first cell or at its page: a matter of the disk, not of the
    report; and nothing half written stays.
    """
    out = tmp_path / "out"
    with full_disk(largest), pytest.raises(StoreError, match="can't be written") as refused:
        render_report("bounce_report", {"campaign": "c"}, out=out, home=filled)

    assert "free some disk space" in str(refused.value)
    assert [] == [file for file in out.iterdir() if file.suffix == ".html" or "." in file.stem]


def test_a_folder_for_pages_that_is_a_file(filled: Path, tmp_path: Path) -> None:
    """The place can't be written: said with its path, before anything runs."""
    (tmp_path / "out").write_text("")
    with pytest.raises(StoreError, match="can't be written: File exists") as refused:
        render_report("bounce_report", {"campaign": "c"}, out=tmp_path / "out", home=filled)

    assert str(tmp_path / "out") in str(refused.value)


@pytest.mark.parametrize("text", ["", "text", "[]", "{}", '{"nbformat": 4}', '{"nbformat": 99}'])
def test_a_file_that_is_not_a_notebook(tmp_path: Path, text: str) -> None:
    """Whatever stands in it, it is refused by its path."""
    (tmp_path / "odd.ipynb").write_text(text)
    with pytest.raises(ReportError, match="the file is not a notebook") as refused:
        render_report(str(tmp_path / "odd.ipynb"), home=tmp_path)

    assert str(tmp_path / "odd.ipynb") in str(refused.value)


def test_what_runs_and_what_failed_is_private(tmp_path: Path, home: Path) -> None:
    """It can hold addresses that a page may not: its owner reads it, also in an open folder."""
    out = tmp_path / "out"
    cell = (
        "import os\nfrom pathlib import Path\n"
        f"[running] = Path({str(out)!r}).glob('*.partial.ipynb')\n"
        "raise ValueError(oct(running.stat().st_mode))"
    )
    before = os.umask(0o022)
    try:
        with pytest.raises(ReportError, match="ValueError: 0o100600"):
            render_report(notebook(tmp_path, cell), out=out, home=home)
    finally:
        os.umask(before)

    assert 0o600 == (out / "trial-c.failed.ipynb").stat().st_mode & 0o777


PAGES = ("run_campaign-q3.html", "bounce_report-q3.html", "bounce_report-q3-as-of-2026-09-14.html")


def test_pages_lead_to_those_of_the_same_campaign_and_moment(tmp_path: Path) -> None:
    """
    A link where a neighbour stands, none where there is none; a page that came to lie alone has the
    index only, and one whose links are right is not written again.
    """
    for name in PAGES:
        report = name.partition("-")[0]
        book = nbformat.v4.new_notebook(
            cells=[
                nbformat.v4.new_markdown_cell(f"# {report}"),
                nbformat.v4.new_markdown_cell("See the [bounce report](bounce_report.ipynb)."),
            ]
        )
        page = render_page(run_with(book, campaign="q3"), name=report)
        (tmp_path / name).write_text(page, encoding="utf-8")
    write_index(tmp_path)
    written = {name: (tmp_path / name).stat().st_mtime_ns for name in PAGES}
    leads = {name: re.findall(r'href="([^"#]+)"', (tmp_path / name).read_text()) for name in PAGES}
    write_index(tmp_path)

    assert {
        PAGES[0]: ["index.html", PAGES[1], PAGES[1]],
        PAGES[1]: ["index.html", PAGES[0], PAGES[1]],
        PAGES[2]: ["index.html", PAGES[2]],
    } == leads
    assert written == {name: (tmp_path / name).stat().st_mtime_ns for name in PAGES}
    (tmp_path / PAGES[1]).unlink()
    write_index(tmp_path)
    assert ["index.html"] == re.findall(r'href="([^"#]+)"', (tmp_path / PAGES[0]).read_text())


def test_the_index_lists_only_reports(tmp_path: Path) -> None:
    """Other pages in the folder are left alone; an empty folder has an index too."""
    (tmp_path / "other.html").write_text("<p>not ours</p>")

    index = write_index(tmp_path)
    assert index

    assert "other.html" not in index.read_text()


def test_a_campaign_of_which_only_unknown_is_known_has_its_report(
    simulator: Simulator, home: Path, tmp_path: Path
) -> None:
    """
    The answer to the submit was lost and there is no event: the page says so first, and whom to
    ask, instead of failing.
    """
    simulator.arm("post_reset_before_accept")
    client = connection(simulator.url, home, crm_webhook_url="")
    status = client.send(Campaign.from_list(PEOPLE[:5], name=NAME, **SPEC))
    page = render_report("run_campaign", {"campaign": NAME}, out=tmp_path, home=home).read_text(
        "utf-8"
    )

    assert ("unknown", 8) == (status.state, exit_code(status))
    assert "Whether 5 recipients were mailed is not known" in page
    assert f"batch {status.batches[0]['batch']}" in page
    assert "WARN" in page


def test_pages_go_to_the_home_where_no_folder_is_named(filled: Path) -> None:
    """`cxtools report` and `cx.report` write to the same place, and keep its index."""
    import cxtools as cx

    page = cx.report("bounce_report", campaign="c", home=filled)

    assert filled / "reports" / "bounce_report-c.html" == page
    assert "bounce_report-c.html" in (filled / "reports" / "index.html").read_text()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"spec": "spec.toml"},
            "a report sends nothing unless it is told to  [run_campaign]\n  -> say -p send=true",
        ),
        (
            {"send": "true", "campaign": "q3"},
            "there is nothing to send: no spec is named  [run_campaign]\n  -> say -p spec=SPEC.toml",
        ),
    ],
)
def test_a_report_sends_only_where_it_is_told_to(
    given: dict[str, Any], said: str, home: Path, tmp_path: Path
) -> None:
    """What a schedule runs mails nobody by accident: refused before anything runs."""
    with pytest.raises(ReportError) as refused:
        render_report("run_campaign", given, home=home, out=tmp_path / "out")

    assert said in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_a_notebook_sends_where_it_is_told_to(
    simulator: Simulator, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parameterised notebooks run campaigns: with send=true, on purpose, and one after the other."""
    for name, value in {
        "CXONE_ENV_URL": simulator.url,
        "CXONE_CLIENT_ID": "simulator",
        "CXONE_CLIENT_SECRET": "simulator",
    }.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "people.csv").write_text("email,firstName\nann@example.com,Ann\n")
    (tmp_path / "spec.toml").write_text(
        'name = "q3"\nsubject = "Q3"\nsender = "marketing@example.com"\n'
        'template_id = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"\n'
    )
    given = {
        "spec": str(tmp_path / "spec.toml"),
        "recipients": str(tmp_path / "people.csv"),
        "send": "true",
    }
    first = render_report("run_campaign", given, home=home)
    again = render_report("run_campaign", given, home=home)
    report = render_report("run_campaign", {"campaign": "q3"}, home=home)

    assert {"run_campaign-q3.html"} == {first.name, again.name, report.name}
    assert 1 == len(simulator.truth()["jobs"])
    assert [] == simulator.truth()["mailed_twice"]


def test_run_campaign_does_not_send_what_it_is_told_not_to(home: Path, tmp_path: Path) -> None:
    """The same holds for papermill without cxtools: the notebook's cell fails before any request."""
    import cxtools as cx

    with pytest.raises(ConfigError, match="send is False; nothing was sent"):
        cx.run_campaign(spec=str(tmp_path / "spec.toml"), send=False, home=home)


def test_a_report_of_ours_without_a_campaign_needs_none(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Declared parameters decide: a report over all campaigns declares none, and names none."""
    monkeypatch.setattr(catalogue, "FOLDERS", (tmp_path,))
    notebook(tmp_path, "print(f'{weeks} weeks')", parameters="weeks = 8")
    page = render_report("trial", {"weeks": "12"}, home=filled, out=tmp_path / "out")

    assert "trial.html" == page.name
    assert "12 weeks" in page.read_text()


def test_what_runs_is_called_partial(tmp_path: Path, home: Path) -> None:
    """Only what failed is called failed; of a report that was written nothing else is left."""
    cell = "import os\nprint([name for name in os.listdir(folder) if name.endswith('.ipynb')])"
    parameters = f"folder = {str(tmp_path / 'out')!r}"
    page = render_report(
        notebook(tmp_path, "1", cell, parameters=parameters), home=home, out=tmp_path / "out"
    )

    assert re.search(r"trial\.\w+\.partial\.ipynb", page.read_text())
    assert ["index.html", "trial.html", "trial.ipynb"] == sorted(
        file.name for file in (tmp_path / "out").iterdir()
    )


def test_the_next_success_takes_the_failure_away(tmp_path: Path, home: Path) -> None:
    """A kept notebook speaks of the last run, not of one before it."""
    with pytest.raises(ReportError):
        render_report(notebook(tmp_path, "1 / 0"), home=home, out=tmp_path / "out")
    before = sorted(file.name for file in (tmp_path / "out").iterdir())
    render_report(notebook(tmp_path, "1 / 1"), home=home, out=tmp_path / "out")

    assert ["trial-c.failed.ipynb"] == before
    assert not (tmp_path / "out" / "trial-c.failed.ipynb").exists()


OLD_PAGE = """<!DOCTYPE html>
<html lang="en"><head><style>p { color: red }</style>
<script type="application/json" id="about">{"campaign":"q2","events":12,"first_at":null,\
"headline":"A \\u003c B.","last_at":"2026-06-01T10:00:00+00:00","report":"bounce_report",\
"title":"Bounce report","word":"WARN"}</script></head><body><script id="figures">{}</script></body></html>
"""


@pytest.mark.parametrize(
    ("page", "facts"),
    [
        (
            OLD_PAGE,
            PageFacts(
                report="bounce_report",
                title="Bounce report",
                campaign="q2",
                word="WARN",
                headline="A < B.",
                events=12,
                last_at="2026-06-01T10:00:00+00:00",
            ),
        ),
        ('<script id="about">{"title":"T","later":"field"}</script>', PageFacts(title="T")),
        ('<script id="about">not JSON</script>', None),
        ('<script id="about">["a list"]</script>', None),
        ('<p id="about">{"title":"T"}</p>', None),
        ("<p>some other page</p>", None),
    ],
    ids=["of 0.1.0", "unknown field", "not JSON", "a list", "not a script", "not ours"],
)
def test_a_page_says_of_itself_what_an_index_shows(page: str, facts: PageFacts | None) -> None:
    """Also one of an earlier version; other files are not taken for pages."""
    assert facts == read_facts(page)


def test_the_index_lists_pages_of_0_1_0(tmp_path: Path) -> None:
    """Date, campaign, verdict and headline stand in their block."""
    (tmp_path / "bounce_report-q2.html").write_text(OLD_PAGE)
    index = write_index(tmp_path)
    assert index
    text = index.read_text()

    assert "1 Jun 2026 10:00 UTC" in text
    assert "WARN" in text
    assert "A &lt; B." in text


def test_an_index_of_someone_else_is_left_alone(tmp_path: Path) -> None:
    """Pages may go into a folder of a web server that has its own; ours is written over."""
    ours = write_index(tmp_path)
    again = write_index(tmp_path)
    assert ours
    ours.write_text("<h1>Welcome</h1>")

    assert ours == again
    assert write_index(tmp_path) is None
    assert "<h1>Welcome</h1>" == ours.read_text()


def test_a_page_defines_the_words_it_shows_and_no_others(filled: Path, tmp_path: Path) -> None:
    """A definition of a word that stands nowhere, or a word without one, sends a reader astray."""
    for report in ("bounce_report", "engagement_report"):
        page = render_report(report, {"campaign": "c"}, home=filled, out=tmp_path).read_text()
        book = read_notebook(tmp_path / f"{report}-c.ipynb")
        drawings = take_figures(book)
        shown = "\n".join(page_texts(book, drawings))
        terms = page.partition('<dl class="terms">')[2].partition("</dl>")[0]
        defined = re.findall(r"<dt>([^<]+)</dt>", terms)

        assert defined == [term.word for term in TERMS if term.stands_in(shown)]
        assert {"Delivery rate", "Open rate", "Click rate"} <= set(defined)
        assert "Submitted" not in defined


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("4,724 of 4,925 recipients were delivered", ["Recipient", "Delivered"]),
        ("Delivery rate", ["Delivery rate"]),
        ("95.9% (95.3–96.4), 0.2 points below the usual", ["95% interval", "Median", "Points"]),
        ("invalid mailbox · hard", ["Hard bounce"]),
        ("reputation block · block", ["Blocked", "Reputation block"]),
        ("a landing page for hardware", []),
    ],
)
def test_words_are_found_as_pages_write_them(text: str, words: list[str]) -> None:
    """In a heading, a sentence, a label or a number."""
    assert words == [term.word for term in TERMS if term.stands_in(text)]


def test_jargon_is_explained_where_it_is_used_first(filled: Path, tmp_path: Path) -> None:
    """Below the first figure or table with the word, and once."""
    page = render_report("bounce_report", {"campaign": "c"}, home=filled, out=tmp_path).read_text()
    below_causes = page.partition('aria-labelledby="section-1-title"')[2].partition("</section>")[0]

    assert "<b>Hard bounce</b>: The address is dead" in below_causes
    assert 1 == page.count("<b>Hard bounce</b>")
    assert "Greylisted" not in page


RATES = [
    question
    for question in QUESTIONS.values()
    if any(column.label == "Rate" for column in question.columns)
]


@pytest.mark.parametrize("question", RATES, ids=lambda question: question.name)
def test_a_rate_is_explained_as_its_question_counts_it(question: Question) -> None:
    """The word alone is of the attempted on one page, of the delivered on another."""
    [rate] = [column for column in question.columns if column.label == "Rate"]
    heads = "  ".join(wording.label(name) for name in question.shown)
    [said] = [term.meaning for term in TERMS if term.word == "Rate" and term.stands_in(heads)]

    assert f"of the {rate.whole}" in said


@pytest.mark.parametrize(
    "text", [column.label for column in FUNNEL_COLUMNS if column.name.endswith("_rate")]
)
def test_every_rate_has_a_definition(text: str) -> None:
    """A column of the funnel that is a rate is a word of the glossary, of its own."""
    words = [term.word for term in TERMS if term.stands_in(text)]

    assert [text.replace(" to ", "-to-")] == [word for word in words if word.endswith(" rate")]
