"""The explorer without a browser: what is chosen, what is shown, and what can be taken along."""

from __future__ import annotations

import base64
import io
import json
import re
import shlex
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from typer.testing import CliRunner

import cxtools as cx
from cxtools.cli.program import app
from cxtools.connection import Connection
from cxtools.events.store import EventStore
from cxtools.explorer.answers import (
    FIGURE,
    ROWS_SHOWN,
    answer,
    files_of,
    output_of,
    prepare,
    rows_output,
    text_of,
    texts_behind,
)
from cxtools.explorer.choice import DIFFERENCE, NO_REPORT, OVERVIEW, Choice
from cxtools.explorer.controls import Controls, controls
from cxtools.explorer.panel import PEOPLE, TREND
from cxtools.explorer.shown import explore
from cxtools.identity import recipient_key
from cxtools.measures.catalogue import QUESTIONS
from cxtools.measures.engine import Engine
from cxtools.measures.question import Question
from cxtools.measures.table import Table
from cxtools.people.timeline import timeline_of
from cxtools.settings import load_settings
from tests.tables import RECEIVED, ask, events, store
from tests.unit.test_charts import STORE

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

EVENTS = """
    to  | email           | kind     | at       | code  | text                              | url
    ann | ann@gmail.com   | delivery | 14 09:00 |       |                                   |
    bob | bob@yahoo.com   | bounce   | 14 09:01 | 5.1.1 | 550 <bob@yahoo.com> no such user  |
    cat | cat@yahoo.com   | bounce   | 15 09:02 | 5.1.1 | 550 <cat@yahoo.com> no such user  |
    dan | dan@gmail.com   | bounce   | 16 09:03 | 5.2.2 | mailbox full                      |
    eve | eve@gmail.com   | delivery | 16 09:00 |       |                                   |
    ann | ann@gmail.com   | open     | 14 10:00 |       |                                   |
    ann | ann@gmail.com   | click    | 14 10:01 |       |                                   | https://shop.example/new
"""
EARLIER = """
    to  | email           | kind     | at
    ann | ann@gmail.com   | delivery | 01 09:00
    bob | bob@yahoo.com   | delivery | 01 09:00
"""


@pytest.fixture
def client(home: Path) -> Connection:
    """A home with a campaign and an earlier one."""
    target = EventStore(home / "events")
    store(EVENTS, "new", target)
    store(EARLIER, "old", target)
    return Connection(load_settings(home=home))


@pytest.fixture
def parts(client: Connection) -> Controls:
    """The controls as they are shown first."""
    made = controls(client.engine, timeline=partial(timeline_of, client))
    assert made.widget is not None
    return made


def title(output: dict[str, Any]) -> str:
    """What a figure answers."""
    return str(output["data"][FIGURE]["layout"]["meta"]["title"])


def shown(parts: Controls) -> list[str]:
    """The titles of all figures."""
    return [title(picture.outputs[-1]) for picture in parts.pictures if picture.outputs]


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=lambda question: question.name)
def test_it_shows_what_the_reports_show(question: Question) -> None:
    """The same answer, the same figure, whatever can be split; without a figure, the table."""
    by = ("provider",) if question.splits else ()
    view = Choice(("c",), question.name, by)
    engine = Engine(STORE)
    table = ask(question.name, STORE, ["c"], by=by)
    data = output_of(engine, view)["data"]

    assert answer(engine, view).equals(table)
    if question.chart:
        assert table.chart().to_plotly_json()["data"] == data[FIGURE]["data"]
    else:
        assert table._repr_html_() == data["text/html"]


def test_the_newest_campaign_comes_first(parts: Controls) -> None:
    """With its day; the overview of it is shown."""
    assert ("2026-09-14  new", "2026-09-01  old") == tuple(parts.campaigns.options)
    assert ("2026-09-14  new",) == parts.campaigns.value
    assert [
        "How far did the mail get?",
        "Why did mail come back?",
        "How do mailbox providers compare?",
        "How soon did people react?",
    ] == shown(parts)


FINDS = [
    ("OLD", None, None, ["2026-09-01  old"]),
    ("", date(2026, 9, 2), None, ["2026-09-14  new"]),
    ("", None, date(2026, 9, 2), ["2026-09-01  old"]),
    ("nothing", None, None, []),
]


@pytest.mark.parametrize(("words", "first", "last", "labels"), FINDS)
def test_campaigns_are_found(
    parts: Controls, words: str, first: date | None, last: date | None, labels: list[str]
) -> None:
    """By words of their names, and by the days on which they began."""
    parts.question.value = "funnel"
    parts.search.value = words
    parts.began.value = first
    parts.ended.value = last

    assert labels == list(parts.campaigns.options)


