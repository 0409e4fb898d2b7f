"""
Where a webhook may go: to the internet, to this machine if the address says so, to what the
settings allow, and nowhere else.

A name is resolved once, every answer is checked, and the socket is opened to a checked address
itself: a second look-up (DNS rebinding) doesn't happen, and TLS still asks for the name. Own code
because the library for this, requests-hardened 1.3, checks only the first answer, takes
`::127.0.0.1`, `::ffff:0:7f00:1`, `fec0::1` and Azure's 168.63.129.16 for public, has no
allow-list, and brings its own connections in place of those that keep our deadline (`api.wire`).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from cxtools.api.connections import Resolver
from cxtools.api.wire import ExchangeError
from cxtools.settings import is_network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Not the open internet, though Python takes some of them for global (by the IANA special-purpose
#: registries, and by what clouds put there).
BARRED_NETWORKS = (
    "0.0.0.0/8",  # this network
    "100.64.0.0/10",  # carrier-grade NAT (RFC 6598)
    "192.0.0.0/24",  # IETF protocols
    "192.88.99.0/24",  # 6to4 relays (RFC 7526)
    "168.63.129.16/32",  # the host of an Azure machine
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved
    "2001::/23",  # Teredo, ORCHID and others (RFC 2928)
    "2002::/16",  # 6to4
    "2001:db8::/32",  # documentation
    "3fff::/20",  # documentation
)
BARRED = tuple(ipaddress.ip_network(text) for text in BARRED_NETWORKS)
#: All other IPv6 is loopback, local, multicast, or IPv4 in disguise: mapped, compatible,
#: translated, NAT64.
UNICAST = ipaddress.ip_network("2000::/3")


def is_public(address: Address) -> bool:
    """
    Is it an address of the open internet, and not another one in disguise?

    >>> texts = ["8.8.8.8", "2606:4700::1111", "10.0.0.1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
    >>> [is_public(ipaddress.ip_address(text)) for text in texts]
    [True, True, False, False, False]
    """
    if not address.is_global:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address not in UNICAST:
        return False
    return not any(address in network for network in BARRED)


def is_allowed(host: str, address: Address, allowed: Sequence[str]) -> bool:
    """
    Does the allow-list name this host, or a network that this address is in?

    >>> corporate = ipaddress.ip_address("10.1.2.3")
    >>> is_allowed("crm.corp.example", corporate, ["CRM.corp.example"])
    True
    >>> is_allowed("crm.corp.example", corporate, ["10.1.0.0/16", "crm.example"])
    True
    """
    name = _host_name(host)
    for entry in allowed:
        if is_network(entry):
            if address in ipaddress.ip_network(entry):
                return True
        elif _host_name(entry) == name:
            return True
    return False


def resolver_for(url: str, allowed: Sequence[str] = ()) -> Resolver:
    """
    The resolver of *url*'s host, for `wire.open_session`; *allowed* are host names and networks
    beyond the open internet.

    http, which the settings accept for this machine alone, leads to this machine alone.

    Raises (when called):
        ExchangeError: one of the host's addresses is neither public nor allowed; nothing was
            connected to.
        OSError: the name can't be resolved.
    """
    only_here = urlsplit(url).scheme == "http"

    def resolve(host: str, port: int) -> list[str]:
        host = host.strip("[]")
        addresses = _look_up(host, port)
        for address in addresses:
            open_to_all = address.is_loopback if only_here else is_public(address)
            if not open_to_all and not is_allowed(host, address, allowed):
                raise ExchangeError(
                    f"{host} is at {address}, where no webhook may go; "
                    "crm_allow_hosts in the profile can allow it"
                )
        return list(dict.fromkeys(str(address) for address in addresses))

    return resolve


def _look_up(host: str, port: int) -> list[Address]:
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(place[0]) for *_, place in entries]


def _host_name(text: str) -> str:
    return text.rstrip(".").lower()
