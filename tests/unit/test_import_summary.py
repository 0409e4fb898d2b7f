"""What an import says about itself, and what it is told about files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cxtools.errors import ConfigError
from cxtools.events.importing import import_files
from cxtools.events.instructions import Instructions
from cxtools.events.store import EventStore
from cxtools.events.summary import Imported
from tests.imports import NOW, files_in_home, import_content, query, sendgrid_row

HEADER = "event,email,time,score\n"


def table(*rows: str) -> str:
    return HEADER + "".join(f"{row}\n" for row in rows)


def test_whatever_was_not_understood_is_said(target: EventStore) -> None:
    """Kinds, moments, columns and rows, a sentence each; nothing is said of what was understood."""
    content = table(
        "open,ann@one.example,2026-09-14,1",
        "teleported,ann@one.example,2026-09-14,1",
        "teleported,bob@one.example,2026-09-14,1",
        "beamed to cat@one.example,cat@one.example,,1",
        "open,dan@one.example,,1",
        "open,,2026-09-14,1",
    )
    done = import_content(target, content)

    assert {
        "campaigns": {"c": {"events": 5, "new": 5}},
        "format": "table",
        "rows": 6,
        "rejected": 1,
        "rejected_file": str(done.rejected_path),
        "unknown_kinds": {"teleported": 2, "beamed to ***@one.example": 1},
        "without_moment": 2,
        "unused_columns": ["score"],
        "kinds": {"unknown": 3, "open": 2},
        "warnings": [
            "kinds not understood: teleported × 2, beamed to ***@one.example × 1; "
            "say what they are with --event-map WORD=KIND",
            "events without a moment: 2 of 5",
            "columns not used: score",
            f"rows set aside: 1 of 6 (16.7%); reasons in {done.rejected_path}",
        ],
    } == done.document()
    assert str(done).startswith("c: 5 events, 5 new, 0 left out (known, or twice in the file)\n")


def test_columns_of_bounces_are_named_with_how_to_read_them(target: EventStore) -> None:
    """By the option as it is typed, which then reads them."""
    content = "event,email,time,Code,text\nbounce,ann@one.example,2026-09-14,5.1.1,no such user\n"
    said = "--map Code=bounce_code --map text=bounce_text"

    assert [f"columns not used: Code, text; if they tell of bounces, say {said}"] == (
        import_content(target, content).warnings
    )
    told = {"Code": "bounce_code", "text": "bounce_text"}
    done = import_content(target, content, column_map=told)
    assert not [warning for warning in done.warnings if warning.startswith("columns")]


def test_nothing_is_said_where_all_was_understood(target: EventStore) -> None:
    """Two lines: what came in, and as what it was read; a stream of two vendors names both."""
    rows = [
        sendgrid_row(1, "open"),
        {"eventType": "open", "messageId": "m", "timestamp": 1789376400},
    ]
    done = import_content(target, rows)

    assert (
        "c: 2 events, 2 new, 0 left out (known, or twice in the file)\n2 rows, read as sendgrid, cxone"
        == str(done)
    )
    assert [] == done.warnings


OPEN = "open,ann{0}@one.example,2026-09-14,1"
ODD = "odd,ann{0}@one.example,2026-09-14,1"
BAD = "open,,2026-09-14,1"
UNDATED = "open,ann{0}@one.example,,1"
LATER = "open,ann{0}@one.example,,2026-09-14"


@pytest.mark.parametrize(
    ("rows", "is_understood"),
    [
        ([OPEN], True),
        ([OPEN, ODD], True),
        ([OPEN, ODD, ODD], False),
        ([OPEN, BAD], True),
        ([OPEN, BAD, ODD], False),
        ([OPEN, UNDATED, UNDATED], True),
        ([UNDATED], True),
        ([LATER], False),
        ([LATER, LATER, OPEN, OPEN], True),
        ([ODD], False),
    ],
)
@pytest.mark.parametrize("times", [1, 30])
def test_most_rows_are_understood_or_not(
    target: EventStore, rows: list[str], is_understood: bool, times: int
) -> None:
    """Set aside, of an unknown kind, or with a moment that stands in a column nobody knows."""
    lines = [row.format(number) for number in range(times) for row in rows]

    assert is_understood is import_content(target, table(*lines)).is_understood


def test_rows_are_compared_with_rows(target: EventStore) -> None:
    """Two of three rows are set aside: the many events of the third don't make up for them."""
    bad = "{0}@one.example,1,1,1,perhaps\n"
    good = "ann@one.example,1,1,1,1\n"
    content = "email,sent,delivered,opened,clicked\n" + bad.format("bob") + bad.format("cat") + good
    done = import_content(target, content)

    assert (2, 4, False) == (done.rejected, done.events, done.is_understood)


