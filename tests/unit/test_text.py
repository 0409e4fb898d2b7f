"""Texts from outside are cleaned, masked and read; those for a spreadsheet can't run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cxtools.text import mask_address, mask_addresses, mask_name, parse_moment, safe_cell, safe_line


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("jane.doe@example.com is suppressed", "***@example.com is suppressed"),
        ('"<jane@example.com>"', '"<***@example.com>"'),
        ("no ?email=jane%40example.com", "no ?email=***%40example.com"),
        ('<"kim lee"@three.example> unknown', "<***@three.example> unknown"),
        ('"kim \\"k\\" lee"@three.example', "***@three.example"),
        ('said "no" to jane@example.com', 'said "no" to ***@example.com'),
        ("no ?email=jane%2540example.com", "no ?email=***%2540example.com"),
        ("no jane＠example.com", "no ***＠example.com"),
        (
            "no jane&#64;example.com, jane&#x40;x.example",
            "no ***&#64;example.com, ***&#x40;x.example",
        ),
        ("f&#252;r", "f&#252;r"),
        ("b+kim.lee=three.example@b.example", "***@b.example"),
        (
            "https://x.example/?a=1&email=kim=x@b.example",
            "https://x.example/?a=1&email=***@b.example",
        ),
        ("a\r\nforged: line", "a  forged: line"),
        ("\x1b[31mred", "[31mred"),
        ("abc\u202egnp", "abc gnp"),
        ("", ""),
    ],
)
def test_foreign_text_is_made_safe(foreign: str, shown: str) -> None:
    """C03: no addresses, no line breaks, no terminal or bidirectional tricks."""
    assert shown == safe_line(foreign, 80)


@pytest.mark.parametrize(
    ("email", "shown"),
    [
        ("jane.doe@example.com", "j***@example.com"),
        ('"a@b"@example.com', '"***@example.com'),
        ("@example.com", "***@example.com"),
        ("jane", "***"),
        ("", "***"),
        ("j\x1b@exam\u202eple.com", "j***@exam?ple.com"),
    ],
)
def test_an_address_is_masked(email: str, shown: str) -> None:
    """Only the first letter and the domain are shown, and nothing that plays with a terminal."""
    assert shown == mask_address(email)


@pytest.mark.parametrize(
    ("text", "email", "shown"),
    [
        ("user jane.roe unknown", "Jane.Roe@example.com", "user *** unknown"),
        ("JANE.ROE at example.com", "jane.roe@example.com", "*** at example.com"),
        ("jane_roex unknown", "jane_roe@example.com", "jane_roex unknown"),
        ("no such mailbox", "no@example.com", "no such mailbox"),
        ("a+b unknown", "a+b@example.com", "*** unknown"),
        ("unknown", "", "unknown"),
    ],
)
def test_a_name_that_stands_alone_is_masked(text: str, email: str, shown: str) -> None:
    """Where the address is known that it is of; not within other words, nor one of two letters."""
    assert shown == mask_name(text, email)


NOON = datetime(2026, 9, 14, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-09-14T12:00:00Z", NOON),
        (" 2026-09-14T14:00:00+02:00 ", NOON),
        ("2026-09-14 12:00", NOON),
        (NOON.timestamp(), NOON),
        (NOON, NOON),
        ("soon", None),
        ("", None),
        (None, None),
        (True, None),
        (1e300, None),
        (float("nan"), None),
    ],
)
def test_a_moment_is_read_as_utc(value: object, moment: datetime | None) -> None:
    """A time without a zone is UTC; what is no time gives None."""
    assert moment == parse_moment(value)


# --- cells of a spreadsheet ---

STARTS = [
    "=",
    "+",
    "-",
    "@",
    "|",
    "＝",
    "＋",
    "－",
    "＠",
    "\t",
    "\r",
    "\n",
    " =",
    "\t=",
    "\u00a0=",
    "\ufeff=",
    "\u200b=",
    "\x00=",
    "\x0b@",
    "\u3000＝",
    "  \r\n+",
    "\u202e-",
]


@pytest.mark.parametrize("start", STARTS, ids=ascii)
def test_no_cell_begins_as_a_formula(start: str) -> None:
    """
    S10: also after blanks, controls and marks that nobody sees, and in fullwidth letters.
    """
    assert f"'{start}cmd|' /C calc'!A0" == safe_cell(f"{start}cmd|' /C calc'!A0")


@pytest.mark.parametrize("cell", ["a=1", "5.1.1 x", "p-q@x.org", "", "1800000000.5"])
def test_a_cell_that_is_no_formula_stays_as_it_is(cell: str) -> None:
    """S10: text and numbers are not touched."""
    assert cell == safe_cell(cell)


#: What servers never write, and the end of what is shown of it.
HOSTILE = [
    ("a=" * 200_000 + "@x.example, b@x.example", "***@x.example, ***@x.example"),
    ("a=" * 200_000 + " a@x.example", "***= ***@x.example"),
    ("a" * 200_000 + "==b@x.example", "***@x.example"),
    ("?a=" * 100_000 + "<address>", "***=<address>"),
    ('"\\' * 100_000 + " a@x.example", '"\\ ***@x.example'),
    ("a" * 200_000 + "%2540x.example", "***%2540x.example"),
    ("a" * 200_000 + "&#64;x.example", "***&#64;x.example"),
    ("a=a " * 100_000 + "a@x.example", "a=a ***@x.example"),
]


@pytest.mark.parametrize(("text", "end"), HOSTILE)
def test_hostile_texts_are_masked_like_others(text: str, end: str) -> None:
    """Looking for the beginning of an address at each letter would take days."""
    masked = mask_addresses(text)

    assert masked.endswith(end)
    assert "b@" not in masked
