"""From a cause to its texts, to the people, to one person's time line."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import cxtools as cx
from cxtools import inquiry
from cxtools.cli.program import app
from cxtools.connection import Connection
from cxtools.errors import ConfigError, StoreError
from cxtools.events.store import EventStore
from cxtools.identity import recipient_key
from cxtools.measures.answers import answer
from cxtools.measures.engine import Engine
from cxtools.measures.people import STEPS, Behind, recipients, texts
from cxtools.people.person import held_on
from cxtools.people.timeline import timeline, timeline_of
from cxtools.settings import load_settings
from tests.tables import RECEIVED, events, store

EVENTS = """
    to  | email           | kind     | at       | code  | text                              | url
    ann | ann@gmail.com   | delivery | 14 09:00 |       |                                   |
    bob | bob@yahoo.com   | bounce   | 14 09:01 | 5.1.1 | 550 <bob@yahoo.com> no such user  |
    cat | cat@yahoo.com   | bounce   | 14 09:02 | 5.1.1 | 550 <cat@yahoo.com> no such user  |
    dan | dan@gmail.com   | bounce   | 14 09:03 | 5.2.2 | mailbox full                      |
    eve | eve@gmail.com   | delivery | 14 09:00 |       |                                   |
    eve | eve@gmail.com   | bounce   | 14 12:00 | 5.2.2 | mailbox full                      |
    ann | ann@gmail.com   | open     | 14 10:00 |       |                                   |
    ann | ann@gmail.com   | click    | 14 10:01 |       |                                   | https://shop.example/new?utm_source=x
"""
EARLIER = """
    to  | email           | kind     | at       | code  | text          | url
    bob | BOB@yahoo.com   | bounce   | 01 09:01 | 5.2.2 | mailbox full  |
    ann | ann@gmail.com   | delivery | 01 09:00 |       |               |
"""


@pytest.fixture
def client(home: Path) -> Connection:
    """A home with two campaigns."""
    target = EventStore(home / "events")
    store(EVENTS, "c", target)
    store(EARLIER, "b", target)
    return Connection(load_settings(home=home))


@pytest.fixture
def engine(client: Connection) -> Engine:
    return client.engine


#: What is asked for -> whom it finds.
FOUND: list[tuple[Behind, dict[str, str], str]] = [
    (Behind(), {}, "ann bob cat dan eve"),
    (Behind("delivered"), {}, "ann"),
    (Behind("late_bounced"), {}, "eve"),
    (Behind("clicked"), {}, "ann"),
    (Behind(category="invalid_recipient"), {}, "bob cat"),
    (Behind(category=["invalid_recipient", "mailbox_full"]), {}, "bob cat dan eve"),
    (Behind(kind="soft"), {}, "dan eve"),
    (Behind(bounce_text="550 <cat@yahoo.com> no such user"), {}, "cat"),
    (Behind(link="https://shop.example/new"), {}, "ann"),
    (Behind(category="mailbox_full"), {"domain": "gmail.com"}, "dan eve"),
    (Behind("bounced"), {"provider": "yahoo"}, "bob cat"),
    (Behind("clicked", category="mailbox_full"), {}, ""),
]


@pytest.mark.parametrize(("behind", "where", "names"), FOUND)
def test_recipients_are_found(
    engine: Engine, behind: Behind, where: dict[str, str], names: str
) -> None:
    """By step, cause, text, link, and what every question is limited by."""
    found = recipients(engine, "c", behind, where=where, addresses=True)

    assert names.split() == sorted(email.partition("@")[0] for email in found["email"])


@pytest.mark.parametrize("step", [step for step in STEPS if step != "complained"])
def test_as_many_people_as_the_funnel_counts(engine: Engine, step: str) -> None:
    """One row per message that reached the step."""
    [count] = answer(engine, "funnel", "c")[step]

    assert count == len(recipients(engine, "c", Behind(step)))


def test_as_many_people_as_each_cause_has(engine: Engine) -> None:
    """In the texts, too."""
    for cause in answer(engine, "bounces", "c").to_dict("records"):
        behind = Behind(category=cause["category"], kind=cause["kind"])

        assert cause["recipients"] == len(recipients(engine, "c", behind))
        assert cause["recipients"] == texts(engine, "c", behind)["recipients"].sum()


PERSONAL_LINKS = """
    to  | email           | kind     | at       | url
    ann | ann@gmail.com   | delivery | 14 09:00 |
    ann | ann@gmail.com   | click    | 14 10:01 | https://shop.example/new?to=ann@gmail.com
    bob | bob@yahoo.com   | delivery | 14 09:00 |
    bob | bob@yahoo.com   | click    | 14 11:01 | https://shop.example/new?to=bob%40yahoo.com
    cat | cat@yahoo.com   | delivery | 14 09:00 |
    cat | cat@yahoo.com   | click    | 14 12:01 | https://shop.example/sale
