"""
Segments: what was sent with each recipient and kept columns of imports, as what every question is
split and filtered by.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import cxtools as cx
from cxtools.cli.program import app
from cxtools.connection import Connection
from cxtools.errors import ConfigError, StoreError
from cxtools.events.importing import import_file
from cxtools.events.segments import MOST_VALUES, planned_table
from cxtools.events.store import EventStore
from cxtools.measures import choices
from cxtools.measures.answers import answer
from cxtools.measures.catalogue import QUESTIONS
from cxtools.measures.engine import Engine
from cxtools.model import Recipient
from cxtools.people.forget import forget
from cxtools.settings import load_settings
from tests.tables import store

NOW = datetime(2026, 10, 1, tzinfo=UTC)
SPEC = {
    "name": "c",
    "subject": "Hello",
    "template_id": "t-1",
    "sender": "me@x.example",
    "limits": {"daily": None},
}
PEOPLE = [
    Recipient("ann@one.example", {"plan": "pro", "firstName": "Ann", "day": "mon"}, ("vip", "a")),
    Recipient("Bob@two.example", {"plan": "free", "firstName": "Bob", "day": "mon"}, ("b",)),
    Recipient("cid@two.example", {"plan": "free", "firstName": "Cid", "day": "tue"}),
    Recipient("dan@two.example", {"plan": "pro", "firstName": "Dan", "day": "tue"}, ("vip",)),
]
EVENTS = """
to              | kind     | at
ann@one.example | delivery | +0
ann@one.example | click    | +90
bob@two.example | delivery | +0
cid@two.example | bounce   | +5
dan@two.example | delivery | +0
eve@two.example | delivery | +0
"""
#: What is asked -> each value with how many were attempted and clicked; eve was not planned.
ASKED = {
    "plan": {"free": (2, 0), "pro": (2, 1), None: (1, 0)},
    "segment:day": {"mon": (2, 1), "tue": (2, 0), None: (1, 0)},
    "tags": {"a, vip": (1, 1), "b": (1, 0), "vip": (1, 0), None: (2, 0)},
    "tag:vip": {"no": (2, 0), "yes": (2, 1), None: (1, 0)},
    "list_tenth": {"01": (1, 1), "03": (1, 0), "06": (1, 0), "08": (1, 0), None: (1, 0)},
    "subject": {"Hello": (5, 1)},
    "template": {"t-1": (5, 1)},
}
SPLIT = [name for name, each in QUESTIONS.items() if each.splits and not each.derived]


def planned_client(home: Path) -> Connection:
    """A campaign whose plan stands in the ledger, with events of some of its people."""
    client = Connection(load_settings(environ={}, home=home), quiet=True)
    client.ledger.plans.write("c", digest="d1", spec=SPEC, planned=PEOPLE, batch_size=3)
    store(EVENTS, into=client.store)
    return client


def groups(table: pd.DataFrame, by: str) -> dict[str | None, tuple[int, int]]:
    """Each value of a segment -> how many were attempted and clicked."""
    found = {}
    for row in table.to_dict("records"):
        value = None if pd.isna(row[by]) else row[by]
        found[value] = (row["attempted"], row["clicked"])
    return found


def imported(folder: Path, text: str, *keep: str) -> Engine:
    file = folder / "export.csv"
    file.write_text(text)
    target = EventStore(folder / "events")
    import_file(file, "c", target, keep=keep, now=NOW)
    return Engine(target)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Over the campaign that was planned."""
    return planned_client(tmp_path_factory.mktemp("planned")).engine


@pytest.mark.parametrize("by", ASKED)
def test_a_campaign_is_split_by_what_was_sent_with_its_people(engine: Engine, by: str) -> None:
    """Fields, tags, the place in the list, and what the spec says of everybody."""
    assert ASKED[by] == groups(answer(engine, "funnel", "c", by=by), by)


def test_several_and_filters(engine: Engine) -> None:
    """Segments stand behind dimensions; where two filters are, both hold."""
    table = answer(
        engine, "funnel", "c", by=["plan", "domain"], where={"tag:vip": "yes", "plan": ["pro"]}
    )

    assert ["campaign", "domain", "plan"] == list(table.columns[:3])
    assert [("one.example", "pro", 1), ("two.example", "pro", 1)] == [
        (row["domain"], row["plan"], row["attempted"]) for row in table.to_dict("records")
    ]


