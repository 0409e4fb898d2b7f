"""What a page promises, and is checked for before it is written: no network, no address."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote

from cxtools.errors import ReportError

#: What makes a browser ask elsewhere without a click: any element but a link with an address, a
#: style that imports, a refresh.
OUTSIDE = re.compile(
    r"""<(?!a\b)[a-z][^>]*\s(?:src|srcset|href|data|poster|action|background)"""
    r"""\s*=\s*["']?\s*(?:https?:|//)"""
    r"""|@import\b|url\(\s*["']?(?:https?:|//)|<base\b|http-equiv=["']?refresh""",
    re.I,
)
#: Anchored and possessive: a megabyte without an @ is read once, not once per letter.
ADDRESS = re.compile(r"(?<![\w.%+\-])[\w.%+\-]++@(?:[A-Za-z0-9\-]{1,63}\.){1,8}[A-Za-z]{2,63}")


def check_page(body: str) -> None:
    """
    Refuse a page that asks the network for anything, or shows an address.

    >>> check_page('<p>j***@example.com</p>')
    >>> check_page('<img src="https://example.com/x.png">')
    Traceback (most recent call last):
        ...
    cxtools.errors.ReportError: the page would load something from elsewhere  [<img src="https:]
      -> show it as a link, or leave it out
    """
    outside = OUTSIDE.search(body)
    if outside:
        raise ReportError(
            "the page would load something from elsewhere",
            where=outside[0][:40],
            do="show it as a link, or leave it out",
        )
    unmasked = addresses(body)
    if unmasked:
        raise ReportError(
            f"{len(unmasked)} e-mail addresses stand in the page unmasked",
            do="mask them in the measure that returns them (cxtools.text.mask_address)",
        )


def addresses(text: str) -> set[str]:
    """
    The unmasked addresses in a text, also those written as entities, in a link or in JSON.

    >>> sorted(addresses('a***@x.org ann&#64;x.org <a href="/?to=bob%40x.org">'))
    ['ann@x.org', 'bob@x.org']
    """
    plain = html.unescape(text.replace("\\u0040", "@"))
    return set(ADDRESS.findall(unquote(plain)))


def mask_addresses(text: str) -> str:
    """
    >>> mask_addresses("ValueError: ann@example.com is unknown")
    'ValueError: …@… is unknown'
    """
    return ADDRESS.sub("…@…", text)
