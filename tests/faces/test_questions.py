"""The questions on the command line: one face for all of them."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from cxtools.measures.catalogue import QUESTIONS
from tests.tables import ask
from tests.unit.test_catalogue import STORE


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that has one campaign, q3-update."""
    (tmp_path / "events").symlink_to(STORE.root)
    return tmp_path


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("CX")}
    return subprocess.run(
        [sys.executable, "-m", "cxtools.cli", *arguments],
        env=own | {"CXTOOLS_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_command_gives_what_the_function_gives(home: Path, name: str) -> None:
    """As one JSON document, with None for what is missing; its notes are said on stderr."""
    asked = run(home, name, "q3-update", "--json")
    expected = ask(name, STORE, "q3-update")

    assert (0, list(expected.notes)) == (asked.returncode, asked.stderr.splitlines())
    assert expected.records() == json.loads(asked.stdout)


def test_a_question_is_split_limited_and_cut(home: Path) -> None:
    """Several columns in one --by or in several, several --where, a moment, campaigns anywhere."""
    asked = run(
        home,
        *("funnel", "--campaign", "q3-update", "--by", "provider,day", "--by", "hour"),
        *("--where", "provider=gmail", "--where", "provider=microsoft", "--where", "job=j1"),
        *("--as-of", "2026-09-14T23:00:00Z", "--json"),
    )
    expected = ask(
        "funnel",
        STORE,
        by=["provider", "day", "hour"],
        where={"provider": ["gmail", "microsoft"], "job": "j1"},
        as_of="2026-09-14T23:00:00Z",
    )

    assert 2 == len(expected)
    assert expected.records() == json.loads(asked.stdout)


def test_an_answer_can_be_a_file_for_others(home: Path) -> None:
    """CSV on stdout, Parquet into a file; both have every column."""
    as_csv = run(home, "bounces", "--csv")
    as_parquet = run(home, "bounces", "--parquet", str(home / "bounces.parquet"))
    expected = ask("bounces", STORE)

    assert list(expected.columns) == next(csv.reader(io.StringIO(as_csv.stdout)))
    assert (0, "") == (as_parquet.returncode, as_parquet.stdout)
    assert expected.records() == json.loads(
        pd.read_parquet(home / "bounces.parquet").to_json(orient="records", double_precision=15)
    )


REFUSED = {
    "two forms": (("funnel", "--json", "--csv"), 2, "--json and --csv were both asked for"),
    "a filter without a value": (("funnel", "--where", "provider"), 2, "COLUMN=VALUE"),
    "an unknown value": (("funnel", "--where", "provider=gmial"), 6, "microsoft, gmail, other"),
    "a split that can't be": (("data_quality", "--by", "day"), 6, "data_quality can't be split"),
    "a comparison of all": (("comparison",), 6, "asked of one campaign"),
    "an unknown campaign": (("curve", "q9"), 6, "q3-update"),
    "no moment": (("timing", "--as-of", "soon"), 2, "as_of is not a moment"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_asked_is_one_clear_message(home: Path, case: str) -> None:
    """It says what there is, with the exit code of its kind; nothing is on stdout."""
    arguments, exit_code, words = REFUSED[case]
    asked = run(home, *arguments)

    assert (exit_code, "") == (asked.returncode, asked.stdout)
    assert words in asked.stderr


def test_an_answer_without_rows_is_a_sentence(home: Path) -> None:
    """Headings over nothing say nothing."""
    asked = run(home, "bounces", "--where", "provider=gmail")

    assert (0, "No bounces.\n") == (asked.returncode, asked.stdout)


def test_the_help_of_unknown_warns_of_the_addresses(home: Path) -> None:
    """Whoever asks for raw texts is told before that people stand in them."""
    asked = run(home, "unknown", "--help")

    assert "addresses included" in " ".join(asked.stdout.split())
