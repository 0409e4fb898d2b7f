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
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

ENHANCED = re.compile(r"(?<![\w.])([245])[.]([0-9]{1,3})[.]([0-9]{1,3})(?![0-9]|[.][0-9])")
REPLY = re.compile(r"(?<![\w.])([245][0-9][0-9])(?![0-9]|[.][0-9]+[.]|[A-Za-z_])")
# In running text a bare number is a reply code only where one can stand, or "limit of 500" would be
# one.
SPOKEN_REPLY = re.compile(
    r"(?:^|[.] |[:;(\[\"'<>=]|\bsmtp|\berror|\bcode|\bsaid|\bstatus)[ ]{0,3}([245][0-9][0-9])(?=[-\s.;:,)\]]|$)(?![.][0-9]+[.])",
    re.I,
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


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row of the table: what a code says by itself. `trust` is high, medium or low."""

    code: str
    provider: str
    category: str
    trust: str
    meaning: str

    @property
    def rule(self) -> str:
        return f"code:{self.provider + ':' if self.provider else ''}{self.code}"


def parsed(code: str, text: str = "") -> Codes:
    """
    The codes in *code*; what it lacks is looked for in *text*. Garbage gives empty codes, never an
    error.

    >>> parsed("smtp; 550-5.1.1")
    Codes(reply='550', enhanced='5.1.1')
    >>> parsed("(554.30)"), parsed("(#5.1.1)"), parsed("n/a")
    (Codes(reply='554', enhanced=''), Codes(reply='', enhanced='5.1.1'), Codes(reply='',
    enhanced=''))
    >>> parsed("", "421 too busy, the limit is 500")
    Codes(reply='421', enhanced='')
    """
    enhanced = ENHANCED.search(code) or ENHANCED.search(text)
    reply = REPLY.search(code) or BEFORE_ENHANCED.search(text) or SPOKEN_REPLY.search(text)
    return Codes(
        reply.group(1) if reply else "",
        ".".join(str(int(part)) for part in enhanced.groups()) if enhanced else "",
    )


def meaning(codes: Codes, provider: str = "") -> Meaning | None:
    """
    What the codes say by themselves: the provider's own row, else the registry's, else the reply's;
    None when unknown.

    >>> meaning(Codes("550", "5.1.1")).category
    'invalid_recipient'
    >>> meaning(Codes("550", "5.1.10")).category, meaning(Codes("550", "5.1.10"), "microsoft").category
    ('invalid_domain', 'invalid_recipient')
    >>> meaning(Codes()) is None
    True
    """
    rows, spelled = (
        table(),
        (codes.enhanced, "x" + codes.enhanced[1:], codes.reply)
        if codes.enhanced
        else (codes.reply,),
    )
    for who in (provider, "") if provider else ("",):
        for code in spelled:
            if row := rows.get((who, code)):
                return row
    return None


@cache
def table() -> dict[tuple[str, str], Meaning]:
    """
    The rows of `codes.tsv` by (provider, code); ranges such as x.7.606-649 stand under each of
    their codes.
    """
    lines = (files(__package__) / "codes.tsv").read_text("utf-8").splitlines()
    cells = (line.split("\t") for line in lines if line and not line.startswith("#"))
    rows = (
        Meaning(each, provider, category, trust, text)
        for code, provider, category, trust, text in cells
        for each in _spread(code)
    )
    return {(row.provider, row.code): row for row in rows}


def _spread(code: str) -> list[str]:
    """
    >>> _spread("x.7.133-135")
    ['x.7.133', 'x.7.134', 'x.7.135']
    """
    stem, dot, last = code.rpartition(".")
    first, _, final = last.partition("-")
    return [f"{stem}{dot}{number}" for number in range(int(first), int(final or first) + 1)]