"""


@pytest.mark.parametrize(
    "link",
    [
        "https://shop.example/new?to=…",
        "https://shop.example/new?to=***@gmail.com",
        "https://shop.example/new?to=ann@gmail.com",
    ],
    ids=["as links show it", "as a time line shows it", "as it came"],
)
def test_a_link_with_an_address_finds_all_who_followed_it(link: str) -> None:
    """Whose address stands in it tells nothing of which link it is."""
    found = recipients(Engine(store(PERSONAL_LINKS)), None, Behind(link=link), addresses=True)

    assert ["ann@gmail.com", "bob@yahoo.com"] == sorted(found["email"])


def test_texts_that_differ_in_the_address_are_one(engine: Engine) -> None:
    """Where it is masked."""
    behind = Behind(category="invalid_recipient")
    masked = texts(engine, "c", behind)
    whole = texts(engine, "c", behind, addresses=True)

    assert [("550 <***@yahoo.com> no such user", 2)] == list(
        masked[["bounce_text", "recipients"]].itertuples(index=False, name=None)
    )
    assert 2 == len(whole)


def test_addresses_are_masked_unless_asked_for(client: Connection) -> None:
    """In no cell of any of the three."""
    shown = [
        recipients(client.engine, None, Behind()),
        texts(client.engine, None, Behind()),
        timeline(client, "bob@yahoo.com"),
    ]

    text = "".join(table.to_csv() for table in shown)
    assert "***@yahoo.com" in text
    assert not [name for name in ("ann@", "bob@", "BOB@", "cat@", "dan@", "eve@") if name in text]


MISTAKES = [
    (Behind("clickd"), "did you mean clicked"),
    (Behind(category="mailbox_ful"), "did you mean mailbox_full"),
    (Behind(kind="sof"), "did you mean soft"),
    (Behind(reason="mailbx full"), "did you mean mailbox full"),
    (Behind(reason="' or true --"), "no bounce has the reason ' or true --"),
    (Behind(bounce_text="mailbox ful"), "did you mean mailbox full"),
    (
        Behind(bounce_text="550 <bib@yahoo.com> no such user"),
        r"550 <\*\*\*@yahoo.com> no such user",
    ),
    (Behind(link="https://shop.example/nw"), "did you mean https://shop.example/new"),
    (Behind(category=[], kind="soft"), "no value of category is named"),
]


@pytest.mark.parametrize(("behind", "advice"), MISTAKES)
def test_a_slip_of_the_pen_is_answered(engine: Engine, behind: Behind, advice: str) -> None:
    """With what there is."""
    with pytest.raises(StoreError, match=advice):
        recipients(engine, "c", behind)


NOTHING = [
    (Behind(category="mailbox_full"), "nothing bounced"),
    (Behind(link="https://shop.example/new"), "nobody followed a link"),
]


@pytest.mark.parametrize(("behind", "told"), NOTHING)
def test_where_nothing_happened_it_is_said(client: Connection, behind: Behind, told: str) -> None:
    """There is nothing to choose from."""
    store("to|kind\nann|delivery", "calm", client.store)
    with pytest.raises(StoreError, match=told):
        recipients(client.engine, "calm", behind)


TWO_DOMAINS = """
    to  | email         | kind   | at       | code  | text
    ann | ann@a.example | bounce | 14 09:01 | 5.2.2 | mailbox ann@hub.example full
    bob | bob@b.example | bounce | 14 09:02 | 5.2.2 | mailbox bob@hub.example full
    cat | cat@b.example | bounce | 14 09:03 | 5.2.2 | mailbox bob@hub.example full