#: Controls -> their values, and the messages of the funnel that are attempted then.
LIMITS: list[tuple[dict[str, Any], int]] = [
    ({}, 5),
    ({"provider": "yahoo"}, 2),
    ({"domain": "gmail.com"}, 3),
    ({"segment": "weekday=3"}, 2),
    ({"segment": "history=first"}, 3),
    ({"segment": "history=first,domain=yahoo.com"}, 1),
    ({"cause_filter": "mailbox_full"}, 1),
    ({"cause_filter": "invalid_recipient", "provider": "yahoo"}, 2),
    ({"scanned": "no"}, 5),
    ({"scanned": "no", "provider": "gmail"}, 3),
    ({"since": date(2026, 9, 15)}, 2),
    ({"until": date(2026, 9, 15)}, 3),
    ({"since": date(2026, 9, 14), "until": date(2026, 9, 15)}, 3),
]


@pytest.mark.parametrize(("values", "attempted"), LIMITS, ids=lambda value: str(value)[:40])
def test_every_view_follows_the_filters_and_so_does_its_code(
    parts: Controls,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    values: dict[str, Any],
    attempted: int,
) -> None:
    """
    Provider, domain, segment, cause, scanners, and the days from and until; calls and commands,
    pasted as they are, give the same numbers.
    """
    monkeypatch.setenv("CXTOOLS_HOME", str(home))
    parts.question.value = "funnel"
    for name, value in values.items():
        getattr(parts, name).value = value
    overview = replace(parts.choice(), question=OVERVIEW)
    counts = [
        answer(parts.engine, view)["attempted"].sum()
        for view in overview.views()
        if view.question == "funnel"
    ]
    call = parts.code.value.replace(")", f", home={str(home)!r})")
    table = eval(call, {"cx": cx})  # noqa: S307  # our own
    run = CliRunner().invoke(app, [*parts.command.value.split()[1:], "--json"])

    assert [attempted, attempted] == counts
    assert attempted == table["attempted"].sum()
    assert attempted == sum(row["attempted"] for row in json.loads(run.stdout))


def test_parameters_are_those_of_the_reports(parts: Controls) -> None:
    """One line a page, with the filters."""
    parts.question.value = "bounces"
    parts.provider.value = "yahoo"
    parts.by.value = ("day",)
    parts.until.value = date(2026, 9, 15)

    assert [
        "cxtools report bounce_report -p campaign=new -p as_of=2026-09-15 -p by=day"
        " -p where=provider=yahoo"
    ] == parts.parameters.value.splitlines()


def test_two_campaigns_are_shown_beside_each_other_or_as_a_difference(parts: Controls) -> None:
    """The one that was chosen last is compared with the other."""
    parts.question.value = "funnel"
    parts.campaigns.value = ("2026-09-14  new", "2026-09-01  old")
    beside = shown(parts)
    parts.form.value = DIFFERENCE

    assert 1 == len(beside)
    assert ["Which rates differ, and is it more than chance?"] == shown(parts)
    assert parts.code.value.startswith("cx.compare('old', 'new'")


def test_what_cannot_be_answered_is_said_in_its_place(parts: Controls) -> None:
    """With what is answered instead."""
    parts.question.value = "data_quality"
    parts.by.value = ("provider",)
    parts.provider.value = "gmail"
    notes = [output["text"].strip() for output in parts.pictures[0].outputs[:-1]]
    parts.question.value = "funnel"
    parts.provider.value, parts.since.value = "all", date(2026, 9, 17)
    nothing = parts.pictures[0].outputs[0]["text"]
    parts.since.value, parts.segment.value = None, "plann=pro"

    assert [
        "data_quality can't be split.",
        "data_quality can't be limited to some messages.",
    ] == notes
    assert "no message has the day 2026-09-17" in nothing
    assert "can't filter by plann" in parts.pictures[0].outputs[0]["text"]


def test_nothing_of_the_choice_before_stays_beside_a_fault(parts: Controls) -> None:
    """What was typed can't be read: no code, command or parameters, and nobody's people."""
    parts.cause.value = "mailbox_full"
    parts.below.selected_index = PEOPLE
    parts.segment.value = "rubbish"
    written = (parts.code.value, parts.command.value, parts.parameters.value)

    assert "rubbish" in parts.pictures[0].outputs[0]["text"]
    assert ("", "", "") == written
    assert ((), "none") == (parts.people.outputs, parts.make_files.layout.display)


def test_a_difference_says_that_it_is_not_split(parts: Controls) -> None:
    """It is in the code, too; and no report shows it."""
    parts.campaigns.value = parts.campaigns.options[:2]
    parts.form.value = DIFFERENCE
    parts.by.value = ("provider",)

    assert "a difference of two campaigns can't be split." in str(parts.pictures[0].outputs)
    assert "by" not in parts.code.value
    assert parts.parameters.value.startswith(NO_REPORT)


