"""SQL that people type: what it answers, what it is refused, and that nothing is touched."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cxtools.errors import ConfigError, StoreError
from cxtools.events.database import Resources
from cxtools.events.segments import planned_table
from cxtools.events.store import EventStore
from cxtools.identity import recipient_key
from cxtools.measures.answers import answer
from cxtools.measures.engine import Engine
from cxtools.model import Recipient
from cxtools.queries.ask import Statement, limits_of, rows
from cxtools.queries.columns import VIEWS, names, view_columns
from cxtools.queries.process import WORKERS, Worker
from cxtools.queries.views import view_request
from cxtools.text import mask_address, safe_line
from tests.howto import ROOT
from tests.tables import store

AUGUST = """
    to  | email              | kind     | at       | code  | text                           | url
    ann | ann@gmail.com      | delivery | 01 09:00 |       |                                |
    bob | bob@gmail.com      | delivery | 01 09:00 |       |                                |
    cat | cat@yahoo.com      | delivery | 01 09:00 |       |                                |
    dan | dan@old.example    | bounce   | 01 09:01 | 5.1.1 | 550 <dan@old.example> unknown  |
    eve | eve@old.example    | delivery | 01 09:00 |       |                                |
    ann | ann@gmail.com      | open     | 01 09:10 |       |                                |
    ann | ann@gmail.com      | click    | 01 09:11 |       |                                | https://shop.example/new
    ann | ann@gmail.com      | click    | 03 10:00 |       |                                | https://shop.example/new
    cat | cat@yahoo.com      | open     | 01 09:30 |       |                                |
"""
SEPTEMBER = """
    to  | email              | kind     | at       | code  | text                           | url
    ann | ann@gmail.com      | delivery | 14 09:00 |       |                                |
    bob | Bob@gmail.com      | delivery | 14 09:00 |       |                                |
    cat | cat@yahoo.com      | bounce   | 14 09:02 | 5.2.2 | mailbox full                   |
    dan | dan@old.example    | bounce   | 14 09:02 | 5.1.1 | 550 <dan@old.example> unknown  |
    eve | eve@old.example    | bounce   | 14 09:02 | 5.1.1 | 550 <eve@old.example> unknown  |
    ann | ann@gmail.com      | open     | 14 10:00 |       |                                |
    ann | ann@gmail.com      | click    | 14 10:01 |       |                                | https://shop.example/unsubscribe?u=ann@gmail.com
    bob | Bob@gmail.com      | click    | 14 11:30 |       |                                | https://shop.example/new
"""
PAGE = ROOT / "docs" / "howto" / "ask-by-sql.md"
WORKED = re.findall(r"^```sql\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Two campaigns in a home, with little memory for statements."""
    home = tmp_path_factory.mktemp("home")
    resources = Resources(home / "spill", memory="200 MB", threads=1)
    target = EventStore(home / "events", resources)
    store(AUGUST, "august", target)
    store(SEPTEMBER, "september", target)
    people = [
        Recipient("ann@gmail.com", {"plan": "pro", "day": "mon"}, ("vip",)),
        Recipient("eve@old.example", {"plan": "free", 'the "x"': "it's"}),
    ]
    plan = planned_table(people, len(people), {"subject": "Hi"})
    target.segments("september").keep_planned(plan, "d1")
    (home / "secret.txt").write_text("canary")
    (home / "ledger.sqlite").write_bytes(b"canary")
    yield Engine(target)
    WORKERS.end()


def ask(engine: Engine, sql: str, *campaigns: str, **options: Any) -> list[dict[str, Any]]:
    answered: list[dict[str, Any]] = rows(
        engine, Statement(sql, campaigns or None, **options)
    ).to_pylist()
    return answered


def key(name: str) -> str:
    return recipient_key(name)


