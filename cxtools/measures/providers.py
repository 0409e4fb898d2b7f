"""
Who runs a mailbox, by the domain of its address.

A user's own entries come first, then those that ship (`sql/providers.tsv`), then the mail servers
that the domain names in DNS, as far as they were looked up (`sql/mail_servers.tsv`). Among several
patterns that fit, the most exact one counts: the domain itself, then `hotmail.*`, then `*.rr.com`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from cxtools.measures.sql import tsv_rows
from cxtools.text import canonical_json

#: What a domain is called whose provider isn't known.
OTHER = "other"
#: What `*` stands for at the end of a pattern: com, a country, or a country's com. It is not any
#: ending: live.shop has nothing to do with live.com. `example` is for demonstrations.
ENDING = re.compile(r"com|example|[a-z]{2}|com?\.[a-z]{2}")
#: What may stand before a `*`, and behind one.
LABEL = re.compile(r"[\w-]+")
NAME = re.compile(r"[\w-]+(\.[\w-]+)*")


class Patterns:
    """
    Patterns of domains, and what each stands for: `gmail.com`, `hotmail.*`, `*.rr.com`.

    >>> patterns = Patterns({"gmail.com": "gmail", "hotmail.*": "microsoft", "*.rr.com": "rr"})
    >>> [patterns.find(name) for name in ("hotmail.co.uk", "nc.rr.com", "hotmail.shop", "rr.com")]
    ['microsoft', 'rr', '', '']
    """

    def __init__(self, providers: Mapping[str, str]) -> None:
        self._of_name: dict[str, str] = {}
        self._of_beginning: dict[str, str] = {}
        self._of_ending: dict[str, str] = {}
        for pattern, provider in providers.items():
            text = pattern.lower()
            if text.startswith("*."):
                self._of_ending[text.removeprefix("*.")] = provider
            elif text.endswith(".*"):
                self._of_beginning[text.removesuffix(".*")] = provider
            else:
                self._of_name[text] = provider

    def find(self, domain: str) -> str:
        """The provider of a domain; "" where no pattern fits."""
        if domain in self._of_name:
            return self._of_name[domain]
        beginning, _, ending = domain.partition(".")
        if beginning in self._of_beginning and ENDING.fullmatch(ending):
            return self._of_beginning[beginning]
        return by_ending(ending, self._of_ending)


def by_ending(name: str, values: Mapping[str, str]) -> str:
    """
    The value of the longest ending of a name that has one; "" for none.

    >>> by_ending("mx1.eu.example.com", {"example.com": "a", "eu.example.com": "b"})
    'b'
    """
    rest = name
    while rest:
        if rest in values:
            return values[rest]
        _, _, rest = rest.partition(".")
    return ""


def is_pattern(text: str) -> bool:
    """
    Whether a text is a domain, or a pattern with one `*` at its beginning or its end.

    >>> [is_pattern(text) for text in ("acme.example", "acme.*", "*.acme.example", "a*e.example")]
    [True, True, True, False]
    """
    if text.startswith("*."):
        return bool(NAME.fullmatch(text.removeprefix("*.")))
    if text.endswith(".*"):
        return bool(LABEL.fullmatch(text.removesuffix(".*")))
    return bool(NAME.fullmatch(text))


@dataclass(frozen=True)
class Providers:
    """
    Who runs which mailboxes.

    Attributes:
        own           a user's own patterns of domains -> provider
        own_servers   a user's own endings of mail servers' names -> provider
        servers       domain -> its mail servers, the preferred first, as far as they were looked up

    >>> Providers(own={"acme.example": "acme"}).find("acme.example")
    'acme'
    >>> Providers(servers={"shop.example": ["aspmx.l.google.com"]}).find("shop.example")
    'google-workspace'
    >>> Providers().find("hotmail.se"), Providers().find("shop.example")
    ('microsoft', 'other')
    """

    own: Mapping[str, str] = field(default_factory=dict)
    own_servers: Mapping[str, str] = field(default_factory=dict)
    servers: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """The digest of all that isn't shipped; "" where there is nothing of that kind."""
        if not (self.own or self.own_servers or self.servers):
            return ""
        text = canonical_json([self.own, self.own_servers, self.servers])
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def find(self, domain: str) -> str:
        """The provider of a domain, else `other`."""
        for patterns in self._patterns:
            provider = patterns.find(domain)
            if provider:
                return provider
        return self._by_servers(domain) or OTHER

    def unknown(self, domains: Iterable[str]) -> list[str]:
        """Those domains that no pattern knows: their mail servers may tell."""
        return [
            domain
            for domain in domains
            if domain and not any(patterns.find(domain) for patterns in self._patterns)
        ]

    def _by_servers(self, domain: str) -> str:
        for server in self.servers.get(domain, ()):
            provider = by_ending(server, self._of_server)
            if provider:
                return provider
        return ""

    @cached_property
    def _patterns(self) -> tuple[Patterns, ...]:
        shipped = dict(tsv_rows("providers"))
        return (Patterns(self.own), Patterns(shipped))

    @cached_property
    def _of_server(self) -> dict[str, str]:
        shipped = dict(tsv_rows("mail_servers"))
        return {**shipped, **self.own_servers}
