"""
What a store keeps of segments: nothing that nobody asks for, under names of its own, and without
those who are erased, whatever was killed meanwhile.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from cxtools.cli.program import app
from cxtools.connection import Connection
from cxtools.erasures import Erasure, Erasures, line_of
from cxtools.errors import StoreError
from cxtools.events.segments import (
    LEFT_OUT,
    MOST_TAGS,
    MOST_VALUES,
    TOO_MANY_TAGS,
    TOO_MANY_VALUES,
    person_key,
    planned_table,
)
from cxtools.files import append_line
from cxtools.measures.answers import answer
from cxtools.measures.engine import Engine
from cxtools.model import Recipient
from cxtools.people.forget import forget
from cxtools.settings import load_settings
from tests.tables import store
from tests.unit.test_segments import ASKED, EVENTS, SPEC, groups, planned_client


def test_a_slip_of_the_pen_makes_nothing(tmp_path: Path) -> None:
    """A name that isn't known is told from those that are, and nothing is kept of these."""
    client = planned_client(tmp_path)
    for asked in ({"by": "plam"}, {"where": {"town": "x"}}):
        with pytest.raises(StoreError, match=r"segments: .*plan"):
            answer(client.engine, "funnel", "c", **asked)
    client.engine.segments("c")

    assert not list(tmp_path.rglob("planned-*"))
    assert not list(tmp_path.rglob("segments-*"))