#: The answers to the page's questions, in their order.
ANSWERS: list[list[dict[str, Any]]] = [
    [{"provider": "gmail", "clickers": 2}],
    [
        {"domain": "old.example", "attempted": 4, "bounced": 3, "bounce_rate": 0.75},
        {"domain": "gmail.com", "attempted": 4, "bounced": 0, "bounce_rate": 0.0},
    ],
    [{"campaign": "august", "minutes": 20.0}, {"campaign": "september", "minutes": 60.0}],
    [],
    sorted(
        [
            {"person": key("cat@yahoo.com"), "category": "mailbox_full", "reason": "mailbox full"},
            {
                "person": key("eve@old.example"),
                "category": "invalid_recipient",
                "reason": "<address> unknown",
            },
        ],
        key=lambda row: row["person"],
    ),
    [{"link_url": "https://shop.example/unsubscribe?u=***@gmail.com", "people": 1}],
    [
        {"bounce_code": "5.1.1", "bounce_text": "550 <***@old.example> unknown", "events": 3},
        {"bounce_code": "5.2.2", "bounce_text": "mailbox full", "events": 1},
    ],
    [
        {"plan": "pro", "delivered": 1, "clicked": 0},
        {"plan": None, "delivered": 1, "clicked": 1},
    ],
    [
        {"campaign": "august", "clickers": 1, "came_back": 1},
        {"campaign": "september", "clickers": 1, "came_back": 0},
    ],
    [
        {"campaign": "august", "provider": "gmail", "delivery_rate": 1.0, "click_rate": 0.5},
        {"campaign": "august", "provider": "other", "delivery_rate": 0.5, "click_rate": 0.0},
        {"campaign": "august", "provider": "yahoo", "delivery_rate": 1.0, "click_rate": 0.0},
        {"campaign": "september", "provider": "gmail", "delivery_rate": 1.0, "click_rate": 0.5},
        {"campaign": "september", "provider": "other", "delivery_rate": 0.0, "click_rate": None},
        {"campaign": "september", "provider": "yahoo", "delivery_rate": 0.0, "click_rate": None},
    ],
]


def test_the_page_has_ten_questions() -> None:
    """Each with the answer that it has here."""
    assert 10 == len(WORKED) == len(ANSWERS)


@pytest.mark.parametrize("number", range(10))
def test_a_question_of_the_page_is_answered(engine: Engine, number: int) -> None:
    """As it stands on the page."""
    assert ANSWERS[number] == ask(engine, WORKED[number])


#: What is selected -> the rows, of September; nobody else was planned.
SEGMENTS: dict[str, list[dict[str, Any]]] = {
    "plan, count(*) as n from messages group by 1 order by 1 nulls last": [
        {"plan": "free", "n": 1},
        {"plan": "pro", "n": 1},
        {"plan": None, "n": 3},
    ],
    "\"tag:vip\", Subject from messages where domain = 'gmail.com' and PLAN = 'pro'": [
        {"tag:vip": "yes", "subject": "Hi"}
    ],
    '"the ""x""" as x from messages where m.plan = \'free\''.replace("messages", "messages as m"): [
        {"x": "it's"}
    ],
    "\"segment:day\", day from messages where plan = 'pro'": [
        {"segment:day": "mon", "day": "2026-09-14"}
    ],
    "history, count(*) as n from messages group by all order by n": [{"history": "repeat", "n": 5}],
    "case when plan = 'pro' then 1 end as plan from messages order by plan limit 1": [{"plan": 1}],
}


@pytest.mark.parametrize("selected", SEGMENTS)
def test_a_segment_is_a_column_where_it_is_named(engine: Engine, selected: str) -> None:
    """In any case of letters; a column of the view keeps its name."""
    found = ask(engine, f"select {selected}", "september")

    assert SEGMENTS[selected] == [{k.lower(): v for k, v in row.items()} for row in found]


def test_a_segment_that_is_not_there_is_no_column(engine: Engine) -> None:
    """As any other name; and all columns are those of the reference."""
    with pytest.raises(ConfigError, match="plam"):
        ask(engine, "select plam from messages")
    [row] = ask(engine, "select * from messages limit 1", "september")
    assert names("messages") == list(row)


@pytest.mark.parametrize("by", ["provider", "domain", "job", "day", "hour", "weekday"])
def test_the_view_and_the_funnel_count_the_same(engine: Engine, by: str) -> None:
    """Each step, for each split."""
    steps = [
        "attempted",
        "delivered",
        "late_bounced",
        "bounced",
        "opened",
        "opened_strict",
        "clicked",
    ]
    counts = ", ".join(f"count(*) filter (where {step}) as {step}" for step in steps)
    counted = ask(
        engine, f"select campaign, {by}, {counts} from messages group by all order by 1, 2"
    )
    funnel = answer(engine, "funnel", by=by)[["campaign", by, *steps]].to_dict("records")

    assert funnel == counted


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_the_columns_that_are_documented(engine: Engine, view: str) -> None:
    """In their order, and with their types."""
    types = {
        "VARCHAR": "text",
        "BIGINT": "number",
        "BOOLEAN": "true or false",
        "TIMESTAMP WITH TIME ZONE": "moment",
    }
    shown = {
        row["column_name"]: types[row["column_type"]] for row in ask(engine, f"describe {view}")
    }
    documented = {column.name: column.type for column in view_columns() if column.view == view}

    assert documented == shown
    assert names(view) == list(shown)


