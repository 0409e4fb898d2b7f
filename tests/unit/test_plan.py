"""
The plan: who is mailed, who is not and why; ids in the names are rows of the tutorial's table of
defects.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxtools.errors import ConfigError
from cxtools.ledger.ledger import Ledger
from cxtools.model import LeftOut, Recipient
from cxtools.sending.campaign import Campaign
from cxtools.sending.digests import Digests
from cxtools.sending.message import BATCH_TAG, message_body
from cxtools.sending.plan import plan_recipients
from cxtools.sending.row import Row
from cxtools.sending.spec import content_digest, parse_spec

SPEC: dict[str, Any] = {
    "name": "q3-update",
    "subject": "Q3 Product Update",
    "template_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    "sender": "marketing@example.com",
}


def plan(
    people: Iterable[str | Mapping[str, Any]], *, skip_invalid: bool = False, **spec: Any
) -> tuple[list[Recipient], list[LeftOut]]:
    """The plan of a list of people as two lists: whom to mail, and whom not."""
    items = list(Campaign.from_list(people, **SPEC | spec).plan(skip_invalid=skip_invalid))
    return [item for item in items if isinstance(item, Recipient)], [
        item for item in items if isinstance(item, LeftOut)
    ]


def everybody(campaign: Campaign) -> list[Recipient]:
    """The recipients of a campaign whose list has no row that is left out."""
    items = list(campaign.plan())
    people = [item for item in items if isinstance(item, Recipient)]
    assert items == people
    return people


def csv_file(folder: Path, content: str | bytes) -> Path:
    path = folder / "recipients.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder: Path, content: str | bytes, **spec: Any) -> list[Recipient | LeftOut]:
    return list(Campaign.from_csv(csv_file(folder, content), **SPEC | spec).plan())


# --- the spec ---

WRONG_SPECS = {
    # what is wrong                            the spec's values                        what the
    # message says
    "a name that is not a file name": ({"name": "../q3"}, "name: letters, digits"),
    "no subject": ({"subject": ""}, "subject: "),
    "a subject over 998 characters": ({"subject": "x" * 999}, "subject: "),
    "a subject with a line break": (
        {"subject": "Hi\r\nBcc: all@a.com"},
        "subject: must be one line",
    ),
    "a subject with an escape sequence": ({"subject": "Hi \x1b[2J"}, "subject: must be one line"),
    "a template that is not a UUID": ({"template_id": "newsletter"}, "template_id: must be a UUID"),
    "a sender that is not an address": ({"sender": "marketing"}, "sender: "),
    "a sender with a line break": ({"sender": "a@b.com\nBcc: c@d.com"}, "sender: "),
    "a placeholder called email": ({"fields": ["email"]}, "fields: must be different names"),
    "a placeholder twice": ({"fields": ["name", "name"]}, "fields: must be different names"),
    "a key nobody knows": (
        {"subjekt": "Hi"},
        "subjekt: is not known; did you mean subject? known are name, subject,",
    ),
    "a key nobody knows in a table": (
        {"tracking": {"open": True}},
        "tracking.open: is not known; did you mean opens? known are opens, clicks",
    ),
    "a negative limit": ({"limits": {"daily": -1}}, "limits.daily: "),
    "a key nobody knows of retry waves": (
        {"retry": {"cooldown": 24}},
        "retry.cooldown: is not known; did you mean cooldown_h? known are cooldown_h, waves",
    ),
    "more waves than the ledger counts": ({"retry": {"waves": 10}}, "retry.waves: "),
    "a cooldown in seconds": ({"retry": {"cooldown_h": 86400}}, "retry.cooldown_h: "),
    "a cooldown that isn't a number": ({"retry": {"cooldown_h": float("nan")}}, "retry.cooldown_h"),
}


@pytest.mark.parametrize(("values", "said"), WRONG_SPECS.values(), ids=WRONG_SPECS)
def test_a_wrong_spec_is_refused_in_words(values: dict[str, Any], said: str) -> None:
    """Each fault names its key and what would be right."""
    with pytest.raises(ConfigError) as refused:
        parse_spec(SPEC | values)

    assert said in str(refused.value)


def test_d03_all_faults_of_a_spec_are_said_at_once() -> None:
    """
    D03: the tutorial logs `undefined` for a spec that doesn't fit; here each fault is in the one
    message.
    """
    with pytest.raises(ConfigError) as refused:
        parse_spec({"name": "", "subject": "\n", "sender": "me", "limits": {"daily": "many"}})

    assert ["name", "subject", "template_id", "sender", "limits.daily"] == [
        fault.strip().split(": ")[0]
        for fault in refused.value.what.removeprefix("the campaign's spec is wrong: ").split(";")
    ]


def test_a_profile_may_lift_the_uuid() -> None:
    """Where a tenant's template ids are not UUIDs, any one line will do."""
    assert (
        "newsletter-7"
        == parse_spec(SPEC | {"template_id": "newsletter-7"}, any_template_id=True).template_id
    )


