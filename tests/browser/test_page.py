"""
Pages in a real browser: every chart drawn, nothing asked of the network, readable by everyone, in
light and dark, on paper and on a phone.
"""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from plotly.offline import get_plotlyjs_version
from typer.testing import CliRunner

from cxtools.charts import style
from cxtools.cli.program import app
from cxtools.errors import ReportError
from cxtools.measures.engine import Engine
from cxtools.pages.index import write_index
from cxtools.pages.page import BUNDLE, render_page
from cxtools.pages.paper import print_page
from cxtools.verdicts.evidence import verdict_on
from tests.browser.conftest import Visiting
from tests.tables import ask, store
from tests.unit.test_charts import DRAWN, STORE
from tests.unit.test_portfolio import COUNTS, facts, put

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, Locator

pytestmark = pytest.mark.browser

#: 45 links, the first of them followed by one person, the last by 45.
MANY = store(
    "to | kind | at | url\n"
    + "".join(
        f"p{person} | click | +{link} | https://x.example/{link:02}\n"
        for link in range(45)
        for person in range(link + 1)
    )
)


#: The figures that have something to draw; the others are a sentence.
CHARTS = sum(bool(table().chart().data) for table in DRAWN.values())


def displayed(thing: Any) -> dict[str, Any]:
    """What a notebook would keep of a thing at the end of a cell."""
    if hasattr(thing, "to_plotly_json"):
        return {"application/vnd.plotly.v1+json": json.loads(thing.to_json())}
    own: dict[str, Any] = thing._repr_mimebundle_()
    return own | ({"text/html": thing._repr_html_()} if hasattr(thing, "_repr_html_") else {})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one page that holds every chart, a verdict and a table, and the index."""
    shown = [
        verdict_on(Engine(STORE), "c", about="bounces"),
        *(table().chart() for table in DRAWN.values()),
        ask("data_quality", STORE, "c"),
        ask("links", MANY, "c"),
    ]
    cells = [nbformat.v4.new_markdown_cell("# Every chart\n\nWhat does each look like?")]
    for number, thing in enumerate(shown):
        cells += (
            [nbformat.v4.new_markdown_cell(f"## Part {number}\n\nA sentence.")] if number else []
        )
        cells += [
            nbformat.v4.new_code_cell(
                "x", outputs=[nbformat.v4.new_output("display_data", data=displayed(thing))]
            )
        ]
    path = tmp_path_factory.mktemp("pages")
    book = nbformat.v4.new_notebook(cells=cells)
    book.metadata["papermill"] = {"parameters": {"campaign": "c"}}
    (path / "all-c.html").write_text(render_page(book, name="all"), encoding="utf-8")
    write_index(path)
    return path


def box_of(shown: Locator) -> FloatRect:
    """Where it stands on the page; it is there to be seen."""
    box = shown.bounding_box()
    assert box
    return box


def test_the_bundle_is_of_the_installed_plotly() -> None:
    """
    A figure is drawn by the version it was written for; the licence travels along; it is small
    enough to put into each page.
    """
    source = zlib.decompress(BUNDLE.read_bytes()).decode()

    assert source.startswith(
        f"/*!\nplotly.js v{get_plotlyjs_version()} (core, scatter, bar, heatmap, funnel)\nMIT License"
    )
    assert BUNDLE.stat().st_size <= 450_000
    assert style.TRACES == tuple(
        sorted(source.partition("(core, ")[2].partition(")")[0].split(", "))
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_every_chart_is_drawn_for_every_reader(
    visit: Visiting, folder: Path, size: str, scheme: str
) -> None:
    """
    All charts, no complaint, no request but for the page itself, nothing for axe to find, no
    sideways scrolling.
    """
    seen = visit(folder / "all-c.html", size=size, scheme=scheme)

    assert str(CHARTS) == seen.charts()
    assert CHARTS == seen.page.locator(".plot:has(svg.main-svg)").count()
    assert [] == seen.violations()
    assert [] == seen.opened().violations()
    assert [] == seen.complaints
    assert [] == [url for url in seen.asked if not url.startswith(("file:", "blob:"))]
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_on_a_phone_the_index_shows_its_verdicts(visit: Visiting, folder: Path) -> None:
    """
    A card a report: verdict, campaign and sentence stand within the screen, the verdict above.
    """
    seen = visit(folder / "index.html", size="phone")
    boxes = [
        box_of(seen.page.locator(f"tbody tr:first-child > :nth-child({place})"))
        for place in range(1, 8)
    ]

    assert [] == [box for box in boxes if box["x"] < 0 or box["x"] + box["width"] > 360]
    assert boxes[0]["y"] < min(box["y"] for box in boxes[1:])
    assert [] == seen.violations()


def test_the_index_is_readable_too(visit: Visiting, folder: Path) -> None:
    """Date, campaign, verdict and a link that leads to the report."""
    seen = visit(folder / "index.html", scheme="dark")

    assert [] == seen.violations()
    assert "FAIL" in seen.page.inner_text("table")
    seen.page.click("text=Every chart")
    assert str(CHARTS) == seen.charts()


def test_dark_mode_repaints(visit: Visiting, folder: Path) -> None:
    """
    Charts follow the reader's scheme when it changes: the ink of the night is the twin of the
    day's.
    """
    seen = visit(folder / "all-c.html")
    seen.charts()
    day, night = style.PALETTE["paper"]
    fill = "getComputedStyle(document.querySelector('.plot .main-svg')).backgroundColor"
    before = seen.page.evaluate(fill)
    seen.page.emulate_media(color_scheme="dark")
    seen.page.wait_for_timeout(1500)

    assert (rgb(day), rgb(night)) == (before, seen.page.evaluate(fill))


def rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[place : place + 2], 16)) for place in (1, 3, 5))})"


def test_the_numbers_come_along(visit: Visiting, folder: Path) -> None:
    """
    Each chart has its table, and a CSV with every column in full precision; no cell can start a
    formula in a spreadsheet.
    """
    seen = visit(folder / "all-c.html")
    seen.charts()
    seen.page.locator("summary", has_text="Data table").first.click()
    with seen.page.expect_download() as waiting:
        seen.page.locator("button.csv").first.click()
    lines = Path(waiting.value.path()).read_text(encoding="utf-8-sig").splitlines()

    assert seen.page.locator("figure table").first.is_visible()
    assert "1-how-far-did-the-mail-get.csv" == waiting.value.suggested_filename
    assert lines[0].startswith("campaign,attempted,delivered,late_bounced,bounced")
    assert lines[1].startswith("c,5,2,0,3")


def test_a_long_table_is_there_whole(visit: Visiting, folder: Path) -> None:
    """Twenty rows at first; all can be searched, sorted, shown and saved, by keyboard as well."""
    seen = visit(folder / "all-c.html")
    seen.charts()
    place = seen.page.locator(".output.rows")
    links = place.locator("tbody td:first-child")
    first = links.all_inner_texts()
    place.get_by_label("Search").fill("/07")
    found = links.all_inner_texts()
    place.get_by_label("Search").fill("")
    place.get_by_role("button", name="Clickers").press("Enter")
    place.get_by_role("button", name="Clickers").press("Enter")
    fewest = links.all_inner_texts()
    place.get_by_role("button", name="Show all 45").press("Enter")
    with seen.page.expect_download() as waiting:
        place.get_by_role("button", name="Download CSV").click()
    saved = Path(waiting.value.path()).read_text(encoding="utf-8-sig").splitlines()

    assert (20, "https://x.example/44") == (len(first), first[0])
    assert ["https://x.example/07"] == found
    assert ["https://x.example/00", "https://x.example/01"] == fewest[:2]
    assert "ascending" == place.locator("th", has_text="Clickers").get_attribute("aria-sort")
    assert (45, 46) == (links.count(), len(saved))
    assert [] == seen.violations() + seen.complaints


def test_on_paper(visit: Visiting, folder: Path) -> None:
    """Printed in the dark, the page is white, and no chart is wider than the sheet."""
    seen = visit(folder / "all-c.html", scheme="dark")
    seen.charts()
    paper = seen.page.pdf(prefer_css_page_size=True)
    seen.page.emulate_media(media="print")

    assert paper.startswith(b"%PDF")
    assert "rgb(255, 255, 255)" == seen.page.evaluate(
        "getComputedStyle(document.documentElement).backgroundColor"
    )
    assert [] == seen.complaints


def test_a_page_is_printed_by_the_browser_that_is_there(
    folder: Path, chromium: str, tmp_path: Path
) -> None:
    """
    `--pdf` needs no library: a PDF beside the page with all charts drawn, nothing of the browser's
    own left; one that fails is named with what it said.
    """
    page = tmp_path / "all-c.html"
    page.write_bytes((folder / "all-c.html").read_bytes())
    sheets = print_page(page, chromium).read_bytes()

    assert sheets.startswith(b"%PDF")
    assert len(sheets) > 100_000
    assert ["all-c.html", "all-c.pdf"] == sorted(file.name for file in tmp_path.iterdir())
    with pytest.raises(ReportError, match="could not be printed: it ended with 1"):
        print_page(page, "false")


def test_without_a_browser_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before the report takes its time: what is missing, and how to print without it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = CliRunner().invoke(app, ["report", "bounce", "-p", "campaign=c", "--pdf"])

    assert "a PDF needs Chromium or Chrome, and there is none on PATH" in str(ran.exception)
    assert "open the page in any browser and print it there" in str(ran.exception)


def test_on_paper_no_table_is_cut_off(visit: Visiting, folder: Path) -> None:
    """
    What scrolls sideways on a screen can't on a sheet, and a text has more than a word a line; the
    definitions are printed, too.
    """
    seen = visit(folder / "all-c.html", size="sheet")
    seen.charts()
    seen.page.emulate_media(media="print")
    boxes = [box_of(table) for table in seen.page.locator("main table:visible").all()]

    texts = seen.page.locator(".output > table td:first-child").all()

    assert len(boxes) >= 2
    assert [] == [text for text in texts if box_of(text)["width"] < 160]
    assert [] == [box for box in boxes if box["x"] + box["width"] > 680]
    assert seen.page.locator(".definitions dl").is_visible()


STRIPPED = re.compile("<script[^>]*>.*?</script>", re.DOTALL)


@pytest.mark.parametrize("remove", [True, False], ids=["scripts removed", "JavaScript off"])
def test_without_a_script_the_numbers_are_there(
    visit: Visiting, folder: Path, tmp_path: Path, remove: bool
) -> None:
    """
    Mail gateways and previews remove scripts or run none: tables stand open where charts would, the
    notice stands above the verdict, nothing dead is shown, nothing is out of reach of a keyboard.
    """
    text = (folder / "all-c.html").read_text(encoding="utf-8")
    page = tmp_path / "page.html"
    page.write_text(STRIPPED.sub("", text) if remove else text, encoding="utf-8")
    seen = visit(page, script=remove)
    tables = seen.page.locator("figure table")

    assert seen.page.locator(".numbers").count() == tables.count() > 10
    assert [] == [table for table in tables.all() if not table.is_visible()]
    assert 0 == seen.page.locator(".plot:visible, button:visible").count()
    assert box_of(seen.page.locator(".notice"))["y"] < box_of(seen.page.locator(".verdict"))["y"]
    assert [] == (seen.violations() if remove else [])


def test_a_missing_trace_is_no_line(visit: Visiting, folder: Path, tmp_path: Path) -> None:
    """
    plotly draws a trace that it doesn't know as a line, without a word; the page says so instead.
    """
    page = tmp_path / "odd.html"
    page.write_text((folder / "all-c.html").read_text().replace('"type":"funnel"', '"type":"pie"'))
    seen = visit(page)

    assert "failed" == seen.charts()
    assert seen.page.locator("figure table").first.is_visible()
    assert not seen.page.locator(".plot").first.is_visible()
    assert seen.page.locator(".notice").is_visible()
    assert "figure 1: drawn as scatter, not as pie" in "".join(seen.complaints)


def test_nothing_in_the_data_runs(visit: Visiting, folder: Path, tmp_path: Path) -> None:
    """
    The policy lets our script run and no other: neither a handler nor a script that came in with
    some output.
    """
    page = tmp_path / "hostile.html"
    hostile = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script></main>"
    page.write_text((folder / "all-c.html").read_text().replace("</main>", hostile, 1))
    seen = visit(page)

    assert str(CHARTS) == seen.charts()
    assert "Every chart – c" == seen.page.title()


def test_the_index_is_searched_filtered_and_sorted(visit: Visiting, tmp_path: Path) -> None:
    """Words, a verdict, what changed; a click on a heading sorts, and another one turns it round."""
    for day, (campaign, word, clicked) in enumerate(
        [("spring", "PASS", 90), ("summer", "FAIL", 10), ("autumn", "WARN", 50)], 1
    ):
        said = facts(day, word, campaign=campaign, counts={**COUNTS, "clicked": clicked})
        put(tmp_path, f"bounce_report-{campaign}.html", said)
    put(tmp_path, "bounce_report-autumn.20260901T200000Z.html", facts(1, campaign="autumn"))
    write_index(tmp_path)
    page = visit(tmp_path / "index.html").page

    def names() -> list[str]:
        return page.locator("tbody tr:visible th a").all_inner_texts()

    assert ["autumn", "summer", "spring"] == names()
    page.fill("[name=text]", "SPR delivered")
    assert (["spring"], "1 of 3") == (names(), page.inner_text("output"))
    page.fill("[name=text]", "")
    page.select_option("[name=word]", "FAIL")
    assert ["summer"] == names()
    page.select_option("[name=word]", "")
    page.check("[name=changed]")
    assert ["autumn"] == names()
    page.uncheck("[name=changed]")
    for heading, order in (
        ("Clicked", "summer autumn spring"),
        ("Verdict", "summer autumn spring"),
    ):
        page.get_by_role("button", name=heading).click()
        assert order.split() == names()
    page.get_by_role("button", name="Verdict").click()
    assert ["spring", "autumn", "summer"] == names()