def test_addresses_are_masked_unless_asked_for(engine: Engine) -> None:
    """In no column of any view, as Python masks them; a person is the ledger's."""
    everything = [ask(engine, f"select * from {view}") for view in VIEWS]
    [shown] = ask(
        engine,
        "select email, bounce_text from events where bounce_text like '%eve%'",
        show_addresses=True,
    )
    people = ask(engine, "select distinct person from messages order by 1")

    assert not re.search(r"\b(ann|bob|cat|dan|eve)@", str(everything), re.I)
    assert {"email": "eve@old.example", "bounce_text": "550 <eve@old.example> unknown"} == shown
    emails = [
        "ann@gmail.com",
        "bob@gmail.com",
        "cat@yahoo.com",
        "dan@old.example",
        "eve@old.example",
    ]
    assert sorted(map(recipient_key, emails)) == [row["person"] for row in people]


def test_masks_are_those_of_the_house(engine: Engine) -> None:
    """The SQL masks an address and a text as Python does."""
    [address] = ask(
        engine, "select distinct email from events where kind = 'bounce' and email like 'c%'"
    )
    texts = ask(
        engine,
        "select distinct bounce_text from events where bounce_text like '%unknown' order by 1",
    )

    assert mask_address("cat@yahoo.com") == address["email"]
    assert safe_line("550 <eve@old.example> unknown", 80) == texts[0]["bounce_text"]


ODD_ADDRESSES = """
    to  | email                           | kind   | code  | text
    1   | "kim lee"@three.example         | bounce | 5.1.1 | "kim lee"@three.example unknown
    2   | kim.lee=three.example@b.example | bounce | 5.1.1 | kim.lee=three.example@b.example unknown
"""


def test_odd_spellings_of_addresses_are_masked(tmp_path: Path) -> None:
    """Quoted ones, and those that name another; as Python masks them."""
    target = EventStore(tmp_path / "events", Resources(tmp_path, memory="200 MB", threads=1))
    odd = Engine(store(ODD_ADDRESSES, "odd", target))
    query = "select bounce_text from events order by 1"
    whole = [row["bounce_text"] for row in ask(odd, query, show_addresses=True)]
    everything = [ask(odd, f"select * from {view}") for view in VIEWS]

    assert "lee" not in str(everything)
    assert sorted(safe_line(text, 80) for text in whole) == [
        row["bounce_text"] for row in ask(odd, query)
    ]


#: Statements that ask for columns without their names -> what they say of ann in August.
WHOLE_ROWS = [
    "select messages as m from messages",
    "select m from messages m",
    "select cast(to_json(messages) as varchar) as m from messages",
]


@pytest.mark.parametrize("statement", WHOLE_ROWS)
def test_a_whole_row_has_all_columns(engine: Engine, statement: str) -> None:
    """Those that are looked up, too."""
    [first, *_] = ask(engine, statement, "august")

    assert [] == [name for name in names("messages") if name not in str(first["m"])]


def test_columns_can_be_asked_for_by_place(engine: Engine) -> None:
    """All of them have theirs."""
    place = names("messages").index("job") + 1
    shown = [
        ask(engine, f"select distinct #{place} as job from messages"),
        ask(engine, f"select distinct c{place} as job from messages as m({columns_up_to(place)})"),
    ]

    assert [[{"job": "j1"}]] * 2 == shown


def columns_up_to(place: int) -> str:
    return ", ".join(f"c{number}" for number in range(1, place + 1))


@pytest.mark.parametrize(
    "statement",
    ["select 1 as a, 2 as a", "select m.*, e.* from messages m join events e using (message_key)"],
)
def test_columns_of_one_name_are_refused(engine: Engine, statement: str) -> None:
    """Nobody could tell them apart; what to do is said."""
    with pytest.raises(ConfigError, match=r"several columns are named (?s:.*) as other_"):
        ask(engine, statement)
    assert [{"one": 1}] == ask(engine, "select 1 as one")


