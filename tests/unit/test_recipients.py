"""Lists of recipients as people have them: read like any table, and what was odd is said."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cxtools.errors import ConfigError
from cxtools.model import LeftOut, Recipient
from cxtools.sending.campaign import Campaign
from cxtools.sending.findings import ENDINGS, MEANT, MISTYPED, meant_domain
from tests.workbooks import workbook

SPEC: dict[str, Any] = {
    "name": "q3",
    "subject": "Hi",
    "template_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    "sender": "me@one.example",
}
TABLE = [["email", "firstName"], ["ann@one.example", "Jürgen"], ["bob@one.example", "Zoë, B"]]
TEXT = 'email,firstName\nann@one.example,Jürgen\nbob@one.example,"Zoë, B"\n'
PEOPLE = [
    Recipient("ann@one.example", {"firstName": "Jürgen"}),
    Recipient("bob@one.example", {"firstName": "Zoë, B"}),
]
WINDOWS = "the text is not UTF-8: it was read as Windows-1252"


def campaign(folder: Path, content: str | bytes, **spec: Any) -> Campaign:
    file = folder / "list.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Campaign.from_csv(file, **SPEC | spec)


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("list.csv", content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (TEXT, ""),
        (TEXT.encode("utf-8-sig"), ""),
        (TEXT.encode("utf-16"), ""),
        (TEXT.encode("utf-16-le"), ""),
        (TEXT.encode("utf-16-be"), ""),
        (TEXT.encode("cp1252"), WINDOWS),
        (TEXT.replace("\n", "\r"), ""),
        (TEXT.replace("\n", "\r\n"), ""),
        (TEXT.replace(",", ";").replace("Zoë;", "Zoë,"), ""),
        (TEXT.replace(",", "\t").replace("Zoë\t", "Zoë,"), ""),
        ("sep=,\r\n" + TEXT, ""),
        ("\n\n" + TEXT.replace("\n", "\n\n"), ""),
        ("Members of March\n\n" + TEXT, "the names of the columns are in line 3"),
        (TEXT.replace("\n", ",,\n"), ""),
        (TEXT.replace("email", "E-mail"), "the addresses are in the column 'E-mail'"),
        (TEXT.replace("email", "Email Address"), "the addresses are in the column 'Email Address'"),
        (TEXT.replace("email", "EMAIL"), "the addresses are in the column 'EMAIL'"),
        (gzip.compress(TEXT.encode(), mtime=0), ""),
        (zipped(TEXT.encode()), ""),
        (workbook({"List": TABLE}), ""),
        (workbook({"List": [["Members"], [], *TABLE]}), "the names of the columns are in line 3"),
    ],
)
def test_a_list_is_read_in_every_form(tmp_path: Path, content: str | bytes, said: str) -> None:
    """60-74, 83-86, 9c: encodings, separators, line ends, titles, packings, Excel; told if odd."""
    given = campaign(tmp_path, content)
    people = list(given.plan())

    assert (PEOPLE, bool(said)) == (people, bool(given.notes))
    assert said in "\n".join(given.notes)


def test_cells_of_a_workbook_are_texts(tmp_path: Path) -> None:
    """A number is written as it is, a row keeps its number in the sheet."""
    rows: list[list[object]] = [
        ["email", "points"],
        ["ann@one.example", 3.0],
        ["", ""],
        ["bob", 4.5],
    ]
    items = list(campaign(tmp_path, workbook({"List": rows})).plan(skip_invalid=True))

    assert Recipient("ann@one.example", {"points": "3"}) == items[0]
    assert isinstance(items[1], LeftOut)
    assert (4, "invalid") == (items[1].line, items[1].reason)


def test_a_template_field_in_decomposed_letters_is_the_column(tmp_path: Path) -> None:
    """9d: é as one letter or as two is the same name, in the file and in the spec."""
    header = "email,Pre\u0301nom\nann@one.example,Ann\n"
    one_letter = list(campaign(tmp_path, header, fields=["Prénom"]).plan())
    two_letters = list(campaign(tmp_path, header, fields=["Pre\u0301nom"]).plan())

    assert [Recipient("ann@one.example", {"Prénom": "Ann"})] == one_letter == two_letters


@pytest.mark.parametrize(
    "written",
    [
        "Ann <ann@one.example>",
        "<ann@one.example>",
        '"""Lee, Ann"" <ann@one.example>"',
        "mailto:ann@one.example",
    ],
)
def test_a_name_around_an_address_is_left_out_and_said(tmp_path: Path, written: str) -> None:
    """77, 78: the bare address is mailed."""
    given = campaign(tmp_path, f"email\n{written}\n")

    assert [Recipient("ann@one.example")] == list(given.plan())
    assert [
        "names or links around addresses: 1 recipient (first in line 2); the bare address is mailed"
    ] == given.notes


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ('=HYPERLINK(""mailto:ann@one.example"")', "email: "),
        ("'ann@one.example", "it begins with an apostrophe, as Excel writes texts"),
        ("ann@one.example\u200b", "email: "),
        ("ann@one.example;bob@one.example", "email: "),
        ("Ann <ann@one.example>, Bob <bob@one.example>", "email: "),
    ],
)
def test_what_may_not_be_meant_is_left_out(tmp_path: Path, written: str, reason: str) -> None:
    """76, 90, 93: the row is named with its reason."""
    given = campaign(tmp_path, f'email,name\n"{written}",Ann\n')
    [item] = given.plan(skip_invalid=True)

    assert isinstance(item, LeftOut)
    assert (2, "invalid", True) == (item.line, item.reason, reason in item.detail)
    assert [] == given.notes


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('email,name\n"Bob, B" <bob@one.example>,Bob\n', "each of its own twice"),
        ('email,name\nbob@one.example,"Bob\n', "a quote is opened and never closed"),
    ],
)
def test_a_broken_cell_is_said_in_words(tmp_path: Path, content: str, said: str) -> None:
    """77, 88: not in Python's."""
    with pytest.raises(ConfigError, match=said):
        list(campaign(tmp_path, content).plan())


