"""
What people, machines and mailboxes are like. It is data beside this module: people.toml,
refusals.tsv.

Refusal texts are our own words in the forms, and with the codes, that real providers use.
"""

from __future__ import annotations

import csv
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from cxtools.simulator.dice import Curve


class Reader(NamedTuple):
    """How a person, or the machine in front of them, treats a message. Rates are shares 0..1."""

    open_rate: float
    click_rate: float  # of those who saw it
    curve: str = "human"
    repeats: int = 0  # at most so many further opens
    images: bool = True  # False: reads without an open
    machine: str = ""  # "proxy" opens at once, "scanner" clicks every link at once


class Fate(NamedTuple):
    """
    What can become of a message other than a plain delivery. A lasting fate belongs to the address,
    not the message.
    """

    share: float
    lasting: bool = False
    recovers: float = 0  # share that is delivered after all
    curve: str = "prompt"
    after_delivery: bool = False


class Provider(NamedTuple):
    """
    A mailbox provider: its domains with their share of the recipients, and how its readers divide.
    """

    domains: dict[str, float]
    readers: dict[str, float]


class Refusal(NamedTuple):
    """
    What a server says when it refuses; in the text {a} is the address, {d} its domain, {ip} the
    sending host, {t} a ticket.
    """

    code: str
    text: str


def _read_refusals() -> dict[tuple[str, str], list[Refusal]]:
    """(provider or "*", fate) -> what is said then."""
    table: defaultdict[tuple[str, str], list[Refusal]] = defaultdict(list)
    path = Path(__file__).with_name("refusals.tsv")
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            refusal = Refusal(row["code"], row["text"])
            table[row["provider"], row["fate"]].append(refusal)
    return dict(table)


TABLES: dict[str, Any] = tomllib.loads(
    Path(__file__).with_name("people.toml").read_text(encoding="utf-8")
)
CURVES: dict[str, Curve] = TABLES["curves"]
LINKS: dict[str, float] = TABLES["links"]
AGENTS: dict[str, list[str]] = TABLES["agents"]
NETWORKS: dict[str, str] = TABLES["networks"]
NAMES: dict[str, list[str]] = TABLES["names"]
READERS = {name: Reader(**facts) for name, facts in TABLES["readers"].items()}
FATES = {name: Fate(**facts) for name, facts in TABLES["fates"].items()}
LASTING = {name: fate.share for name, fate in FATES.items() if fate.lasting}
PASSING = {name: fate.share for name, fate in FATES.items() if not fate.lasting}
REFUSALS = _read_refusals()

#: What all companies together have of the recipients.
COMPANIES_SHARE = 0.18
PEOPLE = {"reader": 0.42, "fan": 0.07, "imageless": 0.10, "late": 0.07, "idle": 0.34}
OFFICE = {
    "reader": 0.26,
    "fan": 0.04,
    "imageless": 0.22,
    "late": 0.04,
    "idle": 0.18,
    "scanned": 0.26,
}
COMPANIES = {f"acme-{number:02}.example": COMPANIES_SHARE / 24 for number in range(1, 25)}
PROVIDERS = {
    "google": Provider(
        {"gmail.example": 0.34},
        {**PEOPLE, "proxied": 0.04},
    ),
    "microsoft": Provider(
        {"outlook.example": 0.12, "hotmail.example": 0.07},
        {**PEOPLE, "scanned": 0.03},
    ),
    "yahoo": Provider(
        {"yahoo.example": 0.10, "aol.example": 0.02},
        PEOPLE,
    ),
    "apple": Provider(
        {"icloud.example": 0.09},
        {"proxied": 0.74, "reader": 0.10, "idle": 0.16},
    ),
    "comcast": Provider(
        {"comcast.example": 0.03},
        PEOPLE,
    ),
    "gmx": Provider(
        {"gmx.example": 0.03, "web.example": 0.02},
        {**PEOPLE, "imageless": 0.30},
    ),
    "company": Provider(COMPANIES, OFFICE),
}
#: A company whose mail system was switched off: every address of theirs bounces.
GONE = "acme-13.example"

DOMAINS: dict[str, float] = {}
_BY_LABEL: dict[str, str] = {}
for _name, _provider in PROVIDERS.items():
    DOMAINS.update(_provider.domains)
    for _domain in _provider.domains:
        _BY_LABEL[_domain.partition(".")[0]] = _name


def provider_of(domain: str) -> str:
    """
    The provider of a domain, by its first label: gmail.example and gmail.com are one; "company" for
    all others.
    """
    return _BY_LABEL.get(domain.partition(".")[0], "company")
