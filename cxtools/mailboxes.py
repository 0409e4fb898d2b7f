"""Who runs the mailboxes that were mailed, with how many messages; and what DNS can add to that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cxtools import wording
from cxtools.mail_servers import look_up
from cxtools.measures.answers import answer
from cxtools.measures.engine import Campaigns, Engine
from cxtools.measures.own_providers import keep_servers
from cxtools.measures.providers import OTHER

#: So many of a provider's domains are named, the largest first.
DOMAINS_NAMED = 5


@dataclass(frozen=True)
class ProviderShare:
    """
    One mailbox provider: its messages, their share of all messages (0..1), how many domains they
    went to, and the largest of these.
    """

    provider: str
    messages: int
    share: float
    domains: int
    largest: tuple[str, ...]


class LookedUp(NamedTuple):
    """How many domains DNS was asked about, and how many of them answered."""

    asked: int
    answered: int

    def __str__(self) -> str:
        domains = wording.quantity(self.asked, "domain")
        return f"asked DNS for {domains}, {wording.count(self.answered)} answered"


def provider_shares(engine: Engine, campaigns: Campaigns = None) -> list[ProviderShare]:
    """
    The mailbox providers of these campaigns' messages, the largest first.

    Raises:
        StoreError: a campaign is unknown.
        ConfigError: `providers.toml` is wrong.
    """
    messages = _messages(engine, campaigns)
    total = sum(messages.values())
    of_provider: dict[str, dict[str, int]] = {}
    for (provider, domain), number in messages.items():
        of_provider.setdefault(provider, {})[domain] = number
    shares = []
    for provider, of_domain in of_provider.items():
        largest = sorted(of_domain, key=lambda domain: (-of_domain[domain], domain))
        number = sum(of_domain.values())
        share = ProviderShare(
            provider, number, number / total, len(of_domain), tuple(largest[:DOMAINS_NAMED])
        )
        shares.append(share)
    return sorted(shares, key=lambda share: (-share.messages, share.provider))


def look_up_unknown(
    engine: Engine,
    home: Path,
    campaigns: Campaigns = None,
    *,
    server: str = "",
    shows_progress: bool = False,
) -> LookedUp:
    """
    Ask DNS for the mail servers of the domains that no pattern names, and keep what it tells in the
    home. Domains that were asked for before are not asked for again.

    Raises:
        StoreError: a campaign is unknown, or the home can't be written.
        Unreachable: no name server answers.
    """
    providers = engine.providers()
    domains = {domain for _, domain in _messages(engine, campaigns)}
    missing = [name for name in providers.unknown(domains) if name not in providers.servers]
    known = look_up(missing, server, shows_progress=shows_progress)
    if known:
        keep_servers(home, {name: servers.hosts for name, servers in known.items()})
    return LookedUp(len(missing), len(known))


def _messages(engine: Engine, campaigns: Campaigns) -> dict[tuple[str, str], int]:
    """(Provider, domain) -> its messages that were attempted."""
    rows = answer(engine, "funnel", campaigns, by=["provider", "domain"])
    messages: dict[tuple[str, str], int] = {}
    for row in rows.to_dict("records"):
        place = (str(row["provider"] or OTHER), str(row["domain"] or ""))
        if row["attempted"]:
            messages[place] = messages.get(place, 0) + int(row["attempted"])
    return messages


def text(shares: list[ProviderShare]) -> str:
    """
    The providers as lines for a terminal.

    >>> print(text([ProviderShare("gmail", 1200, 0.75, 2, ("gmail.com", "googlemail.com"))]))
    gmail  1,200 messages, 75.0%, 2 domains: gmail.com, googlemail.com
    """
    width = max((len(share.provider) for share in shares), default=0)
    return "\n".join(_line(share, width) for share in shares)


def _line(share: ProviderShare, width: int) -> str:
    messages = wording.quantity(share.messages, "message")
    domains = wording.quantity(share.domains, "domain")
    more = ", …" if share.domains > len(share.largest) else ""
    largest = ", ".join(share.largest)
    part = wording.percent(share.share)
    return f"{share.provider:<{width}}  {messages}, {part}, {domains}: {largest}{more}"
