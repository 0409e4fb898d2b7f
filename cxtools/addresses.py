"""
Addresses as files hold them: in brackets, with a name, behind a scheme, in quotes. Pure.

What goes to the API is judged by `sending.address`; what comes out of a feed is only cleaned, since
an address that we would not mail has its events, too.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

#: An address that needs no cleaning but for the case of its domain.
CLEAN = re.compile(r"[\w!#$%&*+/=?^`{|}~.-]+@[a-z\d-]+(\.[a-z\d-]+)*", re.ASCII | re.IGNORECASE)

#: Letters that nobody sees: soft hyphen, zero width, direction of writing, byte order mark.
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
IN_BRACKETS = re.compile(r"<([^<>]*@[^<>]*)>")
COMMENT = re.compile(r"(?<=\S)\s*\([^()]*\)$")
#: What says that an address follows: of a link, of a mail server, of Exchange.
SCHEME = re.compile(r"(mailto:|rfc822;|smtp:)\s*", re.IGNORECASE)
#: What stands around a whole text.
PAIRS = ('""', "''", "``", "<>", "()", "[]", "“”", "‘’", "«»")
ENDS = " \t\r\n\xa0;,.:"


def clean_address(text: str) -> str:
    """
    The bare address of a cell: without a display name, brackets, a scheme, quotes, and whatever
    follows it; the domain in lower case and ASCII, the local part as written.

    What isn't one address comes back as it is, without white space around it.

    >>> clean_address('"Example, Ann" <Ann@Example.COM>'), clean_address("rfc822; bob@exämple.com;")
    ('Ann@example.com', 'bob@xn--exmple-cua.com')
    >>> clean_address(" nobody "), clean_address("ann@one.example, bob@one.example")
    ('nobody', 'ann@one.example, bob@one.example')
    """
    if CLEAN.fullmatch(text):
        return _with_domain_in_ascii(text)
    visible = INVISIBLE.sub("", text).strip()
    address = _without_wrapping(_in_brackets(visible)).replace("＠", "@")
    local, at, domain = address.rpartition("@")
    if not local or not domain or _is_in_pieces(domain) or _is_in_pieces(local):
        return visible
    return _with_domain_in_ascii(f"{local}{at}{domain}")


def _in_brackets(text: str) -> str:
    """What stands in the only pair of angle brackets, or all of it."""
    found = IN_BRACKETS.findall(text)
    return found[0] if len(found) == 1 else text


def _without_wrapping(text: str) -> str:
    """The text without what stands around it, one layer after the other."""
    before = ""
    while text != before:
        before = text
        text = COMMENT.sub("", text.lstrip(" \t\xa0<;,").rstrip(ENDS + ">"))
        text = _without_scheme(text)
        if text[:1] + text[-1:] in PAIRS:
            text = text[1:-1]
    # Excel writes an apostrophe before what is to be a text.
    return text.removeprefix("'")


def _without_scheme(text: str) -> str:
    scheme = SCHEME.match(text)
    if scheme is None:
        return text
    rest = text[scheme.end() :]
    if scheme[0].lower().startswith("mailto:"):
        address, _, _ = rest.partition("?")
        return unquote(address)
    return rest


def _is_in_pieces(part: str) -> bool:
    """Whether a part of an address is several things; a quoted local part may hold anything."""
    is_quoted = len(part) > 1 and part[0] == part[-1] == '"'
    return not is_quoted and re.search(r"[\s,;<>@]", part) is not None


def _with_domain_in_ascii(address: str) -> str:
    local, _, domain = address.rpartition("@")
    if domain.isascii():
        return f"{local}@{domain.lower()}"
    import idna  # 10 ms, which most files needn't pay

    try:
        written = idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        written = unicodedata.normalize("NFC", domain).lower()
    return f"{local}@{written}"