@pytest.mark.parametrize("question", [OVERVIEW, *QUESTIONS])
def test_parameters_are_those_of_the_report(question: str) -> None:
    """Each stands in the notebook's cell of parameters."""
    choice = Choice(("q3",), question, ("provider",), "plan=pro", as_of="2026-09-14")
    commands = [line for line in choice.as_parameters().splitlines() if not line.startswith("#")]
    for line in commands:
        words = shlex.split(line)
        given = {word.partition("=")[0] for word in words[3:] if word != "-p"}
        notebook = nbformat.read(NOTEBOOKS / f"{words[2]}.ipynb", as_version=4)
        tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
        known = {row.partition(":")[0] for row in tagged[0].source.splitlines()}

        assert given <= known


def test_from_a_bar_to_one_persons_mail(parts: Controls) -> None:
    """A cause that was clicked, its texts, its people, a time line; addresses masked."""
    parts.picked.value = json.dumps(["invalid recipient · hard", "2"])
    texts = [text for text, _ in parts.text.options]
    people = str(parts.people.outputs)
    parts.text.value = parts.text.options[1][1]
    parts.person.value = parts.person.options[1][1]
    lines = str(parts.lines.outputs)

    assert ["all of them", "2 × 5.1.1 550 <***@yahoo.com> no such user (2 wordings)"] == texts
    assert "b***@yahoo.com" in people
    assert "delivery" in lines
    assert "bounce" in lines
    assert not re.search(r"\b(bob|cat)@", people + lines)
    assert 1 == parts.below.selected_index


def test_who_is_named_nowhere_has_no_time_line(client: Connection) -> None:
    """Some feeds tell of messages by ids alone; the others are there to choose from."""
    full = events(
        """
        to  | email         | kind   | at       | code  | text
        ann | ann@gmail.com | bounce | 20 09:00 | 5.2.2 | mailbox full
        bob | bob@gmail.com | bounce | 20 09:00 | 5.2.2 | mailbox full
        """
    )
    nameless = [replace(full[0], email=""), full[1]]
    client.store.add("ids", nameless, source="test", received_at=RECEIVED)
    parts = controls(client.engine, ["ids"], timeline=partial(timeline_of, client))
    parts.cause.value = "mailbox_full"
    parts.below.selected_index = PEOPLE
    names = [name for name, _ in parts.person.options]
    parts.person.value = parts.person.options[1][1]

    assert ["choose one", f"b***@gmail.com · {recipient_key('bob@gmail.com')[:8]}"] == names
    assert "bounce" in str(parts.lines.outputs)


def test_a_bounce_without_words_is_called_so(client: Connection) -> None:
    """A line of a list must say something."""
    told = events("to | email | kind | at\nann | ann@gmail.com | bounce | 20 09:00")
    client.store.add("mute", told, source="test", received_at=RECEIVED)
    [text] = texts_behind(client.engine, Choice(("mute",)), "unknown")

    assert ("no words", 1) == (text.words, text.recipients)


def test_people_are_read_when_somebody_looks(parts: Controls) -> None:
    """A cause that is chosen while its section is shut shows nothing yet."""
    parts.cause.value = "mailbox_full"
    before = (parts.text.options, parts.people.outputs)
    parts.below.selected_index = PEOPLE

    assert ((), ()) == before
    assert "mailbox full" in str(parts.text.options)
    assert "d***@gmail.com" in str(parts.people.outputs)


def test_people_are_shown_by_what_their_servers_wrote(parts: Controls) -> None:
    """A few columns, and a word on the files, which have all of them."""
    parts.cause.value = "mailbox_full"
    parts.below.selected_index = PEOPLE
    table, note = parts.people.outputs
    headings = re.findall("<th>([a-z_]+)</th>", table["data"]["text/html"])

    assert ["provider", "kind", "bounce_code", "bounce_text", "email"] == headings
    assert "The files have more columns." == note["text"].strip()
    assert "Download 1 row:" in parts.people_files.value


def test_all_people_are_a_file_when_they_are_many(home: Path) -> None:
    """The first rows are shown, and how many more there are; a button makes files of them all."""
    target = EventStore(home / "events")
    lines = "".join(
        f"p{number} | p{number}@gmail.com | bounce | 14 09:00 | 5.2.2 | mailbox full\n"
        for number in range(ROWS_SHOWN + 3)
    )
    store(f"to | email | kind | at | code | text\n{lines}", "full", target)
    parts = controls(Connection(load_settings(home=home)).engine)
    parts.cause.value = "mailbox_full"
    parts.below.selected_index = PEOPLE
    before = parts.people_files.value
    parts.make_files.click()
    csv, _ = re.findall(r'base64,([^"]+)"', parts.people_files.value)

    assert "3 more rows" in parts.people.outputs[-1]["text"]
    assert "" == before
    assert ROWS_SHOWN + 3 == len(base64.b64decode(csv).decode().splitlines()) - 1