def test_a_home_that_may_only_be_read_is_split_all_the_same(tmp_path: Path) -> None:
    """By what was sent and by what earlier campaigns tell; the home stays as it is."""
    home = tmp_path / "home"
    client = planned_client(home)
    answer(client.engine, "funnel", "c")
    client.ledger.close()
    readable = [home, *home.rglob("*")]
    for path in readable:
        path.chmod(0o555 if path.is_dir() else 0o444)
    # The superuser writes everywhere, but for this.
    mortal = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    script = f"""
        from pathlib import Path
        from cxtools.connection import Connection
        from cxtools.measures.answers import answer
        from cxtools.settings import load_settings
        client = Connection(load_settings(environ={{}}, home=Path({str(home)!r})), quiet=True)
        table = answer(client.engine, "funnel", "c", by=["plan", "history"], where={{"tag:vip": "yes"}})
        print(table[["plan", "history", "attempted"]].values.tolist())
    """
    done = subprocess.run(
        [*mortal, sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=False,
    )
    left = sorted(home.rglob("*"))
    for path in readable:
        path.chmod(0o755)

    assert (0, "[['pro', 'first', 2]]\n", "") == (done.returncode, done.stdout, done.stderr)
    assert sorted(readable[1:]) == left


#: A merge field -> how it is asked for, where that is the name of a segment of every plan.
TAKEN = {
    "tags": "segment:tags",
    "list_tenth": "segment:list_tenth",
    "subject": "segment:subject",
    "template": "segment:template",
    "tag:vip": "segment:tag:vip",
    'o\'brien "x" \\': 'o\'brien "x" \\',
}


def test_a_field_never_takes_the_place_of_another_segment(tmp_path: Path) -> None:
    """Both are there, under names of their own; quotes in names and values are letters."""
    client = Connection(load_settings(environ={}, home=tmp_path), quiet=True)
    people = [
        Recipient("ann@one.example", dict.fromkeys(TAKEN, 'it\'s "a"'), ("vip", "a")),
        Recipient("bob@two.example", dict.fromkeys(TAKEN, "b"), ("b",)),
    ]
    client.ledger.plans.write("c", digest="d1", spec=SPEC, planned=people, batch_size=3)
    store(EVENTS, into=client.store)

    for asked in TAKEN.values():
        whole = groups(answer(client.engine, "funnel", "c", by=[asked]), asked)
        assert {'it\'s "a"': (1, 1), "b": (1, 0), None: (3, 0)} == whole
        [row] = answer(client.engine, "funnel", "c", where={asked: 'it\'s "a"'}).to_dict("records")
        assert 1 == row["attempted"]
    assert {"a, vip": (1, 1), "b": (1, 0), None: (3, 0)} == groups(
        answer(client.engine, "funnel", "c", by="tags"), "tags"
    )
    assert {"Hello": (5, 1)} == groups(
        answer(client.engine, "funnel", "c", by="subject"), "subject"
    )


def test_a_name_with_a_comma_stands_between_quotes(tmp_path: Path) -> None:
    """On the command line and in a text, as a value does."""
    client = Connection(load_settings(environ={}, home=tmp_path), quiet=True)
    people = [Recipient("ann@one.example", {"town, country": "Bern, CH"})]
    client.ledger.plans.write("c", digest="d1", spec=SPEC, planned=people, batch_size=3)
    store(EVENTS, into=client.store)
    words = ["funnel", "c", "--by", '"town, country"', "--where", "town, country=Bern, CH"]
    run = CliRunner(env={"CXTOOLS_HOME": str(tmp_path)}).invoke(app, [*words, "--json"])
    where = '"town, country"="Bern, CH"'
    table = answer(client.engine, "funnel", "c", by='"town, country"', where=where)

    assert [("Bern, CH", 1)] == list(zip(table["town, country"], table["attempted"], strict=True))
    assert table.records() == json.loads(run.stdout)


def test_what_is_no_segment_says_why(tmp_path: Path) -> None:
    """
    A field of too many values and rare ones of too many tags: an error where nothing else is asked
    of them, a sentence where another campaign has them.
    """
    client = Connection(load_settings(environ={}, home=tmp_path), quiet=True)
    many = [
        Recipient(f"p{n}@x.example", {"link": str(n)}, ("all", f"t{n:05}"))
        for n in range(MOST_VALUES + 1)
    ]
    few = [Recipient("ann@x.example", {"link": "a"}, ("t09999", "all"))]
    for name, people in (("many", many), ("few", few)):
        spec = SPEC | {"name": name}
        client.ledger.plans.write(name, digest=name, spec=spec, planned=people, batch_size=20_000)
        lines = "".join(f"{p.email} | delivery | +0\n" for p in people[:3])
        store(f"to | kind | at\n{lines}", name, into=client.store)

    with pytest.raises(StoreError) as told:
        answer(client.engine, "funnel", "many", by="link")
    assert f"can't split by link: {TOO_MANY_VALUES} (in many)" in str(told.value)
    with pytest.raises(StoreError) as told:
        answer(client.engine, "funnel", "many", by="tag:t09999")
    assert f"can't split by tag:t09999: {TOO_MANY_TAGS} (in many)" in str(told.value)
    table = answer(client.engine, "funnel", by=["link", "tag:t09999"])
    assert [("few", "a", "yes", 1), ("many", None, None, 3)] == [
        (row["campaign"], row["link"], row["tag:t09999"], row["attempted"])
        for row in table.astype(object).where(table.notna(), None).to_dict("records")
    ]
    assert f"Nothing is known of link: {TOO_MANY_VALUES} (in many)." in str(table._repr_html_())
    by_tag = answer(client.engine, "funnel", "many", by="tag:all")
    assert {"yes": (3, 0)} == groups(by_tag.fillna({"clicked": 0}), "tag:all")


def test_of_many_tags_the_most_frequent_are_segments() -> None:
    """Of those that are as frequent the first by name."""
    people = [Recipient(f"p{n}@x.example", {}, ("all", f"t{n % 150:03}")) for n in range(400)]
    rows = planned_table(people, len(people), {})
    names = {name for name in rows["name"].to_pylist() if name.startswith("tag:")}

    assert {"tag:all", *(f"tag:t{n:03}" for n in range(MOST_TAGS - 1))} == names
    assert b'{"tag:": "' + TOO_MANY_TAGS.encode() + b'"}' == rows.schema.metadata[LEFT_OUT]


def test_an_erasure_that_was_killed_between_two_files_goes_on(tmp_path: Path) -> None:
    """
    Killed after the first campaign's segments, when nothing else knows the address any more; and a
    plan that was replaced, whose file a killed process left, and an unfinished file, go.
    """
    client = planned_client(tmp_path)
    ann = Recipient("ann@one.example", {"plan": "pro", "account": "ann"})
    client.ledger.plans.write(
        "d", digest="d2", spec=SPEC | {"name": "d"}, planned=[ann], batch_size=3
    )
    store(EVENTS, "d", into=client.store)
    for name in ("c", "d"):
        answer(client.engine, "funnel", name, by="plan")
    kept = client.store.segments("d")
    [file] = kept.planned_files()
    older = file.with_name("planned-older.parquet")
    older.write_bytes(file.read_bytes())
    os.utime(older, (1, 1))
    unfinished = file.with_name(".planned-older.parquet.x.tmp")
    unfinished.write_bytes(file.read_bytes())

    person = Erasure(ann.key, "erased-1", "one.example", ann.email)
    append_line(client.settings.erasures_file, line_of(person))
    for name in ("c", "d"):
        client.store.erase(name, Erasures([person]))
        client.ledger.purge(name)
    client.store.segments("c").erase(Erasures([person]))
    later = Connection(client.settings, quiet=True)
    forget(later, "ann@one.example", "asked to")

    assert [file] == kept.planned_files()
    assert not unfinished.exists()
    rows = pq.read_table(file, partitioning=None)
    assert person_key("ann@one.example") not in rows["person"].to_pylist()
    assert "ann" not in rows["value"].to_pylist()
    assert ASKED["plan"] == groups(answer(later.engine, "funnel", "c", by="plan"), "plan")


FIRST = """
to            | kind       | at
ann@x.example | delivery   | +0
bob@x.example | suppressed | +0
cid@x.example | unsubscribe| +0
dan@x.example | bounce     | +0
eve@x.example | open       | +0
fay@x.example | sent       | +0
fay@x.example | suppressed | +1
"""
SECOND = """
to            | kind     | at
ann@x.example | delivery | +900
bob@x.example | delivery | +900
cid@x.example | delivery | +900
dan@x.example | delivery | +900
eve@x.example | delivery | +900
fay@x.example | delivery | +900
"""


def test_who_was_not_mailed_is_no_repeat() -> None:
    """Whom the platform held back, and who only left the list, got no mail by that campaign."""
    target = store(SECOND, "second", into=store(FIRST, "first"))
    table = answer(Engine(target), "funnel", "second", by=["history", "domain"])

    assert {"first": (3, 0), "repeat": (3, 0)} == groups(table.fillna({"clicked": 0}), "history")


def test_earlier_campaigns_leave_one_file_each() -> None:
    """However often they are asked about, and whatever comes in meanwhile."""
    target = None
    for number in range(5):
        lines = f"to | kind | at\nann@x.example | delivery | +{1000 * number}"
        target = store(lines, f"c{number}", into=target)
    assert target
    for second in range(3):
        news = f"to | kind | at\nb{second}@x.example | delivery | +{10 + second}"
        store(news, "c0", into=target)
        table = answer(Engine(target), "funnel", by="history")
        assert ["first", *["repeat"] * 4] == table["history"].tolist()
    files = list(target.root.rglob("segments-*"))

    assert len(files) == len({file.parent for file in files})