def test_a_column_that_seems_to_hold_the_moment_is_named(target: EventStore) -> None:
    """Also where only an order would tell its day."""
    done = import_content(
        target, "event,email,when it was\nopen,ann@one.example,3/2/2026 9:00 PM\n"
    )

    assert (
        "events without a moment: 1 of 1; name their column with --map when it was=ts"
        in done.warnings
    )
    assert not done.is_understood


# --- what is told ---


def imported(
    target: EventStore, files: dict[str, str], campaign: str = "c", **told: Any
) -> Imported:
    """Some files, imported in one go."""
    paths = []
    for name, content in files.items():
        path = target.root.parent.parent / name
        path.write_text(content)
        paths.append(path)
    return import_files(paths, target, Instructions(**told), campaign=campaign, now=NOW)


NESTED = {
    "event-data": {"what": "opened", "when": 1789376400, "message": {"headers": {"id": "m1"}}},
    "to": ["ann@one.example", "bob@one.example"],
}


@pytest.mark.parametrize("times", [1, 40])
def test_names_with_dots_lead_into_objects(target: EventStore, times: int) -> None:
    """Of a list of addresses each has an event; the row is kept as it came."""
    rows = [json.dumps({**NESTED, "number": number}) for number in range(times)]
    column_map = {
        "event-data.what": "kind",
        "event-data.when": "ts",
        "event-data.message.headers.id": "message_id",
    }
    done = imported(target, {"feed": "\n".join(rows)}, column_map=column_map)

    assert ({"c": 2}, ["number"]) == (
        {name: brought.new for name, brought in done.campaigns.items()},
        done.unused_columns,
    )
    assert [("ann@one.example", "m1", "open", 9), ("bob@one.example", "m1", "open", 9)] == query(
        target, "email, message_id, kind, hour(ts)"
    )
    assert {**NESTED, "number": 0} == json.loads(query(target, "raw")[0][0])


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"event": "open", "email": "ann@one.example", "reason": {"code": 550}}, "an object"),
        ({"event": ["open", "click"], "email": "ann@one.example"}, "a list or an object"),
        ({"event": "open", "email": "ann@one.example", "time": {"seconds": 5}}, "an object"),
        ({"eventType": "open", "messageId": {"id": "m1"}}, "an object"),
        ({"event": "open", "sg_message_id": ["m1", "m2"], "email": "a@one.example"}, "a list"),
    ],
)
def test_a_list_or_an_object_never_becomes_a_text_of_python(
    target: EventStore, row: dict[str, Any], reason: str
) -> None:
    """Its row is refused, in whatever feed."""
    good = sendgrid_row(1, "open")
    done = import_content(target, [row, good])
    assert done.rejected_path is not None

    assert (1, 1) == (done.rejected, done.added)
    assert reason in json.loads(done.rejected_path.read_text())["reason"]


def test_a_list_of_one_is_what_it_holds(target: EventStore) -> None:
    """So are MongoDB's dates and ids."""
    row = {
        "event": ["open"],
        "email": ["ann@one.example"],
        "time": {"$date": {"$numberLong": "1789376400000"}},
        "message_id": {"$oid": "65f0"},
    }
    import_content(target, [row])

    assert [("open", "ann@one.example", 9, "65f0")] == query(
        target, "kind, email, hour(ts), message_id"
    )


OF_CAMPAIGNS = """event,email,time,mailing
open,ann@one.example,2026-09-14,Spring sale!
open,bob@one.example,2026-09-14,autumn
click,bob@one.example,2026-09-14,autumn
open,cat@one.example,2026-09-14,
"""


def test_one_file_may_hold_many_campaigns(target: EventStore) -> None:
    """Each row goes to the campaign that its column names; one that names none is set aside."""
    done = imported(target, {"feed": OF_CAMPAIGNS}, campaign="", campaign_from="mailing")

    assert {"Spring-sale": 1, "autumn": 2} == {
        name: brought.new for name, brought in done.campaigns.items()
    }
    assert (4, 1) == (done.rows, done.rejected)
    assert [] == done.unused_columns
    assert ["Spring-sale", "autumn"] == target.campaigns()