def test_a_spec_file_is_read_with_its_tables(tmp_path: Path) -> None:
    """SPEC.toml in full, as the command line documents it."""
    (tmp_path / "spec.toml").write_text("""
        name = "q3-update"
        subject = "Q3 Product Update"
        template_id = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
        sender = "marketing@example.com"
        fields = ["firstName"]
        [tracking]
        opens = true
        clicks = false
        [limits]
        daily = 50000
        [retry]
        cooldown_h = 12
        waves = 2
    """)
    campaign = Campaign.from_toml(
        tmp_path / "spec.toml", csv_file(tmp_path, "email,firstName\nann@example.com,Ann\n")
    )

    assert (
        parse_spec(
            SPEC
            | {
                "fields": ["firstName"],
                "tracking": {"clicks": False},
                "limits": {"daily": 50000},
                "retry": {"cooldown_h": 12, "waves": 2},
            }
        )
        == campaign.spec
    )
    assert [Recipient("ann@example.com", {"firstName": "Ann"})] == list(campaign.plan())


@pytest.mark.parametrize(
    "content", [b"name = ", b"\xff\xfe", None], ids=["no TOML", "not UTF-8", "no file"]
)
def test_a_spec_file_that_cant_be_read_is_a_configuration_error(
    tmp_path: Path, content: bytes | None
) -> None:
    """One message with the file's name, no traceback of a parser."""
    if content is not None:
        (tmp_path / "spec.toml").write_bytes(content)

    with pytest.raises(ConfigError, match="spec can't be read") as refused:
        Campaign.from_toml(tmp_path / "spec.toml", csv_file(tmp_path, "email\n"))
    assert str(tmp_path / "spec.toml") == refused.value.where


# --- addresses and duplicates ---

ADDRESSES = {
    # given                          as we mail it, None = refused
    "ann@example.com": "ann@example.com",
    "  ann@example.com ": "ann@example.com",
    "Ann.Lee@EXAMPLE.com": "Ann.Lee@example.com",
    "ann+news@example.com": "ann+news@example.com",
    "ann@exämple.com": "ann@xn--exmple-cua.com",
    "ann@mail.test": "ann@mail.test",
    "ann": None,
    "ann@": None,
    "@example.com": None,
    "ann@example": None,
    "annc21d8e55d56b5545c2375733d647ef44508f525dc10ef5622bb0b47ee17b0110example.com": None,
    "ann lee@example.com": None,
    "ann@example.com, bob@b.com": None,
    "ann..lee@example.com": None,
    '"ann"@example.com': None,
    "ann@[127.0.0.1]": None,
    "jörg@example.com": None,
    "ann@example.com\r\nBcc: b@c.d": None,
    "a" * 65 + "@example.com": None,
    "": None,
    "ann\0@example.com": None,
}