@pytest.fixture(scope="module")
def full_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """
    The same, with a bounce after a delivery and a mistyped domain: every question has something to
    tell.
    """
    client = planned_client(tmp_path_factory.mktemp("full"))
    late = "dan@two.example | bounce | +900 | 5.1.1"
    mistyped = "fay@gmial.com   | bounce | +5   | 5.1.2"
    store(f"to | kind | at | code\n{late}\n{mistyped}", into=client.store)
    return client.engine


@pytest.mark.parametrize("name", SPLIT)
def test_every_question_is_split_by_segments(full_engine: Engine, name: str) -> None:
    """Each says in its rows which group they are of, as text and as a picture where it has one."""
    table = answer(full_engine, name, "c", by="plan")

    assert ["campaign", "plan"] == list(table.columns[:2])
    assert len(table)
    assert "plan" in table.text().lower()
    if QUESTIONS[name].chart:
        assert "plan" in table.chart().to_json()


ARMS = """\
email,event,time,message_id,arm,where.from
ann@one.example,delivered,2026-09-14 09:00,m1,A,shop
ann@one.example,click,2026-09-14 10:00,m1,B,app
bob@two.example,delivered,2026-09-14 09:00,m2,B,shop
cid@two.example,bounce,2026-09-14 09:00,m3,,shop
"""


def test_a_kept_column_is_a_segment(tmp_path: Path) -> None:
    """What the first event of a message says counts; an empty cell says nothing."""
    engine = imported(tmp_path, ARMS, "arm", "where.from")
    by_arm = groups(answer(engine, "funnel", "c", by="arm"), "arm")
    by_origin = groups(answer(engine, "funnel", "c", by="where.from"), "where.from")

    assert {"A": (1, 1), "B": (1, 0), None: (1, 0)} == by_arm
    assert {"shop": (3, 1)} == by_origin


def test_a_column_may_be_kept_later(tmp_path: Path) -> None:
    """The same file again adds no event, and the column is a segment from then on."""
    engine = imported(tmp_path, ARMS)
    with pytest.raises(StoreError, match="can't split by arm"):
        answer(engine, "funnel", "c", by="arm")
    again = imported(tmp_path, ARMS, "arm")

    assert 4 == len(list(answer(again, "funnel", "c", by="arm")["attempted"])) + 1


def test_columns_inside_of_objects(tmp_path: Path) -> None:
    """A dotted name finds what JSON holds inside."""
    file = tmp_path / "export.jsonl"
    file.write_text(
        '{"email":"a@x.example","event":"delivered","args":{"plan":"pro","n":3},"time":"2026-09-14"}\n'
    )
    target = EventStore(tmp_path / "events")
    import_file(file, "c", target, format="table", keep=["args.plan", "args.n"], now=NOW)
    table = answer(Engine(target), "funnel", by=["args.plan", "args.n"])

    assert [("pro", "3")] == list(zip(table["args.plan"], table["args.n"], strict=True))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"by": "plam"}, "can't split by plam.*did you mean plan.*segments:.*plan"),
        ({"by": "firstName"}, "firstName tells of one person, not of a group"),
        ({"where": {"plan": "gold"}}, "no message has the plan gold.*choose from: free, pro"),
        ({"where": {"town": "x"}}, "can't filter by town"),
    ],
)
def test_what_there_is_not_is_answered_with_what_there_is(
    engine: Engine, asked: dict[str, object], words: str
) -> None:
    """The message names dimensions, segments or values."""
    with pytest.raises(StoreError) as told:
        answer(engine, "funnel", "c", **asked)  # type: ignore[arg-type]

    assert pd.Series([str(told.value).replace("\n", " ")]).str.contains(words).all()


def test_names_that_dimensions_have(engine: Engine) -> None:
    """`day` stays the day of sending; what was sent under that name is `segment:day`."""
    assert ["2026-09-14"] == list(answer(engine, "funnel", "c", by="day")["day"])
    assert "segment:day" in engine.segments("c")
    assert "day" not in engine.segments("c")


@pytest.mark.parametrize("column", ["First Name", "phone", "a\x07b"])
def test_columns_that_are_no_segments(tmp_path: Path, column: str) -> None:
    """What tells of one person, and what has no name that can be said, is refused at once."""
    with pytest.raises(ConfigError):
        imported(tmp_path, f"email,event,time,{column}\n", column)


