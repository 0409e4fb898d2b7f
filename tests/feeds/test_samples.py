"""
Each feed reads the samples in its folder, and makes the events of them that stand beside each one.

`python -m tests.feeds.test_samples` writes the expected events anew; look at what changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from cxtools.events import feeds
from cxtools.events.feeds.values import spelling
from cxtools.events.rows import open_rows
from cxtools.model import KINDS

FOLDER = Path(__file__).parent
EXPECTED = ".events.jsonl"
SAMPLES = sorted(
    file
    for file in FOLDER.glob("*/*.*")
    if file.parent.name in feeds.NAMES and not file.name.endswith(EXPECTED)
)


def rows(sample: Path) -> Iterator[dict[str, Any]]:
    with open_rows(sample) as lines:
        for line in lines:
            assert isinstance(line.row, dict), line
            yield line.row


def events(sample: Path) -> list[dict[str, Any]]:
    """The events of a sample: what each of them says, without the row itself."""
    read = (event for row in rows(sample) for event in feeds.read(row, sample.parent.name))
    return [spoken_fields(asdict(event)) for event in read]


def spoken_fields(event: dict[str, Any]) -> dict[str, Any]:
    """The fields that say something, as JSON has them."""
    fields = {name: value for name, value in event.items() if name != "raw"}
    if fields["ts"]:
        fields["ts"] = fields["ts"].isoformat()
    return {name: value for name, value in fields.items() if value not in ("", None)}


def expected_file(sample: Path) -> Path:
    return sample.with_name(sample.stem + EXPECTED)


def write_expected() -> None:
    for sample in SAMPLES:
        lines = [json.dumps(event, ensure_ascii=False) + "\n" for event in events(sample)]
        expected_file(sample).write_text("".join(lines), encoding="utf-8")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_sample_gives_its_events(sample: Path) -> None:
    """Each row is recognised as its feed's, and its events are those that were found right."""
    expected = [json.loads(line) for line in expected_file(sample).read_text("utf-8").splitlines()]

    assert {sample.parent.name} == {feeds.recognise(row) for row in rows(sample)}
    assert expected == events(sample)


@pytest.mark.parametrize("name", feeds.NAMES)
def test_a_feed_has_a_name_a_source_and_samples(name: str) -> None:
    """Its module, its folder of samples and `--format` bear the same name."""
    feed = feeds.feed(name)

    assert name == feed.NAME
    assert feed.TITLE
    assert feed.SOURCE
    assert feed.EXPORT
    assert name in {sample.parent.name for sample in SAMPLES}
    assert name in feeds.FORMATS


@pytest.mark.parametrize("name", [name for name in feeds.NAMES if name != "cxone"])
def test_every_word_of_a_feed_is_in_its_samples(name: str) -> None:
    """A word that the feed knows is read at least once, and is one of our kinds."""
    known = feeds.feed(name).WORDS
    samples = [sample for sample in SAMPLES if sample.parent.name == name]
    words = {event["raw_kind"] for sample in samples for event in events(sample)}
    spoken = words | {spelling(word) for word in words}

    assert set() == set(known) - spoken
    assert set() == set(known.values()) - set(KINDS)


if __name__ == "__main__":
    write_expected()
