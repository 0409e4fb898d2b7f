"""An address of a feed is the same, however it is written."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxtools.addresses import clean_address
from cxtools.events.feeds.columns import addresses

ADDRESSES = [
    "ann@gmail.example",
    "ann.o'hara+news@mail.gmail.example",
    '"ann smith"@gmail.example',
    "ann@xn--bcher-kva.example",
    "ann@[192.0.2.1]",
]
#: What programs write around an address.
FORMS = [
    "{}",
    " {} ",
    "\xa0{}\u200b",
    "\ufeff{}",
    "<{}>",
    "<<{}>>",
    "{}>",
    "Ann Example <{}>",
    '"Example, Ann" <{}>',
    "Example, Ann <{}>",
    "=?utf-8?q?J=C3=BCrgen?= <{}>",
    "{} (Ann Example)",
    "mailto:{}",
    "<mailto:{}>",
    "mailto:{}?subject=Hi",
    "MAILTO:{}",
    "rfc822;{}",
    "rfc822; {}",
    "SMTP:{}",
    "'{}'",
    "'{}",
    "“{}”",
    "({})",
    "{};",
    "{},",
    "{}.",
    "{} ;",
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("form", FORMS)
def test_an_address_is_found_in_what_stands_around_it(form: str, address: str) -> None:
    """30: names, brackets, schemes, quotes, letters that nobody sees; two layers at once, too."""
    written = form.format(address)

    assert [address] * 2 == [clean_address(written), clean_address(f" {written}\u200b;")]


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("Ann@Example.COM", "Ann@example.com"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@Bu\u0308cher.example", "ann@xn--bcher-kva.example"),
        ("ann＠bücher。example", "ann@xn--bcher-kva.example"),
        ("mailto:ann%40one.example", "ann@one.example"),
        ("ann@" + "ü" * 70 + ".example", "ann@" + "ü" * 70 + ".example"),
    ],
)
def test_a_domain_has_one_spelling(written: str, address: str) -> None:
    """Upper case and letters outside ASCII are written as name servers know them, if they can."""
    assert address == clean_address(written)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "nobody",
        "@one.example",
        "ann@",
        "ann@one@two.example",
        "ann@one.example, bob@one.example",
        "Ann <ann@one.example>, Bob <bob@one.example>",
        "To: ann@one.example",
    ],
)
def test_what_is_not_one_address_is_left_alone(written: str) -> None:
    """Nothing is made up of texts that hold no address, or several."""
    assert written == clean_address(f" {written}\n")


@given(st.lists(st.text("ab.@<>\"'`;, ()[]:ü\u200b＠%-") | st.sampled_from(FORMS), max_size=5))
def test_a_column_is_cleaned_as_its_cells_are(written: list[str]) -> None:
    """Rows that are read together have the addresses that they have one by one."""
    one_by_one = [clean_address(text).lower() for text in written]

    assert one_by_one == addresses(pa.array(written, pa.string())).to_pylist()


@given(st.text("ab.@<>\"'`;, ()[]:ü\u200b＠%-"))
def test_a_clean_address_stays_as_it_is(written: str) -> None:
    """Cleaning twice is cleaning once."""
    cleaned = clean_address(written)

    assert cleaned == clean_address(cleaned)
