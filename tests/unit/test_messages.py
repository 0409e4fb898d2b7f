"""The messages layer: made once of the parts, brought up to date, and never stale."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import duckdb
import pytest

from benchmarks.generate import write_campaign
from cxtools.bounce import Judge
from cxtools.errors import StoreError
from cxtools.events.database import OutOfMemory, Resources, database
from cxtools.events.messages import build
from cxtools.events.messages.layer import SUPERSEDED_S, VERDICTS, Layer, layers, widest
from cxtools.events.relations import DuckDBRelations
from cxtools.events.store import EventStore
from cxtools.measures.answers import answer
from cxtools.measures.engine import Engine, shipped_judge
from cxtools.measures.table import Table
from tests.oracle.answers import Oracle
from tests.tables import RECEIVED, events, store

FIRST = """
    to  | id | kind     | at        | code  | text                  | url
    ann | a1 | delivery | 14 10:00  |       |                       |
    bob | b1 | bounce   | 14 10:01  | 5.1.1 | no such user b@x.test |
    cat | c1 | delivery | 14 10:02  |       |                       |
"""
LATER = """
    to  | id | kind     | at        | code  | text                  | url
    ann | a2 | open     | 14 11:00  |       |                       |
    ann | a3 | click    | 14 11:01  |       |                       | https://shop.example/new
    cat | c2 | bounce   | 14 12:00  | 5.1.1 | no such user c@x.test |
"""
#: The same event as c1, as it was received a day earlier: a bounce.
BEFORE = """
    to  | id | kind   | at       | code  | text
    cat | c1 | bounce | 14 10:02 | 5.2.2 | mailbox full
"""


def campaign_folder(target: EventStore) -> Path:
    """Where the layers of the campaign stand."""
    return target.root / "_messages" / "campaign=c"


def names(target: EventStore) -> set[str]:
    """All that stands there."""
    return {path.name for path in campaign_folder(target).iterdir()}


def funnel(target: EventStore) -> list[tuple[int, ...]]:
    """What the layer says: attempted, delivered, bounced, late bounced, opened, clicked."""
    rows = answer(Engine(target), "funnel", "c")
    columns = ["attempted", "delivered", "bounced", "late_bounced", "opened", "clicked"]
    return [tuple(row) for row in rows[columns].itertuples(index=False)]


def test_a_layer_is_made_once_and_again_when_it_is_gone() -> None:
    """The second question makes nothing; whoever deletes the folder loses nothing."""
    target = store(FIRST)

    made = Engine(target).layer("c")
    asked = Engine(target).layer("c")
    before = funnel(target)
    shutil.rmtree(target.root / "_messages")

    assert made == asked
    assert [(3, 2, 1, 0, 0, 0)] == before
    assert before == funnel(target)


def test_new_events_are_merged_into_what_was_known() -> None:
    """The new layer takes over the files of the old one; messages without news stand there."""
    target = store(FIRST)
    first = Engine(target).layer("c")

    store(LATER, into=target)
    second = Engine(target).layer("c")

    assert [(3, 2, 1, 0, 0, 0)] != funnel(target)
    assert [(3, 1, 2, 1, 1, 1)] == funnel(target)
    assert first.origins < second.origins
    shared = second.folder / "clicks" / "0.parquet"
    assert shared.samefile(first.folder / "clicks" / "0.parquet")


@pytest.mark.parametrize("share", [0.0, 10.0], ids=["written anew", "a tail"])
def test_touched_messages_stand_in_a_tail_or_in_the_midst_of_all(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the tail may be, the answers are the same."""
    monkeypatch.setattr(build, "TAIL_SHARE", share)
    target = store(FIRST)
    Engine(target).layer("c")

    store(LATER, into=target)
    layer = Engine(target).layer("c")

    assert [(3, 1, 2, 1, 1, 1)] == funnel(target)
    assert (2 if share else 0) == layer.row_count("tail")


