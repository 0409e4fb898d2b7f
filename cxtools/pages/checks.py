"""What a page promises, and is checked for before it is written: no network, no address."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote

from cxtools.errors import ReportError
from cxtools.text import mask_address

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
#: What one section of a page is called.
SECTION_TITLE = re.compile(r"<h2\b[^>]*>([^<]*)")
UNMASKED_ADVICE = (
    "in a notebook of your own, mask it in the cell that shows it; in one that cxtools brings this "
    "is a bug: please report it, and leave that cell out meanwhile: cxtools notebooks DIR copies "
    "the notebooks, cxtools report DIR/NAME.ipynb runs a copy"
)


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
    for section in re.split(r"(?=<h2\b)", body):
        title = SECTION_TITLE.match(section)
        check_addresses(section, html.unescape(title[1]) if title else "")


def check_addresses(text: str, place: str = "") -> None:
    """
    Refuse a part of a page that shows an address; *place* is what its readers call it.

    >>> check_addresses("jane@example.com", "Links")
    Traceback (most recent call last):
        ...
    cxtools.errors.ReportError: an e-mail address would stand in the page unmasked  [Links: \
j***@example.com]
      -> in a notebook of your own, mask it in the cell that shows it; in one that cxtools brings \
this is a bug: please report it, and leave that cell out meanwhile: cxtools notebooks DIR copies \
the notebooks, cxtools report DIR/NAME.ipynb runs a copy
    """
    unmasked = sorted(addresses(text))
    if not unmasked:
        return
    several = f"{len(unmasked)} e-mail addresses would stand"
    stand = several if unmasked[1:] else "an e-mail address would stand"
    example = mask_address(unmasked[0])
    raise ReportError(
        f"{stand} in the page unmasked",
        where=f"{place}: {example}" if place else example,
        do=UNMASKED_ADVICE,
    )


def addresses(text: str) -> set[str]:
    """
    The unmasked addresses in a text, also those written as entities, in a link (even in one inside
    of another) or in JSON.

    >>> sorted(addresses('a***@x.org ann&#64;x.org <a href="/?to=bob%40x.org&via=cat%2540x.org">'))
    ['ann@x.org', 'bob@x.org', 'cat@x.org']
    """
    plain = html.unescape(text.replace("\\u0040", "@"))
    return set(ADDRESS.findall(unquote(unquote(plain))))


def mask_addresses(text: str) -> str:
    """
    >>> mask_addresses("ValueError: ann@example.com is unknown")
    'ValueError: …@… is unknown'
    """
    return ADDRESS.sub("…@…", text)
