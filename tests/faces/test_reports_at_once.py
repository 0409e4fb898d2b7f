"""Reports into one folder leave each other alone, and nothing of a killed one stays for ever."""

from __future__ import annotations

import fcntl
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cxtools.errors import ConfigError
from cxtools.pages.disk import PARTIAL, open_folder, working_notebook
from cxtools.pages.run import file_stem, make_request, render_report
from tests.faces.test_report import notebook


def test_two_reports_of_one_campaign_at_once_are_both_written(tmp_path: Path, home: Path) -> None:
    """K13: page and notebook are of one run, the moment looked back to is in the name."""
    out = tmp_path / "out"
    source = notebook(
        tmp_path,
        "import time\ntime.sleep(1)\nprint('run', number, as_of)",
        parameters="number = 0\nas_of = ''",
    )
    wanted = [
        {"number": "1"},
        {"number": "2"},
        {"number": "3", "as_of": "2026-03-02T09:00:30Z"},
    ]
    with ThreadPoolExecutor(3) as pool:
        runs = [
            pool.submit(render_report, source, parameters, out=out, home=home)
            for parameters in wanted
        ]
    pages = [run.result() for run in runs]
    said = [
        re.findall(r"run (\d)", page.with_suffix(suffix).read_text())
        for page in pages
        for suffix in (".html", ".ipynb")
    ]

    assert ["trial.html", "trial.html", "trial-as-of-2026-03-02T09_00_30Z.html"] == [
        page.name for page in pages
    ]
    assert said[0][0] in "12"
    assert [said[0][:1]] * 4 + [["3"]] * 2 == [numbers[:1] for numbers in said]
    assert [] == list(out.glob("*.ipynb.*")) + list(out.glob(f"*{PARTIAL}"))


def test_what_a_killed_report_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """What another one is writing stays: its lock goes with its process."""
    left = tmp_path / f"old{PARTIAL}"
    running = tmp_path / f"running{PARTIAL}"
    left.write_text("")
    running.write_text("")
    with running.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with working_notebook(tmp_path, "trial") as partial:
            during = {file.name for file in tmp_path.iterdir()}

    assert {running.name, partial.name} == during
    assert [running] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "bounce_report"),
        ({"campaign": "q3/ü"}, "bounce_report-q3_ü"),
        ({"campaign": "q3", "as_of": ""}, "bounce_report-q3"),
        (
            {"campaign": "q3", "as_of": "2026-03-02T12:00+01:00"},
            "bounce_report-q3-as-of-2026-03-02T12_00_01_00",
        ),
    ],
)
def test_a_report_has_its_campaign_and_moment_in_its_name(given: dict[str, str], name: str) -> None:
    """A look back doesn't replace the page of today."""
    request = make_request("bounce_report", given)

    assert name == file_stem(request, request.campaign)


def test_a_long_filter_makes_no_name_that_a_disk_refuses() -> None:
    """And another filter another name."""
    stems = set()
    for town in ("Bern", "Basel"):
        where = "plan=pro," + ",".join(f"town={town} {number}" for number in range(100))
        request = make_request("bounce_report", {"campaign": "q3", "where": where})
        stems.add(file_stem(request, "q3"))

    assert 2 == len(stems)
    assert all(len(stem) < 180 for stem in stems)
    assert all(stem.startswith("bounce_report-q3-where-plan_pro_town_B") for stem in stems)


@pytest.mark.parametrize("url", ["s3://bucket/reports", "gs://bucket", "https://x.example/reports"])
def test_a_url_is_not_a_folder(url: str, tmp_path: Path) -> None:
    """K25: it was written below a folder `s3:`, and said to be done."""
    with pytest.raises(ConfigError, match="a URL is not a place on this machine"):
        open_folder(Path(url), tmp_path)

    assert not Path(f"{url.partition('/')[0]}").exists()