"""


@pytest.mark.parametrize(("addresses", "counted"), [(False, [(3, 2)]), (True, [(2, 1), (1, 1)])])
def test_domains_are_counted_over_texts_as_they_are_shown(
    addresses: bool, counted: list[tuple[int, int]]
) -> None:
    """Each once, however many texts became one."""
    engine = Engine(store(TWO_DOMAINS))
    table = texts(engine, None, Behind(), addresses=addresses)

    assert counted == list(table[["recipients", "domains"]].itertuples(index=False, name=None))


ODD_ADDRESSES = """
    to  | email                           | kind   | code  | text
    1   | "kim lee"@three.example         | bounce | 5.1.1 | "kim lee"@three.example unknown
    2   | kim.lee=three.example@b.example | bounce | 5.1.1 | kim.lee=three.example@b.example unknown
"""


def test_a_person_is_found_by_key(client: Connection) -> None:
    """What tables show; the same is held under it as under the address."""
    key = recipient_key("bob@yahoo.com")

    assert held_on(client, "bob@yahoo.com") == held_on(client, key)
    assert held_on(client, key).events
    assert [] == held_on(client, "0" * 32).events
    with pytest.raises(ConfigError, match="not a person's key"):
        held_on(client, "bob")


def test_odd_spellings_of_addresses_are_masked() -> None:
    """Quoted ones, and those that name another."""
    table = recipients(Engine(store(ODD_ADDRESSES)), None, Behind())

    assert ["***@three.example unknown", "***@b.example unknown"] == sorted(
        table["bounce_text"], reverse=True
    )
    assert ["***=<address> unknown", "***@<host> unknown"] == sorted(table["reason"])
    assert "lee" not in table.to_csv()


NAMES_ALONE = """
    to  | email            | kind   | code  | text
    1   | jane.roe@x.example | bounce | 5.1.1 | user Jane.Roe unknown
    2   | jane.roe@x.example | bounce | 5.1.1 | jane.roe at x.example unknown
    3   | jane.roe@x.example | bounce | 5.1.1 | jane.roe%40x.example unknown