@pytest.mark.parametrize(("written", "mailed"), ADDRESSES.items(), ids=map(repr, ADDRESSES))
def test_an_address_is_normalised_or_refused(written: str, mailed: str | None) -> None:
    """
    The domain in lower-case ASCII, the local part as given; what is not an address is left out with a
    reason.
    """
    people, left_out = plan([written], skip_invalid=True)

    assert ([mailed] if mailed else []) == [person.email for person in people]
    assert ([] if mailed else ["invalid"]) == [row.reason for row in left_out]
    assert all(row.detail for row in left_out)


def test_d02_one_person_written_three_ways_is_mailed_once() -> None:
    """
    D02: duplicates, also by case, fold into the first row; the tutorial mails one person three
    times.
    """
    people, left_out = plan(
        ["Ann@example.com", "ann@EXAMPLE.com", "bob@example.com", " ANN@example.com"]
    )

    assert ["Ann@example.com", "bob@example.com"] == [person.email for person in people]
    assert [(2, "duplicate"), (4, "duplicate")] == [(row.line, row.reason) for row in left_out]


@given(st.lists(st.sampled_from(["ann@example.com", "ANN@example.com", "bob@b.com", "nobody", ""])))
def test_every_row_ends_as_exactly_one_item(written: list[str]) -> None:
    """Nobody is left out silently: as many items as rows, in their order, nobody mailed twice."""
    people, left_out = plan(written, skip_invalid=True)

    assert len(written) == len(people) + len(left_out)
    assert len({person.key for person in people}) == len(people)
    assert len({address.casefold() for address in written if "@" in address}) == len(people)


def test_b05_nobody_left_is_an_orderly_end() -> None:
    """
    B05: a list of which nobody remains gives a plan without recipients, not an error and not an
    empty POST.
    """
    people, left_out = plan(["nobody", ""], skip_invalid=True)

    assert ([], 2) == (people, len(left_out))
    with pytest.raises(ConfigError, match="1 to 1,000 recipients, not 0"):
        message_body(parse_spec(SPEC), people, batch_id="b1")


# --- wrong rows ---


def test_wrong_rows_stop_the_plan_and_are_all_counted() -> None:
    """
    Without the user's word nothing is planned: the first 20 faults with line and reason, the rest
    as a number.
    """
    with pytest.raises(ConfigError) as refused:
        plan(["fine@example.com", *[f"secret.person{n}" for n in range(30)]])

    said = str(refused.value)
    assert "30 rows are wrong" in said
    assert "… and 10 more" in said
    assert "line 2: " in said
    assert "line 21: " in said
    assert "line 22: " not in said
    assert "--skip-invalid" in said
    assert "secret.person" not in said


def test_a_refused_row_shows_its_address_masked() -> None:
    """Addresses don't reach logs through error messages."""
    _, (row,) = plan(["jane.doe..x@example.com"], skip_invalid=True)

    assert "j***@example.com" == row.masked
    assert "jane" not in repr(row) + row.detail