def test_mistyped_domains_are_said_and_mailed(tmp_path: Path) -> None:
    """99: each domain once, with the line of the first; nothing is changed."""
    domains = ["one.example", "gmail.con", "GMAIL.CON", "hotmial.com", "firm.con", "gmail.com"]
    rows = [f"p{number}@{domain}" for number, domain in enumerate(domains)]
    given = campaign(tmp_path, "\n".join(["email", *rows]))

    assert [
        "2 recipients at gmail.con (first in line 3): is gmail.com meant? Nothing was changed",
        "1 recipient at hotmial.com (first in line 5): is hotmail.com meant? Nothing was changed",
        "1 recipient at firm.con (first in line 6): is firm.com meant? Nothing was changed",
    ] == given.notes
    assert 6 == len(list(given.plan()))


def test_what_is_meant_is_no_mistake_itself() -> None:
    """The table leads to domains that it doesn't name, and no domain is there twice."""
    listed = [domain for domains in MISTYPED.values() for domain in domains.split()]
    ends = {domain.rpartition(".")[2] for domain in MISTYPED}

    assert ([], len(listed), set()) == (
        [domain for domain in MISTYPED if meant_domain(domain)],
        len(MEANT),
        ends & ENDINGS.keys(),
    )


def test_a_frame_is_told_about_its_column() -> None:
    """A column that is recognisably the address is it; without one the advice is about the frame."""
    frame = pd.DataFrame({"E-mail": ["ann@one.example"]})
    given = Campaign.from_frame(frame, **SPEC)
    with pytest.raises(ConfigError) as refused:
        Campaign.from_frame(pd.DataFrame({"who": ["ann@one.example"]}), **SPEC)

    assert [Recipient("ann@one.example")] == list(given.plan())
    assert ["the addresses are in the column 'E-mail'"] == given.notes
    assert "columns found: 'who'; one column must be called email" == refused.value.do
