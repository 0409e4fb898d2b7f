"""
What is odd about a list before it is mailed: addresses that are mistyped, dead, of nobody in
particular, thrown away, or of people who didn't want or get what came before. Pure: what DNS and
earlier campaigns say of them is handed in. Nobody is left out for any of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import NamedTuple

from cxtools.identity import recipient_key
from cxtools.sending.address import bare_address, normal_address
from cxtools.sending.findings import meant_domain
from cxtools.sending.row import Row, cell_text

#: What can be odd about an address, in the order in which it is told.
KINDS = {
    "invalid": "not an address that can be mailed",
    "duplicate": "the same person as in an earlier row",
    "typo": "another domain is probably meant",
    "dead domain": "the domain doesn't exist, or says that it takes no mail",
    "disposable": "a mailbox that is thrown away after use",
    "role": "read by an office, not by a person",
    "suppressed": "will not be mailed: suppressed here",
    "bounced": "bounced in several campaigns, and no delivery since",
    "never engaged": "got several messages, and neither opened nor clicked any",
    "not engaged lately": "the last open or click is long ago",
}
#: Local parts that offices have (RFC 2142, and what lists hold).
ROLE_NAMES = (
    "abuse accounting accounts admin administrator billing contact customerservice ftp hello help "
    "helpdesk hostmaster hr info it jobs kontakt legal mail marketing media news noc no-reply "
    "noreply office orders postmaster press privacy registrar root sales security service spam "
    "support sysadmin team usenet webmaster"
)
ROLES = frozenset(ROLE_NAMES.split())
#: A domain is a slip of another where that one is so many times as frequent in the list, and as
#: near as this (0..1).
MORE_FREQUENT = 20
NEARNESS = 0.85
#: Campaigns with a bounce, and messages without any reaction, from which on that is told.
BOUNCES = 2
MESSAGES = 5
#: Days after which a reaction is long ago.
LONG_AGO_DAYS = 365
DAY_S = 86400


class History(NamedTuple):
    """
    What earlier campaigns say of an address.

        bounced     campaigns in which it bounced since its last delivery
        delivered   messages that were delivered
        engaged_at  its last open by a person, or click; None for none
    """

    bounced: int = 0
    delivered: int = 0
    engaged_at: datetime | None = None


class Listed(NamedTuple):
    """A row of a list: its address as it would be mailed, as it is written where it can't be."""

    line: int
    email: str


class Oddity(NamedTuple):
    """One thing that is odd about one row of a list: `kind` is one of KINDS."""

    line: int
    email: str
    kind: str
    detail: str


@dataclass(frozen=True)
class Known:
    """
    What is known beside the list.

        disposable  domains of mailboxes that are thrown away
        dead        domain -> why it takes no mail
        suppressed  key -> why the person is suppressed here
        history     key -> what earlier campaigns say
    """

    disposable: Collection[str] = frozenset()
    dead: Mapping[str, str] = field(default_factory=dict)
    suppressed: Mapping[str, str] = field(default_factory=dict)
    history: Mapping[str, History] = field(default_factory=dict)


def read_addresses(rows: Iterable[Row]) -> list[Listed]:
    """
    The addresses of a list, each with its line.

    >>> read_addresses([Row(2, {"email": "Ann <ann@one.example>"}), Row(3, {"email": " nobody"})])
    [Listed(line=2, email='ann@one.example'), Listed(line=3, email='nobody')]
    """
    return [Listed(row.line, _address(row)) for row in rows]


def domains_of(listed: Iterable[Listed]) -> Counter[str]:
    """How many rows of a list each domain has."""
    domains = (_domain(row.email) for row in listed)
    return Counter(domain for domain in domains if domain)


def find_oddities(
    listed: Iterable[Listed], domains: Counter[str], known: Known, *, now: datetime
) -> Iterator[Oddity]:
    """
    Whatever is odd about a list, by line; a row may be odd in several ways. *domains* are those of
    the list, as `domains_of` counts them.

    >>> from datetime import UTC
    >>> rows = [Listed(2, "ann@gmial.com"), Listed(3, "info@one.example")]
    >>> odd = find_oddities(rows, domains_of(rows), Known(), now=datetime(2026, 9, 14, tzinfo=UTC))
    >>> [(one.line, one.kind, one.detail) for one in odd]
    [(2, 'typo', 'gmail.com?'), (3, 'role', 'info')]
    """
    meant = {domain: _meant(domain, domains) for domain in domains}
    first_lines: dict[str, int] = {}
    for line, email in listed:
        if not _domain(email):
            yield Oddity(line, email, "invalid", "" if email else "empty")
            continue
        key = recipient_key(email)
        if key in first_lines:
            yield Oddity(line, email, "duplicate", f"line {first_lines[key]}")
        first_lines.setdefault(key, line)
        for kind, detail in _oddities(email, meant, known, now):
            yield Oddity(line, email, kind, detail)


def _oddities(
    email: str, meant: Mapping[str, str], known: Known, now: datetime
) -> Iterator[tuple[str, str]]:
    local, _, domain = email.rpartition("@")
    key = recipient_key(email)
    if domain in known.dead:
        yield "dead domain", known.dead[domain]
    if meant[domain]:
        yield "typo", f"{meant[domain]}?"
    elif domain in known.disposable:  # who waits for slips is listed there, too
        yield "disposable", domain
    if local.lower() in ROLES:
        yield "role", local.lower()
    if key in known.suppressed:
        yield "suppressed", known.suppressed[key]
    yield from _of_history(known.history.get(key, History()), now)


def _of_history(history: History, now: datetime) -> Iterator[tuple[str, str]]:
    if history.bounced >= BOUNCES:
        yield "bounced", f"in {history.bounced} campaigns"
    if history.engaged_at is None:
        if history.delivered >= MESSAGES:
            yield "never engaged", f"{history.delivered} messages"
        return
    days = int((now - history.engaged_at).total_seconds() // DAY_S)
    if days > LONG_AGO_DAYS:
        yield "not engaged lately", f"{days} days ago"


def _meant(domain: str, domains: Counter[str]) -> str:
    """
    The domain that is probably meant by a rare one: a known slip, or the neighbour of a frequent
    one in the same list.

    >>> _meant("acme-01.exmaple", Counter({"acme-01.example": 40, "acme-01.exmaple": 1}))
    'acme-01.example'
    """
    known = meant_domain(domain)
    if known:
        return known
    least = domains[domain] * MORE_FREQUENT
    frequent = [other for other, count in domains.items() if count >= least]
    near = [each for each in get_close_matches(domain, frequent, 1, NEARNESS) if each != domain]
    if not near or _digits(near[0]) != _digits(domain):
        return ""  # acme-01 and acme-02 are two companies
    return near[0]


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def _address(row: Row) -> str:
    """The address of a row as it would be mailed; as it is written where it can't be."""
    written = cell_text(row.cells.get("email"))
    try:
        return normal_address(bare_address(written))
    except ValueError:
        return written.strip()


def _domain(email: str) -> str:
    """The domain of an address that can be mailed; "" of anything else."""
    try:
        return normal_address(email).rpartition("@")[2]
    except ValueError:
        return ""