WRONG_FILES = {
    # what is wrong                   the file
    # said, at line
    "empty": (b"", "the file is empty", ""),
    "no email column": (b"mail,name\nann@example.com,Ann\n", "`email` is missing", ""),
    "a column without a name": (b"email,\nann@example.com,Ann\n", "a column has no name", ""),
    "a column twice": (
        b"email,name,name\nann@example.com,A,B\n",
        "two columns have the same name",
        "",
    ),
    "no encoding": (
        b"email,name\na@example.com,Ann\nb@example.com,J\x81rg\n",
        "not UTF-8",
        "line 3",
    ),
    "two encodings": (
        "email\na@b.example,é\n".encode() + b"c@d.example,\xe9",
        "not UTF-8",
        "line 3",
    ),
    "not text": (b"PAR1" + b"x" * 99, "not read from Parquet", ""),
    "a web page": (b"<html>Sign in</html>", "is a web page", ""),
    "several that may be email": (b"E-Mail,EMAIL\na,b\n", "E-Mail and EMAIL could all be it", ""),
    "NUL bytes": (b"email\nann@example.com\nbob@ex\0ample.com\n", "not UTF-8", "line 3"),
    "a quote that never ends": (b'email,name\nann@example.com,"Ann\n', "not proper CSV", "line 2"),
    "text after a quoted cell": (
        b'email,name\nann@example.com,"Ann"x\n',
        "not proper CSV",
        "line 2",
    ),
    "too many cells in one row": (
        b"email,name\nann@example.com,Lee, Ann\n",
        "3 cells where the header has 2",
        "line 2",
    ),
    "too few cells in one row": (
        b"email,name\na@example.com,Ann\n\nb@example.com\n",
        "1 cell where the header has 2",
        "line 4",
    ),
}


@pytest.mark.parametrize(("content", "said", "line"), WRONG_FILES.values(), ids=WRONG_FILES)
def test_a_broken_file_is_refused_with_its_line(
    tmp_path: Path, content: bytes, said: str, line: str
) -> None:
    """One clear message with what to do; which line, where there is one."""
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, content)

    assert said in str(refused.value)
    assert line in str(refused.value)
    assert refused.value.do


def test_a_missing_file_is_said_when_the_campaign_is_made(tmp_path: Path) -> None:
    """Before the first request, not in the middle of the run."""
    with pytest.raises(ConfigError, match="No such file"):
        Campaign.from_csv(tmp_path / "none.csv", **SPEC)


# --- columns, tags, merge fields ---


def test_a_csv_row_becomes_a_recipient(tmp_path: Path) -> None:
    """
    `tags` are split, every other column is a merge field as written; the byte order mark of Excel
    is not a part of a name.
    """
    (item,) = read(
        tmp_path,
        '\ufeffemail,tags,firstName,city\r\nann@example.com, vip ;new;;vip,"Ann, of\nthe Lee",Köln\r\n',
    )

    assert (
        Recipient(
            "ann@example.com", {"firstName": "Ann, of\nthe Lee", "city": "Köln"}, ("vip", "new")
        )
        == item
    )


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    """
    A cell over several lines and an empty line don't shift the numbers that people look up in their
    editor.
    """
    campaign = Campaign.from_csv(
        csv_file(tmp_path, 'email,name\na@example.com,"two\nlines"\n\nnobody,x\n'), **SPEC
    )

    assert [2, 5] == [row.line for row in campaign.rows()]


FIELDS = {
    # columns and one row                    the template's fields   said, "" = fine
    "exactly the fields": ({"email": "a@b.com", "first": "Ann"}, ["first"], ""),
    "tags are not a field": ({"email": "a@b.com", "first": "Ann", "tags": "x"}, ["first"], ""),
    "no fields wanted, none given": ({"email": "a@b.com"}, [], ""),
    "no list given: all columns are fields": ({"email": "a@b.com", "first": ""}, None, ""),
    "a field is missing": ({"email": "a@b.com"}, ["first"], "missing: first"),
    "a column too many": (
        {"email": "a@b.com", "first": "A", "last": "L"},
        ["first"],
        "template's fields: last",
    ),
    "a column too many, none wanted": (
        {"email": "a@b.com", "first": "A"},
        [],
        "template's fields: first",
    ),
    "another case": ({"email": "a@b.com", "First": "A"}, ["first"], "missing: first"),
    "a field is empty": ({"email": "a@b.com", "first": " "}, ["first"], "first is empty"),
    "no address column": ({"mail": "a@b.com"}, None, "missing: email"),
    "a tag of ours": ({"email": "a@b.com", "tags": "cxb:1"}, None, "cxtools' own"),
    "half a surrogate pair": ({"email": "a@b.com", "first": "\ud800"}, None, "not text"),
}


