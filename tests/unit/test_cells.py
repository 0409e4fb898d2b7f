"""Cells: what was counted once tells the same as all messages, in each question that reads them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cxtools.events.store import EventStore
from cxtools.measures.answers import answer
from cxtools.measures.engine import Engine
from tests.oracle.events import CAMPAIGNS, odd_store

QUESTIONS = ("funnel", "bounces", "reasons", "curve")
#: What counts: everything, what happened until a moment inside of campaigns, or by an age of each.
AS_OF: list[Any] = [None, "2026-09-15T02:00:00+02:00", timedelta(minutes=10)]
BYS = [["provider", "cause"], ["domain_kind", "week", "scanned"], ["weekday", "hour"]]
WHERES: list[dict[str, Any]] = [{}, {"scanned": "no", "weekday": 1}]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> EventStore:
    """The store of odd events."""
    return odd_store(tmp_path_factory.mktemp("odd"))


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("by", BYS, ids=" ".join)
@pytest.mark.parametrize("where", WHERES, ids=str)
@pytest.mark.parametrize("as_of", AS_OF, ids=str)
def test_cells_tell_what_messages_tell(
    odd: EventStore, question: str, by: list[str], where: dict[str, Any], as_of: Any
) -> None:
    """However it is split, limited and cut; the messages themselves are held to the raw events."""
    of_cells = Engine(odd, rules_digest=lambda: "of cells")
    of_cells.count_cells(CAMPAIGNS, as_of=as_of)
    truth = answer(Engine(odd), question, by=by, where=where, as_of=as_of)
    counted = answer(of_cells, question, by=by, where=where, as_of=as_of)

    assert truth.equals(counted)


def test_they_are_read_where_they_were_counted(odd: EventStore) -> None:
    """Not for what they aren't parted by, and not at another moment."""
    engine = Engine(odd, rules_digest=lambda: "read")
    before = reads_cells(engine, by=["provider"])
    engine.count_cells(CAMPAIGNS)

    assert not before
    assert reads_cells(engine, by=["provider"])
    assert reads_cells(engine, where={"scanned": ["no"]})
    assert not reads_cells(engine, by=["domain"])
    assert not reads_cells(engine, by=["provider"], as_of=timedelta(minutes=10))
    assert not reads_cells(Engine(odd, rules_digest=lambda: "other rules"), by=["provider"])


def test_they_stand_beside_the_layer(odd: EventStore) -> None:
    """Another process finds them there; those of a moment are of this process alone."""
    engine = Engine(odd, rules_digest=lambda: "kept")
    folder = engine.layer(CAMPAIGNS[0]).folder
    before = len(list(folder.glob("cells-*.parquet")))
    engine.count_cells(CAMPAIGNS[0], as_of=timedelta(minutes=10))
    of_a_moment = len(list(folder.glob("cells-*.parquet")))
    engine.count_cells(CAMPAIGNS[0])

    assert before == of_a_moment
    assert before + 1 == len(list(folder.glob("cells-*.parquet")))


def reads_cells(engine: Engine, **how: Any) -> bool:
    """Whether a question that is asked like that reads cells."""
    with engine.session(**how) as session:
        return session.reads_cells