def test_a_segment_lists_its_values(parts: Controls) -> None:
    """Its name alone is no filter yet."""
    names = parts.segment.options
    parts.segment.value = "history="
    values = parts.segment.options

    assert ("history=", "recency=") == names
    assert ("history=first", "history=repeat") == values
    assert "" == parts.choice().where


def test_all_campaigns_stand_below_and_one_of_them_is_chosen(
    parts: Controls, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same messages, on all days; its code and command give the same; a click chooses."""
    monkeypatch.setenv("CXTOOLS_HOME", str(home))
    parts.since.value = date(2026, 9, 14)
    parts.provider.value = "gmail"
    parts.below.selected_index = TREND
    call, command = parts.trend_code.value.splitlines()
    table = eval(call.replace(")", f", home={str(home)!r})"), {"cx": cx})  # noqa: S307  # our own
    run = CliRunner().invoke(app, [*shlex.split(command)[1:], "--json"])
    parts.picked.value = json.dumps(["old", "0.5"])

    assert "cx.trend(where={'provider': ['gmail']})" == call
    assert ["old", "new"] == list(dict.fromkeys(table["campaign"]))
    assert len(table) == len(json.loads(run.stdout))
    assert ("2026-09-01  old",) == parts.campaigns.value


@pytest.mark.parametrize(
    "where", ["", "provider=yahoo", "cause=invalid_recipient", "day=2026-09-14"]
)
@pytest.mark.parametrize("question", ["funnel", "bounces", "reasons", "curve"])
@pytest.mark.parametrize("as_of", ["", "2026-09-15"])
def test_what_was_counted_before_tells_what_the_messages_tell(
    parts: Controls, home: Path, question: str, where: str, as_of: str
) -> None:
    """The explorer counts once what its views are sums of; another engine reads each message."""
    asked = Choice(("new",), question, ("weekday",), where, as_of=as_of)
    prepare(parts.engine, asked)
    by_message = Engine(EventStore(home / "events"))

    assert answer(by_message, asked).equals(answer(parts.engine, asked))


def test_a_provider_that_was_clicked_becomes_the_filter(parts: Controls) -> None:
    """All views follow."""
    parts.picked.value = json.dumps(["gmail", "0.5"])

    assert "gmail" == parts.provider.value
    assert "provider=gmail" == parts.choice().where


def test_files_hold_every_row() -> None:
    """CSV and a sheet, without a formula, of the table that is shown."""
    table = Table({"text": ["=1+2", "plain"], "key": [10**17, 2]})
    links = re.findall(r'href="data:[^;]+;base64,([^"]+)"', files_of(table, "x"))
    csv, sheet = (base64.b64decode(link) for link in links)

    assert ["text,key", "'=1+2,100000000000000000", "plain,2"] == csv.decode().splitlines()
    assert ["'=1+2", "plain"] == pd.read_excel(io.BytesIO(sheet), engine="calamine")[
        "text"
    ].tolist()


def test_a_long_list_says_how_many_more() -> None:
    """Nothing is cut in silence."""
    outputs = rows_output(Table({"n": range(53)}), "none")

    assert "3 more rows" in outputs[-1]["text"]


def test_the_letters_of_a_long_table_say_how_many_rows_more() -> None:
    """Who reads no HTML learns of them, too."""
    plain = text_of(Table({"n": range(ROWS_SHOWN + 3)}))["text/plain"]

    assert plain.endswith("3 more rows")
    assert text_of(Table({"n": [1]}))["text/plain"].endswith("1")


def test_a_choice_of_nothing_is_answered(parts: Controls) -> None:
    """In words."""
    parts.campaigns.value = ()

    assert "no campaign is chosen" in parts.pictures[0].outputs[-1]["text"]


def test_the_sign_says_when_it_counts(parts: Controls) -> None:
    """Busy while it counts, ready afterwards."""
    said: list[str] = []
    parts.busy.observe(lambda change: said.append(change["new"]), "value")
    parts.provider.value = "gmail"

    assert "counting" in said[0]
    assert "ready" in said[-1]


def test_what_is_kept_is_the_first_figure(client: Connection) -> None:
    """As plotly's form and a still one, so that a notebook without a kernel has a picture."""
    explorer = explore(client.engine)
    bundle = explorer._bundle(explorer.parts.choice())

    assert OVERVIEW == explorer.parts.question.value
    assert {FIGURE, "text/html", "text/plain"} <= set(bundle)