def test_a_field_that_tells_people_apart_is_no_segment() -> None:
    """A link of one's own for thousands of people."""
    people = [Recipient(f"p{n}@x.example", {"link": str(n)}) for n in range(MOST_VALUES + 1)]

    assert {"list_tenth"} == set(planned_table(people, len(people), {})["name"].to_pylist())


TWENTY = {f"{n:02}": 30 - n for n in range(19)}
EARLIER = """
to            | kind     | at          | url
ann@x.example | delivery | +0          |
ann@x.example | click    | +60         | https://x.example/a
bob@x.example | delivery | +0          |
bob@x.example | click    | 28 09:00:01 | https://x.example/unsubscribe
cid@x.example | bounce   | +0          |
"""
LATER = """
to            | kind     | at
ann@x.example | delivery | 28 09:01:00
bob@x.example | delivery | 28 09:02:00
cid@x.example | delivery | 28 09:02:00
dan@x.example | delivery | 28 09:02:00
"""


def test_what_earlier_campaigns_tell() -> None:
    """
    Two weeks to the second are 14 days still; an unsubscription is no click on content, and a
    bounce is mail all the same.
    """
    target = store(LATER, "later", into=store(EARLIER, "earlier"))
    table = answer(Engine(target), "funnel", ["later", "earlier"], by=["history", "recency"])
    rows = table[["campaign", "history", "recency", "attempted"]].to_records(index=False)

    assert [
        ("earlier", "first", "never", 3),
        ("later", "first", "never", 1),
        ("later", "repeat", "0-14 days", 1),
        ("later", "repeat", "never", 2),
    ] == [tuple(row) for row in rows]


def test_nobody_knows_what_came_before_a_campaign_without_moments() -> None:
    """Neither the first mailing nor a repeated one."""
    undated = "to | kind | at\nann@x.example | delivery |\n"
    target = store(undated, "undated", into=store(LATER, "later"))
    table = answer(Engine(target), "funnel", by=["history", "recency"])
    rows = table[["campaign", "history", "recency", "attempted"]].fillna("").to_records(index=False)

    assert [("later", "first", "never", 4), ("undated", "", "", 1)] == [tuple(row) for row in rows]


def test_an_erased_person_stays_in_every_group(tmp_path: Path) -> None:
    """Whether segments were asked for before or not; nothing is left to do, and no key is left."""
    for name, is_asked in (("asked", True), ("unasked", False)):
        client = planned_client(tmp_path / name)
        if is_asked:
            answer(client.engine, "funnel", "c", by="plan")
        forget(client, "ann@one.example", "asked to")
        later = Connection(client.settings, quiet=True)
        for by in ("plan", "tags", "list_tenth"):
            assert ASKED[by] == groups(answer(later.engine, "funnel", "c", by=by), by)


#: How many people are in each group, the least that is shown -> the groups that are shown.
FOLDED: list[tuple[dict[str, int], int, dict[str, int]]] = [
    ({"a": 9, "b": 5}, 5, {"a": 9, "b": 5}),
    ({"a": 9, "b": 3, "c": 2}, 5, {"a": 9, "other (2 groups)": 5}),
    ({"a": 9, "b": 6, "c": 2}, 5, {"a": 9, "other (2 groups)": 8}),
    ({"a": 9, "b": 2, "c": 2}, 5, {"other (3 groups)": 13}),
    ({"a": 3}, 5, {"other (1 group)": 3}),
    ({"a": 1, "b": 1}, 0, {"a": 1, "b": 1}),
    ({f"{n:02}": 30 - n for n in range(22)}, 2, {"other (3 groups)": 30} | TWENTY),
]


@pytest.mark.parametrize(("sizes", "least", "shown"), FOLDED)
def test_small_groups_stand_together(
    tmp_path: Path, sizes: dict[str, int], least: int, shown: dict[str, int]
) -> None:
    """
    Where the small ones are too few together, one more joins them: nobody can subtract. Beyond
    twenty groups the smallest are folded, too; the whole stays what it is.
    """
    lines = ["email,event,time,message_id,arm"]
    for arm, people in sizes.items():
        lines += [f"{arm}{n}@x.example,delivered,2026-09-14,{arm}{n},{arm}" for n in range(people)]
    engine = replace(imported(tmp_path, "\n".join(lines), "arm"), least_group=least)
    table = answer(engine, "funnel", "c", by="arm")

    assert shown == dict(zip(table["arm"], table["attempted"], strict=True))
    assert sum(sizes.values()) == table["attempted"].sum()


