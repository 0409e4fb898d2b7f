"""Cells: what was counted once tells the same as all messages, in each question that reads them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from cxtools.events.store import EventStore
from cxtools.measures import bounced as bounced_messages
from cxtools.measures import cells, session
from cxtools.measures.answers import answer, count
from cxtools.measures.cells import ALWAYS
from cxtools.measures.engine import Engine
from cxtools.measures.kept import Kept
from cxtools.measures.layer_files import MOST_FILES
from cxtools.measures.messages import Part
from cxtools.measures.people import Behind, recipients
from cxtools.measures.providers import Providers
from cxtools.model import Event
from tests.oracle.events import CAMPAIGNS, odd_store
from tests.tables import RECEIVED, events

QUESTIONS = ("funnel", "bounces", "reasons", "curve", "windows")
#: What counts: everything, what happened until a moment inside of campaigns, or by an age of each.
AS_OF: list[Any] = [None, "2026-09-15T02:00:00+02:00", timedelta(minutes=10)]
#: Moments by which some messages had ended and others hadn't.
MOMENTS: list[Any] = [
    "2026-09-14T23:59:59.999999Z",
    "2026-09-15T02:00:00+02:00",
    "2026-09-15T10:30:00Z",
    datetime(2026, 9, 15, 15, 10, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    timedelta(hours=3),
]
BYS = [["provider", "cause"], ["domain_kind", "week", "scanned"], ["domain", "history"]]
WHERES: list[dict[str, list[str]]] = [
    {},
    {"scanned": ["no"], "weekday": ["1"]},
    {"domain": ["gmail.com"], "cause": ["invalid_recipient"], "history": ["first"]},
]


#: Somebody follows a link that nobody has followed before.
NEWS = """
    to   | kind     | email         | at  | url
    news | delivery | n1@gmail.com  | +10 |
    news | click    | n1@gmail.com  | +90 | https://shop.example/news
"""


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> EventStore:
    """The store of odd events."""
    return odd_store(tmp_path_factory.mktemp("odd"))


@pytest.mark.parametrize("by", BYS, ids=" ".join)
@pytest.mark.parametrize("where", WHERES, ids=str)
@pytest.mark.parametrize("as_of", AS_OF, ids=str)
def test_cells_tell_what_messages_tell(
    odd: EventStore, by: list[str], where: dict[str, list[str]], as_of: Any
) -> None:
    """However it is split, limited and cut; the messages themselves are held to the raw events."""
    of_cells = Engine(odd, rules_digest=lambda: "of cells")
    of_cells.count_cells(CAMPAIGNS, by=by, where=where, as_of=as_of)
    truth = count(Engine(odd), QUESTIONS, by=by, where=where, as_of=as_of)
    counted = count(of_cells, QUESTIONS, by=by, where=where, as_of=as_of)

    assert reads_cells(of_cells, by=by, where=where, as_of=as_of)
    for known, found in zip(truth, counted, strict=True):
        assert_frame_equal(known, found)


@pytest.mark.parametrize("as_of", MOMENTS, ids=str)
@pytest.mark.parametrize("where", [{}, {"provider": ["gmail"]}], ids=str)
def test_messages_that_had_ended_by_a_moment_are_not_read_again(
    odd: EventStore, as_of: Any, where: dict[str, list[str]]
) -> None:
    """What they are was counted before, by the hour of their last event."""
    engine = Engine(odd, rules_digest=lambda: "ended")
    engine.count_ended(CAMPAIGNS)
    engine.count_cells(CAMPAIGNS, where=where, as_of=as_of)
    truth = count(Engine(odd), QUESTIONS, by=["cause"], where=where, as_of=as_of)
    counted = count(engine, QUESTIONS, by=["cause"], where=where, as_of=as_of)

    assert messages_read(engine, as_of, Part.NOT_ENDED) < messages_read(engine, as_of, Part.ALL)
    assert reads_cells(engine, by=["cause"], where=where, as_of=as_of)
    for known, found in zip(truth, counted, strict=True):
        assert_frame_equal(known, found)


@pytest.mark.parametrize("by", [[], ["provider"], ["day", "cause"]], ids=" ".join)
@pytest.mark.parametrize("where", WHERES[:2], ids=str)
def test_cells_of_whole_campaigns_tell_hours_of_sending(
    odd: EventStore, by: list[str], where: dict[str, list[str]]
) -> None:
    """Weekdays and hours are among what they are parted by, whatever the question is split by."""
    of_cells = Engine(odd, rules_digest=lambda: "of hours")
    of_cells.count_cells(CAMPAIGNS)
    [truth] = count(Engine(odd), ["send_times"], by=by, where=where)
    [counted] = count(of_cells, ["send_times"], by=by, where=where)

    assert reads_cells(of_cells, by=by, where=where, beside=["weekday", "hour"])
    assert_frame_equal(truth, counted)


def test_they_are_read_where_they_were_counted(odd: EventStore) -> None:
    """Not for what they aren't parted by, and not at another moment."""
    engine = Engine(odd, rules_digest=lambda: "read")
    before = reads_cells(engine, by=["provider"])
    engine.count_cells(CAMPAIGNS)

    assert not before
    assert reads_cells(engine, by=["provider"])
    assert reads_cells(engine, where={"scanned": ["no"]})
    assert not reads_cells(engine, by=["domain"])
    assert not reads_cells(engine, where={"domain": ["gmail.com"]})
    assert not reads_cells(engine, by=["provider"], as_of=timedelta(minutes=10))
    assert not reads_cells(Engine(odd, rules_digest=lambda: "other rules"), by=["provider"])