@pytest.mark.parametrize(
    ("content", "told", "message"),
    [
        (
            OF_CAMPAIGNS
            + "open,dan@one.example,2026-09-14,Autumn?\n" * 3
            + "open,dan@one.example,2026-09-14,autumn!\n",
            {},
            "two campaigns of feed would have the name autumn",
        ),
        (OF_CAMPAIGNS.replace("mailing", "batch"), {}, "there is no column mailing"),
        (OF_CAMPAIGNS, {"keep": ["plan"]}, "there is no column plan"),
    ],
)
def test_many_campaigns_are_kept_all_or_not_at_all(
    target: EventStore, content: str, told: dict[str, Any], message: str
) -> None:
    """An error in the last row leaves nothing of the first."""
    with pytest.raises(ConfigError, match=message):
        imported(target, {"feed": content}, campaign="", campaign_from="mailing", **told)

    assert [] == files_in_home(target)


def test_several_files_are_kept_all_or_not_at_all(target: EventStore) -> None:
    """What they say about themselves is said together."""
    one, two = table(OPEN.format(1)), table(OPEN.format(1), OPEN.format(2), BAD)
    with pytest.raises(ConfigError, match="no row of three could be read"):
        imported(target, {"one": one, "three": table(BAD)})
    assert [] == [path for path in files_in_home(target) if path.is_file()]

    done = imported(target, {"one": one, "two": two})
    assert (4, 2, 1, 1) == (done.rows, done.added, done.duplicates, done.rejected)
    assert {"file:one", "file:two"} == {source for (source,) in query(target, "source")}


def test_kept_columns_are_not_called_unused(target: EventStore) -> None:
    """A column that is to be kept must be there."""
    done = imported(target, {"feed": table(OPEN.format(1))}, keep=["score"])

    assert [] == done.unused_columns


def test_a_preset_says_once_what_a_tool_needs(target: EventStore) -> None:
    """What is said on the command line goes before it."""
    presets = target.root.parent / "feeds"
    presets.mkdir(parents=True)
    (presets / "crm.toml").write_text(
        'date_format = "day-first"\n[map]\nwho = "email"\nwhat = "kind"\nwhen = "ts"\n'
        '[event_map]\nread = "open"\ngone = "bounce"\n'
    )
    content = "who,what,when\nann@one.example,read,3/2/2026\nbob@one.example,gone,3/2/2026\n"
    imported(target, {"feed": content}, format="crm", event_map={"gone": "unsubscribe"})

    assert [("ann@one.example", "open", 2), ("bob@one.example", "unsubscribe", 2)] == query(
        target, "email, kind, month(ts)"
    )


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"format": "xml"}, "there is no format 'xml'"),
        ({"format": "../crm"}, "there is no format '../crm'"),
        ({"format": "odd"}, "the preset says what isn't understood: colour"),
        ({"format": "broken"}, "the preset can't be read"),
        ({"column_map": {"a": "colour"}}, "there is no field colour"),
        ({"event_map": {"a": "colour"}}, "there is no kind colour"),
        ({"date_format": "%H:%M"}, "doesn't say day, month and year"),
        ({"date_format": "DD.MM.YYYY"}, "doesn't say day, month and year"),
        ({"timezone": "Mars"}, "there is no time zone 'Mars'"),
        ({"timezone": "../etc/passwd"}, "there is no time zone"),
        ({"campaign_from": "event"}, "in one way"),
    ],
)
def test_what_is_told_is_checked_before_anything_is_read(
    target: EventStore, told: dict[str, Any], message: str
) -> None:
    """Names that don't exist, and forms that don't make a date."""
    presets = target.root.parent / "feeds"
    presets.mkdir(parents=True)
    (presets / "odd.toml").write_text('colour = "red"\n')
    (presets / "broken.toml").write_text("format = \n")

    with pytest.raises(ConfigError) as refused:
        imported(target, {"feed": table(OPEN.format(1))}, **told)
    assert message in str(refused.value)
    assert [] == target.campaigns()


def test_nothing_says_which_campaign(target: EventStore, tmp_path: Path) -> None:
    """A name or a column of names is needed."""
    with pytest.raises(ConfigError, match="--campaign NAME, or --campaign-from COLUMN"):
        imported(target, {"feed": table(OPEN.format(1))}, campaign="")