def test_an_error_shows_no_address(engine: Engine) -> None:
    """DuckDB would quote the value that it can't convert."""
    with pytest.raises(ConfigError) as refused:
        ask(engine, "select cast(email as int) from messages", show_addresses=True)

    assert "***@" in str(refused.value)


def test_an_answer_fits_into_memory(engine: Engine) -> None:
    """One that doesn't is refused, not cut."""
    with pytest.raises(StoreError, match="larger than the memory"):
        ask(engine, "select range, range + 1, range + 2 from range(20000000)")


def test_campaigns_can_be_named(engine: Engine) -> None:
    """The views hold these alone; one that isn't there is named with those that are."""
    assert [{"campaign": "august"}] == ask(engine, "select campaign from campaigns", "august")
    with pytest.raises(StoreError, match="august"):
        ask(engine, "select 1 from campaigns", "agust")


def test_a_store_without_events_has_empty_views(tmp_path: Path) -> None:
    """All columns, no rows."""
    empty = Engine(EventStore(tmp_path / "events"))

    assert [[], [], [], []] == [ask(empty, f"select * from {view}") for view in VIEWS]


# --- what is refused ---


def hostile() -> list[tuple[str, str]]:
    path = Path(__file__).with_name("hostile_statements.tsv")
    with path.open(encoding="utf-8", newline="") as file:
        read = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row[0], row[1]) for row in read][1:]


#: Where a statement names a place of the test.
PLACE = re.compile(r"{(home|canary|parts)}")


def contents(folder: Path) -> dict[str, str]:
    """Every file of a folder with its digest."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def outcome(engine: Engine, sql: str) -> str:
    """refused, bounded, or what was answered."""
    try:
        return f"answered {ask(engine, sql, seconds=1)}"
    except ConfigError:
        return "refused"
    except StoreError:
        return "bounded"


def test_hostile_statements_are_refused_or_bounded(engine: Engine) -> None:
    """Each of 300, with the store, the ledger and all other files as they were."""
    home = engine.store.root.parent
    ask(engine, "select * from messages")
    before = contents(home)
    places = {
        "home": str(home),
        "canary": str(home / "secret.txt"),
        "parts": str(engine.store.parts("august")[0]),
    }
    differing = []
    statements = hostile()
    for expected, statement in statements:
        became = outcome(engine, PLACE.sub(lambda place: places[place[1]], statement))
        if became != expected:
            differing.append((expected, became[:200], statement))

    assert len(statements) >= 300
    assert [] == differing
    assert before == contents(home)


#: What the database itself refuses, should a statement ever pass the rules.
BEHIND = """
select * from read_text('{canary}')
select * from read_csv('/etc/passwd')
select * from '/etc/passwd'
select * from glob('{home}/*')
copy (select 1) to '{home}/x.csv'
attach '{home}/x.duckdb' as x
install httpfs
load httpfs
set enable_external_access = true
set lock_configuration = false
set allowed_paths = ['/etc/passwd']
set memory_limit = '1TB'
create persistent secret s (type http, bearer_token 'x')
export database '{home}/x'
select * from read_csv('https://example.com/x.csv')
select * from engine
select getenv('HOME')
"""


@pytest.mark.parametrize("statement", BEHIND.strip().splitlines())
def test_the_database_is_locked_by_itself(engine: Engine, statement: str) -> None:
    """The second lock, without the first: the statement is run as it is."""
    home = engine.store.root.parent
    sql = statement.format(home=home, canary=home / "secret.txt")
    limits = replace(limits_of(engine, 5))
    with engine.open_layers("august") as layers, WORKERS.one() as worker:
        request = view_request(engine, layers, {"messages"}, show_addresses=False)
        with pytest.raises((ConfigError, StoreError)):
            list(worker.batches(request | {"sql": sql}, limits))

    assert not (home / "x.csv").exists()


def test_who_runs_statements_knows_nothing_of_its_surroundings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No secret of the environment reaches the process that runs what people type."""
    monkeypatch.setenv("CXONE_CLIENT_SECRET", "canary")
    worker = Worker()
    environ = Path(f"/proc/{worker.pid}/environ").read_bytes()
    worker.end()

    assert b"PATH=" in environ
    assert b"canary" not in environ


def test_a_process_that_was_ended_is_started_anew(engine: Engine) -> None:
    """The next statement is answered."""
    with WORKERS.one() as worker:
        worker.end()

    assert [{"one": 1}] == ask(engine, "select 1 as one")