@pytest.mark.parametrize(
    ("name", "value", "other"),
    [("domain", "gmail.com", "yahoo.com"), ("history", "first", "repeat")],
)
def test_cells_of_a_domain_or_segment_answer_for_each_of_its_values(
    odd: EventStore, name: str, value: str, other: str
) -> None:
    """However it is limited and split besides, by what all cells are parted by."""
    engine = Engine(odd, rules_digest=lambda: "by themselves")
    engine.count_cells(CAMPAIGNS, where={name: [value]})

    assert reads_cells(engine, where={name: [value]})
    assert reads_cells(engine, where={name: [other]})
    assert reads_cells(engine, by=[name])
    assert reads_cells(engine, by=["cause"], where={name: [value], "provider": ["gmail"]})
    assert not reads_cells(engine, by=["day"], where={name: [value]})


def test_cells_of_a_domain_at_a_moment_answer_for_this_domain_alone(odd: EventStore) -> None:
    """However it is limited and split besides, by what all cells are parted by."""
    engine = Engine(odd, rules_digest=lambda: "one domain")
    reads = partial(reads_cells, engine, as_of=timedelta(minutes=10))
    engine.count_cells(CAMPAIGNS, where={"domain": ["gmail.com"]}, as_of=timedelta(minutes=10))

    assert reads(where={"domain": ["gmail.com"]})
    assert reads(by=["cause"], where={"domain": ["gmail.com"], "provider": ["gmail"]})
    assert not reads(by=["cause"], where={"domain": ["yahoo.com"]})
    assert not reads(by=["day"], where={"domain": ["gmail.com"]})


@pytest.mark.parametrize("where", WHERES[1:], ids=str)
def test_of_many_cells_fewer_are_made(
    odd: EventStore, monkeypatch: pytest.MonkeyPatch, where: dict[str, list[str]]
) -> None:
    """What a choice is limited to is summed up once, for all questions on it."""
    monkeypatch.setattr(cells, "MOST_CELLS", 3)
    monkeypatch.setattr(cells, "_is_worth_it", lambda rows: True)
    engine = Engine(odd, rules_digest=lambda: f"fewer {where}")
    engine.count_cells(CAMPAIGNS)
    engine.count_cells(CAMPAIGNS, where=where)
    with engine.session(CAMPAIGNS, where=where) as opened:
        known = opened.known_cells

    assert known
    assert known.scope.by == cells.ALWAYS
    truth = count(Engine(odd), QUESTIONS, where=where)
    for expected, found in zip(truth, count(engine, QUESTIONS, where=where), strict=True):
        assert_frame_equal(expected, found)


def test_a_value_that_others_have_is_no_slip_of_the_pen(odd: EventStore) -> None:
    """Nobody at gmail.com is with Yahoo: that is an answer of no rows, with cells and without."""
    engine = Engine(odd, rules_digest=lambda: "nobody")
    where = {"domain": ["gmail.com"], "provider": ["yahoo"]}
    before = answer(engine, "bounces", where=where)
    engine.count_cells(CAMPAIGNS, where=where)

    assert before.empty
    assert answer(engine, "bounces", where=where).equals(before)