#: Messages of each group by their people ("" without an address), the groups that are shown.
PEOPLE_FOLDED: list[tuple[dict[str, str], dict[str, int]]] = [
    ({"a": "klmno", "b": "ppppppp"}, {"other (2 groups)": 12}),  # b is one person
    ({"a": "klmnop", "b": "QqQqQ", "c": "qqqrst"}, {"other (3 groups)": 17}),  # b and c are four
    ({"a": "klmno", "b": "pqrs", "c": "ppt"}, {"a": 5, "other (2 groups)": 7}),  # these are five
    ({"a": "klmno", "b": "     "}, {"a": 5, "b": 5}),
]


@pytest.mark.parametrize(("groups", "shown"), PEOPLE_FOLDED)
def test_groups_are_counted_in_people(
    tmp_path: Path, groups: dict[str, str], shown: dict[str, int]
) -> None:
    """Five messages to one person are no group of five, however the address is written."""
    lines = ["email,event,time,message_id,arm"]
    for arm, people in groups.items():
        for number, name in enumerate(people):
            email = f"{name}@x.example" if name.strip() else ""
            lines.append(f"{email},delivered,2026-09-14,{arm}{number},{arm}")
    engine = replace(imported(tmp_path, "\n".join(lines), "arm"), least_group=5)
    table = answer(engine, "funnel", "c", by="arm")

    assert shown == dict(zip(table["arm"], table["attempted"], strict=True))


def campaigns_by_domain(**sizes: dict[str, int]) -> Engine:
    """Each campaign with so many people at each domain, all of them bounced; least group five."""
    target = None
    for campaign, domains in sizes.items():
        lines = ["to | kind | at | email | code"]
        for domain, people in domains.items():
            for n in range(people):
                lines.append(f"{domain}{n} | sent | +{n} | p{n}@{domain} |")
                lines.append(f"{domain}{n} | bounce | +{n + 1} | p{n}@{domain} | 5.1.1")
        target = store("\n".join(lines), campaign, into=target)
    assert target
    return Engine(target, least_group=5)


@pytest.mark.parametrize("question", ["funnel", "bounces", "comparison", "alerts", "deferrals"])
def test_few_people_are_withheld(question: str) -> None:
    """A filter on four people shows nothing; on a provider, which tells of nobody, it does."""
    engine = campaigns_by_domain(c={"few.example": 4, "many.example": 5})

    with pytest.raises(StoreError, match="Nothing is shown of c: these are fewer than 5 people"):
        answer(engine, question, "c", where={"domain": "few.example"})
    with pytest.raises(StoreError, match="fewer than 5 people"):
        answer(engine, question, "c", where={"domain": "few.example", "provider": "other"})
    answer(engine, question, "c", where={"domain": "many.example"})
    answer(replace(engine, least_group=0), question, "c", where={"domain": "few.example"})
    assert [4] == list(
        answer(campaigns_by_domain(c={"a.example": 4}), "funnel", "c", where={"provider": "other"})[
            "attempted"
        ]
    )


@pytest.mark.parametrize(("question", "asked"), [("funnel", None), ("comparison", "l")])
def test_campaigns_of_few_are_left_out(question: str, asked: str | None) -> None:
    """Of several campaigns, and of those before it, with a sentence."""
    engine = campaigns_by_domain(a={"x.example": 4}, b={"x.example": 6})
    lines = ["to | kind | at | email"]
    lines += [f"l{n} | delivery | +{900 + 100 * n} | l{n}@x.example" for n in range(5)]
    store("\n".join(lines), "l", into=engine.store)
    table = answer(engine, question, asked, where={"domain": "x.example"})

    assert ["b", "l"] == list(table["campaign"])
    assert "Nothing is shown of a: these are fewer than 5 people." in str(table._repr_html_())


