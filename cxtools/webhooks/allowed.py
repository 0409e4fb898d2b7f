"""
Where a webhook may go: to the internet, to this machine if the address says so, to what the
settings allow, and nowhere else.

A name is resolved once, every answer is checked, and the socket is opened to a checked address
itself: a second look-up (DNS rebinding) doesn't happen, and TLS still asks for the name. Own code
because the library for this, requests-hardened 1.3, checks only the first answer, takes
`::127.0.0.1`, `::ffff:0:7f00:1`, `fec0::1` and Azure's 168.63.129.16 for public, knows no
allow-list, and brings connections of its own in the place of those that keep our deadline
(`api.wire`).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from cxtools.api.wire import ExchangeError
from cxtools.settings import is_network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Not for us, though Python takes some of them for global (the IANA special-purpose registries, and
#: what clouds put there).
BARRED = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",
            "100.64.0.0/10",  # this network; carrier-grade NAT (RFC 6598)
            "192.0.0.0/24",
            "192.88.99.0/24",  # IETF protocols; 6to4 relays (RFC 7526)
            "168.63.129.16/32",  # the host of an Azure machine
            "224.0.0.0/4",
            "240.0.0.0/4",  # multicast, reserved
            "2001::/23",
            "2002::/16",  # Teredo, ORCHID and others (RFC 2928); 6to4
            "2001:db8::/32",
            "3fff::/20",  # documentation
        ),
    )
)
#: All other IPv6 is loopback, local, multicast, or IPv4 in disguise: mapped, compatible,
#: translated, NAT64.
UNICAST = ipaddress.ip_network("2000::/3")


def public(address: Address) -> bool:
    """
    Is it an address of the open internet, and no other one in disguise?

    >>> [public(ipaddress.ip_address(text)) for text in ("8.8.8.8", "2606:4700::1111", "10.0.0.1", "::ffff:8.8.8.8", "64:ff9b::808:808")]
    [True, True, False, False, False]
    """
    return (
        address.is_global
        and (address.version == 4 or address in UNICAST)
        and not any(address in network for network in BARRED)
    )


def route(url: str, allowed: Sequence[str] = ()) -> Callable[[str, int], list[str]]:
    """
    The way to *url*, for `wire.open_session`; *allowed* are host names and networks beyond the open
    internet.

    http, which the settings accept for this machine alone, leads to this machine alone.

    Raises (when called):
        ExchangeError: one of the host's addresses is neither public nor allowed; nothing was connected
        to OSError: the name can't be resolved
    """
    here = urlsplit(url).scheme == "http"

    def addresses(host: str, port: int) -> list[str]:
        host = host.strip("[]")
        found = [
            ipaddress.ip_address(entry[4][0])
            for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        ]
        for address in found:
            if not (
                (address.is_loopback if here else public(address))
                or is_allowed(host, address, allowed)
            ):
                raise ExchangeError(
                    f"{host} is at {address}, where no webhook may go; crm_allow_hosts in the profile can allow it"
                )
        return list(dict.fromkeys(map(str, found)))

    return addresses


def is_allowed(host: str, address: Address, allowed: Sequence[str]) -> bool:
    """
    Does the allow-list name this host, or a network that this address is in?

    >>> is_allowed("crm.corp.example", ipaddress.ip_address("10.1.2.3"), ["CRM.corp.example"])
    True
    >>> is_allowed("crm.corp.example", ipaddress.ip_address("10.1.2.3"), ["10.1.0.0/16", "crm.example"])
    True
    """
    name = host.rstrip(".").lower()
    return any(
        address in ipaddress.ip_network(entry)
        if is_network(entry)
        else entry.rstrip(".").lower() == name
        for entry in allowed
    )
