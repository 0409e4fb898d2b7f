"""
What kind of people an address's domain belongs to: a consumer's mailbox, a company, education or
government. Pure.

Consumers are where a mailbox provider runs the domain itself (`sql/providers.tsv`); education and
government where registries let nobody else in (`sql/domain_kinds.tsv`, each with its source).
Whatever is left is called a company, societies and persons with a domain of their own among them.
"""

from __future__ import annotations

from functools import cache
from itertools import product

from cxtools.measures.providers import OTHER, Providers
from cxtools.measures.sql import tsv_rows

CONSUMER = "consumer"
COMPANY = "company"
#: What stands in an ending for a label that may be any: of a country, of a state.
ANY = "*"
#: Countries have two letters.
COUNTRY_LETTERS = 2
#: Endings have so many labels at most.
MOST_LABELS = 3


@cache
def _kinds() -> dict[tuple[str, ...], str]:
    return {tuple(ending.split(".")): kind for ending, kind, _ in tsv_rows("domain_kinds")}


@cache
def _shipped() -> Providers:
    return Providers()


def domain_kind(domain: str) -> str:
    """
    The kind of a domain.

    >>> [domain_kind(name) for name in ("gmail.com", "mit.edu", "ox.ac.uk", "irs.gov")]
    ['consumer', 'education', 'education', 'government']
    >>> domain_kind("shop.example"), domain_kind("edu.example.com")
    ('company', 'company')
    """
    labels = domain.split(".")
    most = min(MOST_LABELS, len(labels) - 1)
    for number in range(most, 0, -1):
        kind = _kind_of_ending(labels[-number:])
        if kind:
            return kind
    return CONSUMER if _shipped().find(domain) != OTHER else COMPANY


def _kind_of_ending(labels: list[str]) -> str:
    """The kind of an ending, each of whose short labels may stand for any; "" for none."""
    choices = [(label, ANY) if len(label) == COUNTRY_LETTERS else (label,) for label in labels]
    for ending in product(*choices):
        kind = _kinds().get(ending)
        if kind:
            return kind
    return ""