@pytest.mark.parametrize(
    ("question", "domains", "shown"),
    [
        ("worst_domains", {"few.example": 4, "many.example": 5}, ["many.example"]),
        ("typo_domains", {"gmial.com": 4, "gmal.com": 5}, ["gmal.com"]),
        ("worst_domains", {"few.example": 4}, []),
    ],
)
def test_domains_of_few_are_left_out(
    question: str, domains: dict[str, int], shown: list[str]
) -> None:
    """They are rows there, and no less a group; the picture says so, too."""
    engine = campaigns_by_domain(c=domains)
    table = answer(engine, question, "c")
    said = "Left out: 1 domain of fewer than 5 people each."

    assert shown == list(table["domain"])
    assert said in str(table._repr_html_())
    assert said in table.chart().layout.meta["caption"]
    assert len(domains) == len(answer(replace(engine, least_group=0), question, "c"))


def test_a_command_says_what_is_left_out_beside_its_answer(tmp_path: Path) -> None:
    """On stderr, so that what reads the JSON isn't disturbed; a filter on few ends with an error."""
    client = planned_client(tmp_path)
    slips = "to | kind | at | email\n" + "\n".join(
        f"{domain}{n} | delivery | +{n} | p{n}@{domain}"
        for domain, people in {"gmial.com": 4, "gmal.com": 5}.items()
        for n in range(people)
    )
    store(slips, "slips", into=client.store)
    run = CliRunner(env={"CXTOOLS_HOME": str(tmp_path), "CXTOOLS_LEAST_GROUP": "5"})
    asked = run.invoke(app, ["typo_domains", "slips", "--json"])
    few = run.invoke(app, ["funnel", "slips", "--where", "domain=gmial.com"])

    assert ["gmal.com"] == [row["domain"] for row in json.loads(asked.stdout)]
    assert "Left out: 1 domain of fewer than 5 people each." in asked.stderr
    assert "" == few.stdout
    assert "fewer than 5 people" in str(few.exception) + few.stderr


def test_providers_and_times_are_never_folded(tmp_path: Path) -> None:
    """They tell of nobody; domains and combinations with segments do."""
    engine = replace(planned_client(tmp_path).engine, least_group=5)

    assert ["other"] == list(answer(engine, "funnel", "c", by="provider")["provider"])
    assert ["other (2 groups)"] == list(answer(engine, "funnel", "c", by="domain")["domain"])
    both = answer(engine, "funnel", "c", by=["hour", "plan"])
    assert [("other (3 groups)", True)] == list(zip(both["plan"], both["hour"].isna(), strict=True))


@pytest.mark.parametrize("by", ["cause", "scanned"])
def test_outcomes_of_few_are_folded(by: str) -> None:
    """Why one person's mail came back, and what follows that person's links, tells of them."""
    engine = campaigns_by_domain(c={"gmail.com": 2, "x.example": 1})
    [group] = answer(engine, "funnel", "c", by=by)[by]

    assert group.startswith("other (")


def test_the_few_of_a_filter_are_folded_by_provider_too() -> None:
    """Providers and days of whole campaigns tell of nobody; those of one domain's people do."""
    engine = campaigns_by_domain(c={"gmail.com": 6, "yahoo.com": 3, "x.example": 3})
    whole = answer(engine, "funnel", "c", by="provider")
    domains = ["gmail.com", "yahoo.com", "x.example"]
    few = answer(engine, "funnel", "c", by="provider", where={"domain": domains})
    compared = answer(engine, "compare", "c", by="provider", where={"domain": domains})

    assert ["gmail", "other", "yahoo"] == list(whole["provider"])
    assert ["gmail", "other (2 groups)"] == list(few["provider"])
    assert {"gmail", "other (2 groups)"} == {*compared["provider"], *compared["beside"]}


WHERE = [
    ('plan=pro,town="Bern, Switzerland"', {"plan": ["pro"], "town": ["Bern, Switzerland"]}),
    ('"a, b"=1, c = O\'Brien', {"a, b": ["1"], "c": ["O'Brien"]}),
    ('"size=5"" pipe",plan=pro', {"size": ['5" pipe'], "plan": ["pro"]}),
    ("", {}),
]


@pytest.mark.parametrize(("text", "filters"), WHERE)
def test_a_text_holds_any_value(text: str, filters: dict[str, list[str]]) -> None:
    """What has a comma in it stands between quotes."""
    known = [*filters]
    assert filters == choices.filters(QUESTIONS["funnel"], text, known)


