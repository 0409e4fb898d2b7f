"""The judge of bounces: codes in every form, rules, verdicts, speed and safety."""

from __future__ import annotations

import pytest

from cxtools.bounces import Codes, classify
from cxtools.bounces.codes import parsed, table
from cxtools.bounces.verdict import CATEGORIES

SPELLINGS = [
    ("5.1.1", "", "5.1.1"), ("550", "550", ""), ("550 5.1.1", "550", "5.1.1"), ("smtp; 550-5.1.1 no such user", "550", "5.1.1"),
    ("smtp;550", "550", ""), ("(#5.1.1)", "", "5.1.1"), ("#5.1.0", "", "5.1.0"), ("(554.30)", "554", ""), ("", "", ""), ("n/a", "", ""),
    ("  550  ", "550", ""), ("550-5.7.26", "550", "5.7.26"), ("5.4.310", "", "5.4.310"), ("10.5.1.1", "", ""), ("5.1.1.1", "", ""),
    ("999", "", ""), ("1550", "", ""), ("550 #5.7.1", "550", "5.7.1"), ("5.01.001", "", "5.1.1"), ("\x00\u2028", "", ""),
]


@pytest.mark.parametrize(("code", "reply", "enhanced"), SPELLINGS)
def test_a_code_is_read_in_every_form(code, reply, enhanced):
    """Reply and enhanced code are found wherever feeds put them; IPs and other numbers aren't codes."""
    assert Codes(reply, enhanced) == parsed(code)


@pytest.mark.parametrize("code", ["", "n/a", "0", "banana", "999", "None", "5", "-"])
def test_an_empty_or_odd_code_is_undetermined(code):
    """What can't be read is never taken for permanent."""
    verdict = classify(code, "")

    assert ("unknown", "undetermined") == (verdict.category, verdict.kind)
    assert verdict.suppress != "now"


def test_every_code_has_a_known_category():
    """A row of codes.tsv names a category of the taxonomy and a degree of trust."""
    assert [] == [row for row in table().values() if row.category not in CATEGORIES or row.trust not in ("high", "medium", "low")]


@pytest.mark.parametrize("subject", ["1.1", "1.2", "2.1", "1.10"])
def test_a_transient_code_never_suppresses_at_once(subject):
    """The same subject is a dead address under 5 and an open question under 4."""
    assert ("hard", "now") == ((dead := classify("5." + subject, "")).kind, dead.suppress)
    assert ("undetermined", "after_n") == ((doubt := classify("4." + subject, "")).kind, doubt.suppress)