def test_messages_are_made_a_share_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign of many events is made in passes, each with a file of its own."""
    monkeypatch.setattr(build, "EVENTS_A_PASS", 2)
    target = store(FIRST)

    layer = Engine(target).layer("c")

    assert 2 == len(layer.files("messages"))
    assert [(3, 2, 1, 0, 0, 0)] == funnel(target)


def test_messages_are_made_in_smaller_shares_where_memory_is_short(tmp_path: Path) -> None:
    """A real DuckDB that may take too little for all of them at once; the answer is the same."""
    write_campaign(tmp_path / "events" / "campaign=c", 500_000, seed=1)
    plenty = EventStore(tmp_path / "events", Resources(tmp_path / "spill"))
    expected = funnel(plenty)
    shutil.rmtree(campaign_folder(plenty))
    little = EventStore(tmp_path / "events", Resources(tmp_path / "spill", "80 MB", threads=2))

    assert expected == funnel(little)
    assert len(Engine(little).layer("c").files("messages")) > 1


MANY_TEXTS = """
select distinct hash(number) as hash, cast(number as varchar) as text
from range(1500000) as numbers(number)
"""


def test_one_thread_answers_where_the_memory_of_several_is_short(tmp_path: Path) -> None:
    """Each thread holds some memory of its own; afterwards there are as many as before."""
    resources = Resources(tmp_path / "spill", "20 MB", threads=8)
    with database(tmp_path, resources) as connection:
        with pytest.raises(duckdb.OutOfMemoryException):
            connection.execute(f"create temp table kept as {MANY_TEXTS}")
        relations = DuckDBRelations(connection, resources.threads)
        relations.keep("kept", MANY_TEXTS)
        texts = relations.rows("select count(*) as texts from kept").to_pylist()
        threads = relations.rows("select current_setting('threads') as threads").to_pylist()

    assert [{"texts": 1_500_000}] == texts
    assert [{"threads": 8}] == threads


def test_a_memory_that_is_too_small_is_said(tmp_path: Path) -> None:
    """Not that a file is damaged."""
    write_campaign(tmp_path / "events" / "campaign=c", 100_000, seed=1)
    little = EventStore(tmp_path / "events", Resources(tmp_path / "spill", "20 MB"))

    with pytest.raises(OutOfMemory, match=r"take more memory[\s\S]*CXTOOLS_MEMORY"):
        funnel(little)


def test_a_row_that_was_received_earlier_overtakes_the_known_one() -> None:
    """Then no layer can be merged: all is made anew, and the earlier row counts."""
    target = store(FIRST)
    Engine(target).layer("c")
    folder = target.root / "campaign=c"
    other = EventStore(target.root.parent / "other")
    day_before = RECEIVED - timedelta(days=1)
    other.add("c", events(BEFORE), source="test", received_at=day_before)
    [part] = other.parts("c")

    shutil.copy(part, folder)

    assert [(3, 1, 2, 0, 0, 0)] == funnel(target)
    [[expected]] = Oracle(target).answers(["funnel"], "c")
    assert [2] == list(expected["bounced"])


def test_a_compaction_leaves_a_layer_of_use() -> None:
    """What it covers is merged apart from the news, so that they are added and nothing is anew."""
    target = store(FIRST)
    store(LATER, into=target)
    first = Engine(target).layer("c")
    for number in range(2):
        news = events(f"to|kind\neve{number}|delivery")
        target.add("c", news, source="test", received_at=RECEIVED)

    target.compact("c")
    second = Engine(target).layer("c")

    assert 2 == len(target.parts("c"))
    assert [(5, 3, 2, 1, 1, 1)] == funnel(target)
    shared = second.folder / "clicks" / "0.parquet"
    assert shared.samefile(first.folder / "clicks" / "0.parquet")


def test_a_layer_that_nobody_reads_any_more_is_swept() -> None:
    """One that was made a moment ago may have a reader; what a killed process left has none."""
    target = store(FIRST)
    old = Engine(target).layer("c").folder
    killed = campaign_folder(target) / ".unfinished-killed"
    killed.mkdir()

    store(LATER, into=target)
    young = Engine(target).layer("c").folder
    after_a_moment = names(target)
    long_ago = young.stat().st_mtime - 100 * SUPERSEDED_S
    for path in (old, young, killed):
        os.utime(path, (long_ago, long_ago))
    target.add("c", events("to|kind\neve|delivery"), source="test", received_at=RECEIVED)
    newest = Engine(target).layer("c").folder

    assert {old.name, young.name, killed.name} == after_a_moment
    assert {newest.name} == names(target)


def test_a_cause_is_judged_once_for_the_same_rules() -> None:
    """A bounce verdict needs no judge a second time, and other rules need one again."""
    target = store(FIRST)

    def broken() -> NoReturn:
        raise AssertionError("judged again")

    def bounced(rules: str, make_judge: Callable[[], Judge] = shipped_judge) -> int:
        engine = Engine(target, make_judge, lambda: rules)
        return int(answer(engine, "bounces", "c")["recipients"].sum())

    assert 1 == bounced("rules of today")
    assert 1 == bounced("rules of today", broken)
    with pytest.raises(AssertionError, match="judged again"):
        bounced("rules of tomorrow", broken)


#: What comes later -> how often a judge is asked then, and the bounces by their kinds.
NEWS = [
    ("dan | d1 | bounce | 14 12:00 | 5.1.1 | no such user d@x.test", 0, {"hard": 2}),
    ("dan | d1 | bounce | 14 12:00 | 5.2.2 | mailbox full", 1, {"hard": 1, "soft": 1}),
    ("dan | d1 | delivery | 14 12:00 | |", 0, {"hard": 1}),
]


@pytest.mark.parametrize(("news", "asked", "kinds"), NEWS)
def test_after_news_only_new_causes_are_judged(news: str, asked: int, kinds: Counter[str]) -> None:
    """A judge takes half a second to be made: who reads causes that are known needs none."""
    target = store(FIRST)
    judges = []

    def make_judge() -> Judge:
        judges.append(shipped_judge())
        return judges[-1]

    def ask() -> Table:
        return answer(Engine(target, make_judge, lambda: "rules of today"), "bounces", "c")

    ask()
    store(f"to | id | kind | at | code | text\n{news}", into=target)
    rows = ask()
    counted = Counter[str]()
    for kind, recipients in zip(rows["kind"], rows["recipients"], strict=True):
        counted[kind] += int(recipients)

    assert kinds == counted
    assert asked == len(judges) - 1


@pytest.mark.parametrize("name", [VERDICTS, "states"])
@pytest.mark.parametrize("content", [b"", b"PAR1garbagePAR1", None])
def test_what_was_kept_and_is_damaged_is_counted_again(name: str, content: bytes | None) -> None:
    """It is only kept: nobody has to remove it first. None: bytes in the midst of it are others."""
    target = store(FIRST)
    engine = Engine(target, rules_digest=lambda: "rules of today")
    before = answer(engine, "funnel", "c").records()
    [file] = engine.layer("c").folder.glob(f"{name}-*.parquet")
    whole = file.read_bytes()
    file.write_bytes(
        whole[:4] + b"\xff" * (len(whole) - 12) + whole[-8:] if content is None else content
    )
    (file.parent / "parts.json").touch()  # nothing that this process keeps is of this layer

    assert before == answer(engine, "funnel", "c").records()


def test_kept_verdicts_are_told_by_their_causes_and_not_by_numbers() -> None:
    """What one layer kept beside another that counts its causes in another order is right there."""
    hard = "ann | a1 | bounce | 14 10:00 | 5.1.1 | no such user a@x.test"
    soft = "bob | b1 | bounce | 14 10:01 | 4.2.2 | mailbox full"

    def engine(*bounces: str) -> Engine:
        """One whose layer was made of the first bounce, and brought up to date by the others."""
        head = "to | id | kind | at | code | text"
        target = store(head)
        engine = Engine(target, rules_digest=lambda: "rules of today")
        for bounce in bounces:
            store(f"{head}\n{bounce}", into=target)
            engine.layer("c")
        return engine

    again = "eve | e1 | bounce | 14 10:02 | 5.1.1 | no such user e@x.test"
    ours = engine(hard, soft, again)
    others = engine(soft, hard, again)
    rows = answer(ours, "bounces", "c").records()
    [kept] = ours.layer("c").folder.glob(f"{VERDICTS}-*.parquet")
    shutil.copy(kept, others.layer("c").folder)

    assert ours.layer("c").rows("causes") != others.layer("c").rows("causes")
    assert {("hard", 2), ("soft", 1)} == {(row["kind"], row["recipients"]) for row in rows}
    assert rows == answer(others, "bounces", "c").records()


def test_what_was_counted_is_not_read_again() -> None:
    """One question's states serve another, an answer serves itself; other rules count anew."""
    target = store(FIRST)
    today = Engine(target, rules_digest=lambda: "rules of today")
    tomorrow = Engine(target, rules_digest=lambda: "rules of tomorrow")
    counted = [answer(today, name, "c").records() for name in ("funnel", "timing")]

    for relation in ("messages", "clicks"):
        [file] = today.layer("c").files(relation)
        file.write_bytes(b"not to be read")

    assert counted == [answer(today, name, "c").records() for name in ("funnel", "timing")]
    assert [1] == answer(today, "bounces", "c")["recipients"].tolist()
    with pytest.raises(StoreError, match="can't be read"):
        answer(tomorrow, "bounces", "c")