@pytest.mark.parametrize(("row", "fields", "said"), FIELDS.values(), ids=FIELDS)
def test_merge_fields_are_checked_against_the_template(
    row: dict[str, Any], fields: list[str] | None, said: str
) -> None:
    """With the template's field list given, missing, empty and extra merge fields are errors."""
    if not said:
        assert 1 == len(plan([row], fields=fields)[0])
    else:
        with pytest.raises(ConfigError, match=said):
            plan([row], fields=fields)


def test_g09_a_planned_recipient_can_be_planned_again() -> None:
    """
    G09: what the plan gives out it takes in: address, merge fields and tags survive; the tutorial
    loses the merge fields.
    """
    (person,), _ = plan([{"email": "ann@example.com", "first": "Ann", "tags": "vip"}])
    again, _ = plan([{"email": person.email, "tags": person.tags, **person.merge_fields}])

    assert [person] == again


def test_a_dataframe_is_a_list_of_recipients() -> None:
    """Missing values are empty texts, whole numbers don't grow a decimal point."""
    frame = pandas.DataFrame(
        {"email": ["a@b.com", "c@d.com"], "points": [3, None], "name": ["Ann", None]}
    )
    people = everybody(Campaign.from_frame(frame, **SPEC))

    assert [{"points": "3", "name": "Ann"}, {"points": "", "name": ""}] == [
        dict(person.merge_fields) for person in people
    ]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["vip", "x"], ("vip", "x")),
        (("vip",), ("vip",)),
        ("vip; x", ("vip", "x")),
        ([], ()),
        (None, ()),
        (float("nan"), ()),
        (7, ("7",)),
    ],
)
def test_tags_of_a_dataframe_may_be_lists(tags: Any, expected: tuple[str, ...]) -> None:
    """
    A cell with a list is several tags, and not one that reads "['vip', 'x']"; text and missing
    values as ever.
    """
    frame = pandas.DataFrame({"email": ["a@b.com", "c@d.com"], " tags": [tags, "plain"]})
    campaign = Campaign.from_frame(frame, **SPEC)

    assert [expected, ("plain",)] == [person.tags for person in everybody(campaign)]
    assert campaign.digest == Campaign.from_frame(frame, **SPEC).digest


# --- batches on the wire ---


def test_d01_a_batch_holds_a_thousand_recipients_and_no_more() -> None:
    """
    D01: 1,001 recipients in one POST are refused here, before the API does; the ledger splits them
    into batches.
    """
    people, _ = plan([f"p{n}@example.com" for n in range(1001)])
    spec = parse_spec(SPEC)

    assert 1000 == len(json.loads(message_body(spec, people[:1000], batch_id="b1"))["recipients"])
    with pytest.raises(ConfigError, match="not 1,001"):
        message_body(spec, people, batch_id="b1")


def test_the_body_is_that_of_the_contract() -> None:
    """Names, nesting and the batch tag by which an event proves that a batch was sent."""
    body = message_body(
        parse_spec(SPEC),
        [Recipient("ann@example.com", {"first": "Änn"}, ("vip",))],
        batch_id="b1",
    )

    assert {
        "subject": "Q3 Product Update",
        "templateId": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
        "senderAddress": "marketing@example.com",
        "recipients": [
            {
                "toAddress": "ann@example.com",
                "mergeFields": {"first": "Änn"},
                "tags": ["vip", f"{BATCH_TAG}b1"],
            }
        ],
        "tracking": {"enableOpens": True, "enableClicks": True},
    } == json.loads(body)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5),
        st.text(st.characters(exclude_categories=["Cs"])),
    )
)
def test_the_same_batch_gives_the_same_bytes(fields: dict[str, str]) -> None:
    """
    A repeated request with the same key must carry the same bytes, whatever order the columns came
    in.
    """
    spec = parse_spec(SPEC)
    there, back = (
        Recipient("ann@example.com", dict(items))
        for items in (fields.items(), reversed(fields.items()))
    )

    assert message_body(spec, [there], batch_id="b1") == message_body(spec, [back], batch_id="b1")