def test_the_fewest_tell_of_providers_and_causes(
    odd: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trend has them counted: the next one reads the files of all campaigns but the new ones."""
    engine = Engine(odd, rules_digest=lambda: "fewest")
    engine.count_cells(CAMPAIGNS, fewest=True)
    in_another_process(monkeypatch)

    assert reads_cells(engine, by=["provider"])
    assert reads_cells(engine, where={"cause": ["unknown"]})
    assert not reads_cells(engine, by=["day"])


def test_files_of_former_rules_go(odd: EventStore) -> None:
    """Rules and code change: what they counted would stay beside a layer for ever."""
    folder = Engine(odd).layer(CAMPAIGNS[0]).folder
    for number in range(MOST_FILES + 2):
        Engine(odd, rules_digest=partial(str, number)).count_cells(CAMPAIGNS[0])

    assert len(list(folder.glob("cells-*.parquet"))) == MOST_FILES


def test_counts_are_those_of_the_layer_they_stand_beside(tmp_path: Path) -> None:
    """An event that comes between a question and one within it makes both be asked again."""
    store = odd_store(tmp_path)
    first, second = CAMPAIGNS[:2]
    waiting: list[Event] = []

    def providers_of_now() -> Providers:
        """Who asks this has opened the layers already."""
        news = waiting.copy()
        waiting.clear()
        store.add(second, news, source="test", received_at=RECEIVED)
        return Providers()

    engine = Engine(store, rules_digest=lambda: "between", providers=providers_of_now)
    answer(engine, "links", first)
    before = engine.layer(second).folder
    waiting += events(NEWS)
    links = answer(engine, "links", [first, second])

    assert "https://shop.example/news" in set(links["link_url"])
    assert not list(before.glob("links-*"))
    assert list(engine.layer(second).folder.glob("links-*"))


def test_cells_of_hardly_a_message_each_are_not_read(
    odd: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would take as long as the messages. They aren't counted again, either."""
    monkeypatch.setattr(cells, "MOST_CELLS", 3)
    engine = Engine(odd, rules_digest=lambda: "many cells")
    engine.count_cells(CAMPAIGNS, by=["domain"])
    with engine.session(CAMPAIGNS, by=["domain"]) as opened:
        missing = opened.cells.missing()

    assert missing == []
    assert not reads_cells(engine, by=["domain"])


def test_they_stand_beside_the_layer(tmp_path: Path) -> None:
    """Another process finds them there; those by two of many values are of this process alone."""
    engine = Engine(odd_store(tmp_path), rules_digest=lambda: "kept")
    folder = engine.layer(CAMPAIGNS[0]).folder
    engine.count_cells(CAMPAIGNS[0], as_of=timedelta(minutes=10))
    engine.count_cells(CAMPAIGNS[0], where={"domain": ["gmail.com"], "history": ["first"]})
    of_others = len(list(folder.glob("*cells-*.parquet")))
    engine.count_cells(CAMPAIGNS[0], where={"domain": ["gmail.com"]})
    engine.count_cells(CAMPAIGNS[0])

    assert of_others == 0
    assert len(list(folder.glob("domain-cells-*.parquet"))) == 1
    assert len(list(folder.glob("cells-*.parquet"))) == 1


def test_links_of_whole_campaigns_are_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stand beside the layer: of two campaigns the one that is known is not counted again."""
    engine = Engine(odd_store(tmp_path), rules_digest=lambda: "links")
    names = CAMPAIGNS[:2]
    first = answer(engine, "links", names[1])
    files = [list(engine.layer(name).folder.glob("links-*.parquet")) for name in names]
    in_another_process(monkeypatch)
    both = answer(engine, "links", names)
    truth = answer(Engine(engine.store), "links", names)

    assert [len(found) for found in files] == [0, 1]
    assert not first.empty
    assert both.equals(truth)


def in_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept by the process; what stands in files is."""
    kept = Kept()
    monkeypatch.setattr(cells, "KEPT", kept)
    monkeypatch.setattr(session, "KEPT", kept)


def messages_read(engine: Engine, as_of: Any, part: Part) -> int:
    """How many messages there are as of a moment."""
    with engine.session(CAMPAIGNS, by=ALWAYS, as_of=as_of, part=part) as opened:
        found: int = opened.run("select count(*) as n from all_messages")["n"][0].as_py()
        return found


def reads_cells(engine: Engine, **how: Any) -> bool:
    """Whether a question that is asked like that reads cells."""
    with engine.session(**how) as opened:
        return opened.reads_cells


@pytest.mark.parametrize("as_of", AS_OF, ids=str)
@pytest.mark.parametrize(
    "where", [{}, {"history": ["first"]}, {"weekday": ["1"], "scanned": ["no"]}], ids=str
)
def test_people_behind_a_cause_are_found_among_those_who_bounced(
    odd: EventStore, where: dict[str, list[str]], as_of: Any
) -> None:
    """They stand in a file of their own, which is read in the place of all messages."""
    engine = Engine(odd, rules_digest=lambda: "people")
    find = partial(recipients, engine, CAMPAIGNS, where=where, as_of=as_of, addresses=True)
    everybody = find(Behind())
    causes = everybody["category"].dropna().unique()
    bounced = [find(Behind(category=cause)) for cause in causes]
    expected = [everybody[everybody["category"] == cause] for cause in causes]

    assert all((engine.layer(name).folder / bounced_messages.NAME).exists() for name in CAMPAIGNS)
    assert bounced
    for found, known in zip(bounced, expected, strict=True):
        assert_frame_equal(pd.DataFrame(found), pd.DataFrame(known).reset_index(drop=True))
