"""
The mail servers of domains, as DNS names them: the only place that asks DNS.

A question to the events never waits for it: what was looked up is kept in the home
(`measures.own_providers`), and asked for again only by whoever wants it so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from cxtools.errors import Unreachable
from cxtools.progress import progress_bar

if TYPE_CHECKING:
    from dns.resolver import Resolver

#: Seconds for one domain, with all tries.
PATIENCE_S = 5.0
#: Domains that are asked for at once.
AT_ONCE = 16
#: The mail server of a domain that takes no mail (RFC 7505).
NO_MAIL = ""


@dataclass(frozen=True)
class MailServers:
    """
    What DNS tells of a domain.

    Attributes:
        hosts       its mail servers in lower case, the preferred first; those that a domain without
                    such entries has by itself (RFC 5321: the domain is its own server) are not here
        exists      whether there is such a domain at all
        takes_mail  false where it says that it takes none, or doesn't exist
    """

    hosts: tuple[str, ...] = ()
    exists: bool = True
    takes_mail: bool = True


def look_up(
    domains: Iterable[str],
    server: str = "",
    *,
    shows_progress: bool = False,
) -> Mapping[str, MailServers]:
    """
    Domain -> its mail servers. A domain for which no answer came is not among them.

    *server* is the name server that is asked, as "127.0.0.1:5353"; "": those of this machine.

    Raises:
        Unreachable: no name server answers at all.
    """
    names = sorted(set(domains))
    resolver = _resolver(server)
    bar = progress_bar("domains", is_shown=shows_progress and bool(names), total=len(names))
    known: dict[str, MailServers] = {}
    with bar, ThreadPoolExecutor(AT_ONCE) as pool:
        for name, servers in zip(names, pool.map(partial(_ask, resolver), names), strict=True):
            bar.update()
            if servers:
                known[name] = servers
    if names and not known:
        raise Unreachable(
            "no name server answers",
            method="DNS",
            path=server or "of this machine",
            do="see that this machine may ask DNS, or name a server that it may ask: dns_server",
        )
    return known


def _resolver(server: str) -> Resolver:
    from dns.resolver import Resolver

    if not server:
        return Resolver()
    address, _, port = server.rpartition(":")
    resolver = Resolver(configure=False)
    resolver.nameservers = [address.strip("[]")]
    resolver.port = int(port)
    return resolver


def _ask(resolver: Resolver, domain: str) -> MailServers | None:
    """The answer on one domain; None where none came."""
    from dns.exception import DNSException
    from dns.resolver import NXDOMAIN, NoAnswer

    try:
        answer = resolver.resolve(f"{domain}.", "MX", lifetime=PATIENCE_S)
    except NXDOMAIN:
        return MailServers(exists=False, takes_mail=False)
    except NoAnswer:
        return MailServers()
    except DNSException:
        return None
    entries = sorted(answer, key=lambda entry: (entry.preference, str(entry.exchange)))
    hosts = [str(entry.exchange).rstrip(".").lower() for entry in entries]
    return MailServers(
        hosts=tuple(host for host in hosts if host != NO_MAIL),
        takes_mail=hosts != [NO_MAIL],
    )
