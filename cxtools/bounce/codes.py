"""
Reply codes and enhanced status codes: reading them in every form that servers write, and what they
mean.

`codes.tsv` is the table: the IANA registry's codes and the providers' own, one row each, with the
category that a bounce of that code gets when its text says nothing, and how far the code can be
trusted. Own code, because no library reads the forms that ESP feeds carry ("smtp; 550-5.1.1",
"(#5.1.1)", "(554.30)").
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import cast

from cxtools.bounce.policy import Category

ENHANCED = re.compile(r"(?<![\w.])([245])[.]([0-9]{1,3})[.]([0-9]{1,3})(?![0-9]|[.][0-9])")
REPLY = re.compile(r"(?<![\w.])([245][0-9][0-9])(?![0-9]|[.][0-9]+[.]|[A-Za-z_])")
# In running text a bare number is a reply code only where one can stand, or "limit of 500" would be
# one.
SPOKEN_REPLY = re.compile(
    r"""(?:^ | [.][ ] | [:;(\["'<>=] | \bsmtp | \berror | \bcode | \bsaid | \bstatus)
        [ ]{0,3}([245][0-9][0-9])
        (?=[-\s.;:,)\]]|$)(?![.][0-9]+[.])""",
    re.IGNORECASE | re.VERBOSE,
)
BEFORE_ENHANCED = re.compile(
    r"(?<![\w.])([245][0-9][0-9])[- ]{1,3}[(#]{0,2}[245][.][0-9]{1,3}[.][0-9]"
)


@dataclass(frozen=True, slots=True)
class Codes:
    """
    What was said in numbers: the SMTP reply ("550") and the enhanced status code ("5.1.1"); ""
    where none was given.
    """

    reply: str = ""
    enhanced: str = ""

    @property
    def digit(self) -> str:
        """
        The class: "5" permanent, "4" transient, "2" success, "" when no code was given. The reply
        is what the server acted on.
        """
        return (self.reply or self.enhanced)[:1]

    @property
    def any_class(self) -> str:
        """The enhanced code whatever its class, "x.1.1"; "" when none was given."""
        return "x" + self.enhanced[1:] if self.enhanced else ""

    def __str__(self) -> str:
        """Both, as servers write them: "550 5.1.1"."""
        return f"{self.reply} {self.enhanced}".strip()


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row of the table: what a code says by itself. `trust` is high, medium or low."""

    code: str
    provider: str
    category: Category
    trust: str
    meaning: str

    @property
    def rule(self) -> str:
        """Its name where a verdict tells what decided: "code:x.1.1", "code:microsoft:x.1.10"."""
        owner = f"{self.provider}:" if self.provider else ""
        return f"code:{owner}{self.code}"


def parse_codes(code: str, text: str = "") -> Codes:
    """
    The codes in *code*; what it lacks is looked for in *text*. Garbage gives empty codes, never an
    error.

    >>> parse_codes("smtp; 550-5.1.1")
    Codes(reply='550', enhanced='5.1.1')
    >>> parse_codes("(554.30)")
    Codes(reply='554', enhanced='')
    >>> parse_codes("(#5.1.1)")
    Codes(reply='', enhanced='5.1.1')
    >>> parse_codes("n/a")
    Codes(reply='', enhanced='')
    >>> parse_codes("", "421 too busy, the limit is 500")
    Codes(reply='421', enhanced='')
    """
    enhanced = ENHANCED.search(code) or ENHANCED.search(text)
    reply = REPLY.search(code) or BEFORE_ENHANCED.search(text) or SPOKEN_REPLY.search(text)
    return Codes(
        reply=reply.group(1) if reply else "",
        enhanced=_without_zeros(enhanced.groups()) if enhanced else "",
    )


def meaning(codes: Codes, provider: str = "") -> Meaning | None:
    """
    What the codes say by themselves: the provider's own row, else the registry's, else the reply's;
    None when unknown.

    >>> meaning(Codes("550", "5.1.1")).category
    'invalid_recipient'
    >>> meaning(Codes("550", "5.1.10")).category
    'invalid_domain'
    >>> meaning(Codes("550", "5.1.10"), "microsoft").category
    'invalid_recipient'
    >>> meaning(Codes()) is None
    True
    """
    rows = table()
    owners = (provider, "") if provider else ("",)
    for owner in owners:
        for code in (codes.enhanced, codes.any_class, codes.reply):
            row = rows.get((owner, code))
            if row:
                return row
    return None


@cache
def table() -> dict[tuple[str, str], Meaning]:
    """
    The rows of `codes.tsv` by (provider, code); ranges such as x.7.606-649 stand under each of
    their codes.
    """
    rows: dict[tuple[str, str], Meaning] = {}
    for line in (files(__package__) / "codes.tsv").read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        codes, provider, category, trust, text = line.split("\t")
        for code in _codes_in(codes):
            rows[provider, code] = Meaning(code, provider, cast(Category, category), trust, text)
    return rows


def _without_zeros(parts: Iterable[str]) -> str:
    """
    >>> _without_zeros(["5", "01", "001"])
    '5.1.1'
    """
    return ".".join(str(int(part)) for part in parts)


def _codes_in(span: str) -> list[str]:
    """
    The codes of a row: one, or the range that its last part names.

    >>> _codes_in("x.7.133-135")
    ['x.7.133', 'x.7.134', 'x.7.135']
    >>> _codes_in("550")
    ['550']
    """
    stem, dot, last = span.rpartition(".")
    first, _, final = last.partition("-")
    numbers = range(int(first), int(final or first) + 1)
    return [f"{stem}{dot}{number}" for number in numbers]