DIGESTS = {
    # what changes                    spec                             row
    # the same campaign?
    "nothing": ({}, {"email": "a@b.com", "n": "1"}, True),
    "the daily limit": ({"limits": {"daily": 5}}, {"email": "a@b.com", "n": "1"}, True),
    "the terms of retry waves": ({"retry": {"waves": 1}}, {"email": "a@b.com", "n": "1"}, True),
    "a word of the subject": ({"subject": "Q3"}, {"email": "a@b.com", "n": "1"}, False),
    "tracking": ({"tracking": {"opens": False}}, {"email": "a@b.com", "n": "1"}, False),
    "a recipient": ({}, {"email": "b@b.com", "n": "1"}, False),
    "a merge field": ({}, {"email": "a@b.com", "n": "2"}, False),
    "a column's name": ({}, {"email": "a@b.com", "m": "1"}, False),
}


@pytest.mark.parametrize(("spec", "row", "same"), DIGESTS.values(), ids=DIGESTS)
def test_changed_content_is_another_campaign(
    spec: dict[str, Any], row: dict[str, str], same: bool
) -> None:
    """
    The same name with other content is refused by this digest; a limit may change from day to day.
    """
    first = content_digest(parse_spec(SPEC), [Row(2, {"email": "a@b.com", "n": "1"})])

    assert same == (first == content_digest(parse_spec(SPEC | spec), [Row(2, row)]))


def test_the_digest_is_the_one_of_earlier_versions() -> None:
    """Ledgers hold it: a table that joins the spec must not make another campaign of an old one."""
    digest = content_digest(parse_spec(SPEC), [Row(2, {"email": "a@b.com"})])

    assert "c21d8e55d56b5545c2375733d647ef44508f525dc10ef5622bb0b47ee17b0110" == digest


def long_list(size: int) -> Iterator[Row]:
    """Rows of more than 1,000 bytes each, which don't compress well; every tenth is left out."""
    rng = random.Random(size)
    for line in range(2, size + 2):
        person = line - line % 10 // 9
        yield Row(line, {"email": f"p{person}@example.com", "note": rng.randbytes(600).hex()})


def peak_of_planning(size: int, folder: Path) -> int:
    """The most memory, in bytes, that Python's objects take while a list is planned and written."""
    ledger = Ledger(f"sqlite:///{folder / f'{size}.sqlite'}", now=time.time, home=folder)
    tracemalloc.start()
    with Digests() as digests:
        ledger.plans.write(
            "q3",
            digest="d",
            spec={},
            planned=plan_recipients(long_list(size), parse_spec(SPEC), digests),
            batch_size=500,
        )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    planned = ledger.batches.counts("q3")
    assert (size, size * 9 // 10) == (planned["rows"], planned["planned"])
    return peak


def test_a_list_of_any_length_is_planned_in_the_same_memory(tmp_path: Path) -> None:
    """
    One batch at a time is in memory, whatever the list's length, and whoever is left out of it; the
    digests of all people lie on disk.
    """
    peak_of_planning(1_000, tmp_path)

    assert peak_of_planning(6_000, tmp_path) <= 1.1 * peak_of_planning(2_000, tmp_path)


def test_digests_that_find_no_room_are_a_sentence() -> None:
    """The folder for temporary files is full: nothing is planned, and what to do is said."""
    script = (
        "import resource, signal; from cxtools.sending.digests import Digests; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); "
        "digests = Digests(); "
        "[digests.add(number.to_bytes(16, 'big') * 4) for number in range(100_000)]"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert "StoreError: the digests of the recipients can't be kept" in done.stderr
    assert "SQLITE_TMPDIR; nothing was planned" in done.stderr
