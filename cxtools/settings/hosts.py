"""Host names and networks, as settings may hold them."""

from __future__ import annotations

import re
from contextlib import suppress
from ipaddress import ip_network

#: The names of this machine, as they stand in addresses.
LOOPBACK = ("127.0.0.1", "localhost", "::1")
HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?")
#: Looks like a host name, but is a mistyped address.
DIGITS = re.compile(r"[0-9.]+")


def is_network(text: str) -> bool:
    """
    Is an entry of `crm_allow_hosts` a network or an address, and not a name?

    >>> is_network("10.1.0.0/16"), is_network("10.1.2.3"), is_network("crm.example")
    (True, True, False)
    """
    with suppress(ValueError):
        ip_network(text)
        return True
    return False


def is_host(text: str) -> bool:
    """
    Can it be the name of a host?

    >>> is_host("crm.corp.example"), is_host("crm/corp"), is_host("10.1.2")
    (True, False, False)
    """
    return bool(HOST.fullmatch(text)) and not DIGITS.fullmatch(text)