def test_news_are_counted_though_the_answer_was_kept() -> None:
    """A layer that takes another's place has answers of its own."""
    target = store(FIRST)
    engine = Engine(target, rules_digest=lambda: "rules of today")

    before = answer(engine, "funnel", "c")["bounced"].tolist()
    store(LATER, into=target)

    assert [1] == before
    assert [2] == answer(engine, "funnel", "c")["bounced"].tolist()


def test_the_widest_layer_of_no_other_parts_is_the_base() -> None:
    """
    One that covers a part which is gone would count events that nobody holds, and one that covers
    half of a merged part would count that half twice.
    """
    layer = {
        name: Layer(Path(name), frozenset(name), frozenset(name)) for name in ("a", "ab", "abx")
    }

    parts = [frozenset("a"), frozenset("b"), frozenset("c")]
    merged = [frozenset("a"), frozenset("bc")]

    assert layer["ab"] == widest(layer.values(), parts)
    assert widest([layer["abx"]], parts) is None
    assert layer["a"] == widest(layer.values(), merged)
    assert widest([layer["ab"]], merged) is None
    assert [] == layers(Path("nowhere"))


def test_a_store_that_may_only_be_read_is_asked_all_the_same(tmp_path: Path) -> None:
    """The layer is the process's own then, and nothing is written into the store."""
    target = EventStore(tmp_path / "events")
    store(FIRST, into=target)
    readable = [target.root, *target.root.rglob("*")]
    for path in readable:
        path.chmod(0o555 if path.is_dir() else 0o444)
    # The superuser writes everywhere, but for this.
    mortal = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    script = f"""
        from pathlib import Path
        from cxtools.events.database import Resources
        from cxtools.events.store import EventStore
        from cxtools.measures.answers import answer
        from cxtools.measures.engine import Engine
        target = EventStore(Path({str(target.root)!r}), Resources(Path({str(tmp_path / "no" / "spill")!r})))
        print(answer(Engine(target), "funnel", "c")["attempted"].tolist())
    """

    done = subprocess.run(
        [*mortal, sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=False,
    )
    for path in readable:
        path.chmod(0o755)

    assert (0, "[3]\n", "") == (done.returncode, done.stdout, done.stderr)
    assert not (target.root / "_messages").exists()