OPTIONS = [
    (["plan=pro,provider=gmail"], {"plan": ["pro"], "provider": ["gmail"]}),
    (["plan=pro", "provider=gmail", "plan=free"], {"plan": ["pro", "free"], "provider": ["gmail"]}),
    (['town="Bern, Switzerland",plan=pro'], {"town": ["Bern, Switzerland"], "plan": ["pro"]}),
    (["town=Bern, Switzerland"], {"town": ["Bern, Switzerland"]}),
    (['size=5" pipe'], {"size": ['5" pipe']}),
    ([], {}),
]


@pytest.mark.parametrize(("texts", "filters"), OPTIONS, ids=str)
def test_options_of_the_command_line_are_filters_of_notebooks(
    texts: list[str], filters: dict[str, list[str]]
) -> None:
    """One, or several with commas; a value with a comma needs quotes only among others."""
    assert filters == choices.parse_options(texts)


@pytest.mark.parametrize("text", ["plan", "", "plan,provider"])
def test_an_option_without_a_value_is_refused(text: str) -> None:
    """With the form that it has."""
    with pytest.raises(ConfigError, match="COLUMN=VALUE"):
        choices.parse_options([text])


@pytest.mark.parametrize("part", ["plan=pro", "town=Bern, Switzerland", 'size=5" pipe', 'a""b'])
def test_a_part_that_was_quoted_is_read_again(part: str) -> None:
    """Beside others, whatever it holds."""
    assert [part, "plan=free"] == choices.parts_of(f"{choices.quoted(part)},plan=free")


OUTCOMES = [
    ({"by": "cause"}, "parted by cause"),
    ({"where": {"scanned": "no"}}, "parted by scanned"),
    ({"by": "provider"}, ""),
]


@pytest.mark.parametrize(("how", "said"), OUTCOMES, ids=str)
def test_rates_of_messages_that_are_parted_by_what_became_of_them(
    engine: Engine, how: dict[str, Any], said: str
) -> None:
    """Whoever limits messages to those that bounced finds that all of them bounced: it is said."""
    notes = " ".join(answer(engine, "funnel", "c", **how).notes)

    assert (said in notes) if said else "parted by" not in notes


def test_a_trend_by_cause_is_refused(engine: Engine) -> None:
    """It was an empty table."""
    with pytest.raises(StoreError, match=r"trend can't be parted by cause[\s\S]*drift"):
        answer(engine, "trend", by="cause")


def test_a_quote_that_is_not_closed_is_refused() -> None:
    """With how to write it."""
    with pytest.raises(ConfigError, match="a quote isn't closed"):
        choices.filters(QUESTIONS["funnel"], 'town="Bern', ["town"])


def test_what_papermill_hands_on(engine: Engine) -> None:
    """Texts with commas; empty ones ask for nothing."""
    table = answer(engine, "funnel", "c", by="plan, tag:vip", where="plan=pro,domain=one.example")

    assert [("pro", "yes", 1)] == list(
        zip(table["plan"], table["tag:vip"], table["attempted"], strict=True)
    )
    assert [5] == list(answer(engine, "funnel", "c", by="", where="")["attempted"])


@pytest.mark.parametrize("question", ["funnel", "bounces", "deferrals"])
def test_every_face_has_the_same_numbers(tmp_path: Path, question: str) -> None:
    """Python, the command's JSON and its CSV, and the explorer's as code."""
    client = planned_client(tmp_path)
    table = answer(client.engine, question, "c", by=["plan"], where={"domain": ["two.example"]})
    run = CliRunner(env={"CXTOOLS_HOME": str(tmp_path)})
    words = [question, "c", "--by", "plan", "--where", "domain=two.example"]
    document = run.invoke(app, [*words, "--json"])
    written = run.invoke(app, [*words, "--csv"])
    frame = getattr(cx, question)("c", by="plan", where="domain=two.example", home=tmp_path)

    assert table.records() == json.loads(document.stdout) == frame.records()
    assert list(table.columns) == written.stdout.splitlines()[0].split(",")
    assert len(table) == len(written.stdout.splitlines()) - 1


def test_a_part_is_never_shown_as_the_whole(engine: Engine) -> None:
    """Figures and tables say what they are limited to; and earlier campaigns are, too."""
    where = {"plan": ["pro", "free"], "domain": "two.example"}
    table = answer(engine, "funnel", "c", where=where)
    note = "Only messages with plan pro or free; domain two.example."

    assert note in table.chart().layout.meta["caption"]
    assert note in str(answer(engine, "suspects", "c", where=where)._repr_html_())
    assert [3] == list(answer(engine, "comparison", "c", where=where)["attempted"])


