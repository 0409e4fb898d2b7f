"""
Addresses as we send to them.

They are judged by `email-validator` without DNS, as ASCII: the API says nothing of SMTPUTF8, so a
local part outside ASCII is refused and an international domain is written in its xn-- form. The
local part keeps its case for sending.
"""

from __future__ import annotations

import re

from cxtools.addresses import clean_address

#: A name before an address in brackets, or a link.
WRAPPED = re.compile(r"<[^<>]*>\s*$|^\s*mailto:", re.IGNORECASE)


def normal_address(text: str) -> str:
    """
    An address as we send to it: the domain in lower case and ASCII, the local part as written.

    Raises:
        ValueError: it is not an address; the message doesn't repeat it.

    >>> normal_address(" Ann@Example.COM "), normal_address("ann@exämple.com")
    ('Ann@example.com', 'ann@xn--exmple-cua.com')
    """
    from email_validator import validate_email

    address = validate_email(
        text.strip(),
        check_deliverability=False,
        strict=True,
        allow_smtputf8=False,
        test_environment=True,
    )
    return address.ascii_email or address.normalized


def bare_address(text: str) -> str:
    """
    An address without the name or the link around it; any other text as it is.

    >>> bare_address("Ann <ann@example.com>"), bare_address("mailto:ann@example.com")
    ('ann@example.com', 'ann@example.com')
    """
    return clean_address(text) if WRAPPED.search(text) else text


def planned_address(text: str) -> str:
    """
    The address that a plan would mail, of a cell or an argument that may hold more around it.

    Raises:
        ValueError: it is not one address.

    >>> planned_address("Ann <Ann@Example.COM>"), planned_address("ann@exämple.com;")
    ('Ann@example.com', 'ann@xn--exmple-cua.com')
    """
    return normal_address(clean_address(text))