"""


def test_a_name_alone_is_masked_beside_its_address(home: Path) -> None:
    """Among people and in a time line, in texts and reasons; whoever asks for addresses has it."""
    store(NAMES_ALONE, "c", EventStore(home / "events"))
    client = Connection(load_settings(home=home))
    shown = [
        recipients(client.engine, None, Behind()),
        timeline(client, "jane.roe@x.example"),
    ]

    text = "".join(table.to_csv() for table in shown).lower()
    assert "user *** unknown" in text
    assert "*** at x.example unknown" in text
    assert "jane" not in text
    whole = recipients(client.engine, None, Behind(), addresses=True)
    assert "user Jane.Roe unknown" in list(whole["bounce_text"])


def test_a_time_line_holds_what_is_told_by_ids_alone(client: Connection) -> None:
    """Opens and clicks of many feeds have no address; the questions know whose they are."""
    drawn = events(
        """
        to  | email            | kind     | at       | url
        ann | ann@late.example | delivery | 20 09:00 |
        ann | ann@late.example | click    | 20 10:00 | https://shop.example/new
        bob | bob@late.example | delivery | 20 09:00 |
        bob | bob@late.example | open     | 20 11:00 |
        """
    )
    told = [
        replace(event, email="") if event.kind in ("open", "click") else event for event in drawn
    ]
    client.store.add("ids", told, source="test", received_at=RECEIVED)

    lines = timeline(client, "Ann@late.example")
    assert [("delivery", ""), ("click", "https://shop.example/new")] == list(
        lines[["what", "detail"]].itertuples(index=False, name=None)
    )


#: A feed that names messages by half, or otherwise than their sending does -> what the time line of
#: ann@a.example holds.
HALF_NAMED = {
    "one message, two addresses": (
        """
        to  | email         | kind     | at       | msg
        1   | ann@a.example | delivery | 14 09:00 | m1
        1   | bob@b.example | open     | 14 10:00 | m1
        """,
        "delivery",
    ),
    "one message in another spelling": (
        """
        to  | email         | kind     | at       | msg
        1   | ann@a.example | delivery | 14 09:00 | m1
        1   | ANN@a.example | open     | 14 10:00 | m1
        """,
        "delivery open",
    ),
    "whose message it is can't be told": (
        """
        to            | kind     | at       | msg
        ann@a.example | delivery | 14 09:00 | m1
        ann@a.example | delivery | 14 09:10 | m2
        ann@a.example | open     | 14 10:00 | -
        bob@b.example | delivery | 14 09:00 | m3
        bob@b.example | delivery | 14 09:10 | m4
        bob@b.example | open     | 14 10:00 | -
        """,
        "delivery delivery open",
    ),
    "the only message of a person": (
        """
        to            | kind     | at       | msg
        ann@a.example | delivery | 14 09:00 | m1
        ann@a.example | open     | 14 10:00 | -
        """,
        "delivery open",
    ),
    "sendings without ids, and an open without a moment": (
        """
        to            | kind     | at       | msg
        ann@a.example | delivery | 14 09:00 | -
        ann@a.example | delivery | 16 09:00 | -
        ann@a.example | click    | 16 10:00 | -
        ann@a.example | open     |          | -
        bob@b.example | delivery | 14 09:00 | -
        bob@b.example | delivery | 16 09:00 | -
        """,
        "delivery delivery click open",
    ),
}


@pytest.mark.parametrize("feed", HALF_NAMED)
def test_a_time_line_misses_no_event_however_its_message_is_named(
    client: Connection, feed: str
) -> None:
    """The person's events, whether or not their message is known, and nobody else's."""
    drawn, kinds = HALF_NAMED[feed]
    store(drawn, "half", client.store)

    assert kinds.split() == list(timeline(client, "Ann@a.example")["what"])


def test_an_address_that_is_known_is_not_looked_for(client: Connection) -> None:
    """The same time line as by the key alone."""
    key = recipient_key("bob@yahoo.com")
    lines = timeline_of(client, key, "bob@yahoo.com")

    assert 2 == len(lines)
    assert lines.equals(timeline(client, key))


@pytest.mark.parametrize(
    "person", ["bob@yahoo.com", "Bob@Yahoo.com", recipient_key("bob@yahoo.com")]
)
def test_a_time_line_holds_all_campaigns(client: Connection, person: str) -> None:
    """By address, however it is written, or by the key that a list of recipients has."""
    lines = timeline(client, person, addresses=True)

    assert [
        ("b", "bounce", "5.2.2 mailbox full"),
        ("c", "bounce", "5.1.1 550 <bob@yahoo.com> no such user"),
    ] == list(lines[["campaign", "what", "detail"]].itertuples(index=False, name=None))


def test_who_is_unknown_has_an_empty_time_line(client: Connection) -> None:
    """And what is no address is refused."""
    assert timeline(client, "nobody@example.com").empty
    with pytest.raises(ConfigError, match="not an address"):
        timeline(client, "bob")


def test_suppressions_and_plans_stand_in_the_time_line(client: Connection) -> None:
    """At their moments."""
    key = recipient_key("bob@yahoo.com")
    client.ledger.suppressions.add("by hand", {key: "asked for it"}, "operator")

    [row] = timeline(client, key).query("what == 'suppressed'").to_dict("records")
    assert row["detail"].startswith("asked for it")


def test_python_has_the_same(client: Connection, home: Path) -> None:
    """The functions of a notebook."""
    assert 2 == len(cx.recipients("c", category="invalid_recipient", home=home))
    assert 1 == len(cx.texts("c", category="invalid_recipient", home=home))
    assert 2 == len(cx.timeline("bob@yahoo.com", home=home))
    assert 5 == len(cx.messages("c", home=home))
    assert 8 == len(inquiry.events("c", home=home))


def run(home: Path, *words: str) -> Any:
    return CliRunner(env={"CXTOOLS_HOME": str(home)}).invoke(app, list(words))


def test_a_terminal_has_words_for_people_and_texts(client: Connection, home: Path) -> None:
    """Headings and causes as other tables have them, a dash for what is missing."""
    people = run(home, "recipients", "c").stdout.splitlines()
    told = run(home, "texts", "c", "--category", "mailbox full").stdout.splitlines()

    assert ["Person", "Email", "Provider"] == people[0].split()[1:4]
    assert {"mailbox full", "invalid recipient", "–"} == {
        re.split("  +", line)[-1] for line in people[1:]
    }
    assert ["Campaign", "Category", "Kind", "Bounce code", "Bounce text"] == (
        re.split("  +", told[0])[:5]
    )
    assert ["c", "mailbox full", "soft", "5.2.2", "mailbox full", "2"] == (
        re.split("  +", told[1])[:6]
    )


def test_a_cause_is_asked_for_as_it_is_written(client: Connection, home: Path) -> None:
    """As tables write it, or as we name it; on the command line and in notebooks."""
    for cause in ("mailbox full", "mailbox_full"):
        asked = run(home, "funnel", "c", "--where", f"cause={cause}", "--json")
        assert 2 == json.loads(asked.stdout)[0]["bounced"]
        assert 2 == len(recipients(client.engine, "c", Behind(), where={"cause": cause}))
        assert 2 == len(recipients(client.engine, "c", Behind(category=cause)))


#: What JSON has no word for -> how it is written.
WRITTEN = {
    "interval 3 hour": "03:00:00",
    "[interval 1 month]": "[1 month]",
    "'101'::bit": "101",
    "'\\xFF'::blob": "\\xFF",
}


def test_json_has_texts_for_what_it_does_not_know(home: Path, client: Connection) -> None:
    """As DuckDB writes them; the columns keep their names."""
    columns = ", ".join(f'{sql} as "{sql}"' for sql in WRITTEN)
    [row] = json.loads(run(home, "sql", f"select 1 as one, {columns}", "--json").stdout)

    assert {"one": 1, **WRITTEN} == row


def test_a_terminal_is_told_how_many_more(client: Connection, home: Path) -> None:
    """50 rows are shown; JSON has all of them."""
    head = "to|kind\n"
    many = head + "\n".join(f"p{number:03}@gmail.com|delivery" for number in range(53))
    store(many, "many", client.store)
    shown = run(home, "recipients", "many")
    rows = json.loads(run(home, "recipients", "many", "--json").stdout)

    assert "3 more rows" in shown.stderr
    assert 51 == len(shown.stdout.splitlines())
    assert 53 == len(rows)


@pytest.mark.parametrize(
    "words",
    [
        ("recipients", "c"),
        ("texts", "c"),
        ("timeline", "bob@yahoo.com"),
        ("sql", "select * from messages"),
        ("funnel", "c"),
    ],
    ids=lambda words: words[0],
)
def test_every_form_holds_the_same_rows(
    client: Connection, home: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """JSON, CSV, Parquet and Excel; no formula reaches a sheet."""
    import pandas as pd

    as_json = json.loads(run(home, *words, "--json").stdout)
    as_csv = run(home, *words, "--csv").stdout.strip().splitlines()
    files = {form: tmp_path / f"answer.{form}" for form in ("parquet", "xlsx")}
    for form, file in files.items():
        done = run(home, *words, f"--{form}", str(file))
        assert 0 == done.exit_code, done.output

    sheet = pd.read_excel(files["xlsx"], engine="calamine")
    assert len(as_json) == len(as_csv) - 1 == len(sheet) == len(pd.read_parquet(files["parquet"]))
    assert list(as_json[0]) == list(sheet.columns)