BEFORE_PLANS = """
to              | kind     | at
ann@one.example | delivery | 10 09:00
bob@two.example | delivery | 10 09:00
"""
AFTER_PLANS = """
to              | kind     | at
ann@one.example | delivery | 20 09:00
bob@two.example | delivery | 20 09:00
cid@two.example | delivery | 20 09:00
"""


def test_campaigns_without_a_segment_are_left_out_and_named(tmp_path: Path) -> None:
    """One that was imported has no plan, nor whom it is of; the planned ones stand alone."""
    client = planned_client(tmp_path)
    store(BEFORE_PLANS, "imported", client.store)
    alone = answer(client.engine, "comparison", "c", where="plan=pro")
    client.ledger.plans.write("later", digest="d2", spec=SPEC, planned=PEOPLE, batch_size=3)
    store(AFTER_PLANS, "later", client.store)
    beside = answer(client.engine, "comparison", "later", where="plan=pro")
    compared = answer(client.engine, "compare", where="plan=pro")
    note = "Left out, without the segment plan: imported."

    assert [2] == list(alone["attempted"])
    assert [2, 1] == list(beside["attempted"])
    assert {"c"} == set(compared["beside"])
    for table in (alone, beside, compared, answer(client.engine, "funnel", where="plan=pro")):
        assert note in str(table._repr_html_())


@pytest.mark.parametrize(
    ("by", "where", "notes"),
    [
        ("plan", None, ["Left out, without the segment plan: imported."]),
        ("plan", {"plan": ["pro", "free"]}, ["Left out, without the segment plan: imported."]),
        (
            "subject",
            None,
            [
                "Left out, without the segment subject: imported.",
                "By subject there is one part only of c (Hello): nothing stands beside it.",
            ],
        ),
    ],
)
def test_campaigns_without_a_segment_are_not_compared_by_it(
    tmp_path: Path, by: str, where: dict[str, list[str]] | None, notes: list[str]
) -> None:
    """Named in whatever order; whoever named a column isn't told to name one."""
    client = planned_client(tmp_path)
    store(BEFORE_PLANS, "imported", client.store)
    for names in (["c", "imported"], ["imported", "c"]):
        compared = answer(client.engine, "compare", names, by=by, where=where)

        assert tuple(notes) == compared.notes
        assert {"c"} >= set(compared["campaign"])


def test_a_comparison_without_rows_says_by_what(tmp_path: Path) -> None:
    """The same sentence in a notebook, in a figure, in words and in a terminal."""
    client = planned_client(tmp_path)
    store(BEFORE_PLANS, "imported", client.store)
    compared = answer(client.engine, "compare", ["c", "imported"], by="subject")
    command = ["compare", "c", "imported", "--by", "subject"]
    run = CliRunner(env={"CXTOOLS_HOME": str(tmp_path)})
    said = "There is nothing to compare by subject."

    assert 0 == len(compared)
    assert said in str(compared._repr_html_())
    assert said in compared.chart().layout.meta["caption"]
    assert said == compared.words().headline
    assert said in run.invoke(app, command).stdout


def test_who_was_planned_without_a_tag_has_not_got_it(tmp_path: Path) -> None:
    """Nobody of a planned campaign has the tag: they are known not to; of imports nobody knows."""
    client = planned_client(tmp_path)
    plain = [replace(person, tags=()) for person in PEOPLE]
    client.ledger.plans.write("plain", digest="d2", spec=SPEC, planned=plain, batch_size=3)
    store(AFTER_PLANS, "plain", client.store)
    store(BEFORE_PLANS, "imported", client.store)
    engine = client.engine

    assert ["imported"] == engine.campaigns_without(None, ["tag:vip"])
    assert ["plain"] == engine.campaigns_without("plain", ["tag:vip"])
    assert ["c", "plain"] == answer(engine, "funnel", where="tag:vip=no")["campaign"].tolist()


def test_what_nobody_asks_for_is_not_made(tmp_path: Path) -> None:
    """A question without segments writes nothing of them."""
    client = planned_client(tmp_path)
    answer(client.engine, "funnel", "c", by="provider")

    assert [] == [path for path in tmp_path.rglob("*segments*") if "lock" not in path.name]
