"""
People who asked to be erased, and how what is kept names a token in their place. Pure.

A person is known by key, so that an address which comes back, by a backup or a file, is recognised.
The token keeps the domain beside it: `erased-4f1c…@example.com`. So every count stays what it was,
also by provider. In what is of one person, a row or an entry, the local part goes, too, and so do
names, network addresses and the like; elsewhere only the whole address does, or a local part that
can hardly be anything else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote

from cxtools.identity import recipient_key

#: How a token begins.
TOKEN = "erased-"  # noqa: S105 - not a secret
#: What parts local part and domain: as written, in links, in JSON, in HTML.
AT = r"@|%40|\\u0040|&#64;|＠"
#: The same in addresses that mail servers make for what comes back: bounce+ann=example.com@….
IN_RETURN_PATH = "="
#: What may stand in a local part, read from its end; and in a domain.
LOCAL_PART = re.compile(r"[^\s\"'<>(),;:\\\[\]@]{1,64}$")
DOMAIN = re.compile(r"[\w.-]+\w")
ANY_AT = re.compile(AT)
#: Where in a local part an address may begin that stands in a link or behind a name.
BREAK = re.compile(r"%[0-9a-f]{2}|[=&?/|{}`*+]", re.IGNORECASE)
#: Local parts that tell of nobody: names of offices and functions, and words that feeds use.
COMMON_WORDS = (
    "abuse accounting accounts admin billing bounce bounces bounced click clicked complaint "
    "contact customer deferred delivered delivery email error event events feedback hello help "
    "hostmaster info invoice jobs kontakt list mail mailer marketing message news newsletter "
    "none noreply office open opened order orders page postmaster press processed reply root "
    "sales security sent service shop spam status subscribe subscribed support system team test "
    "true type unknown unsubscribe unsubscribed user web webmaster"
)
COMMON = frozenset(COMMON_WORDS.split())
#: A local part of fewer letters says nothing where it stands alone.
SHORTEST = 3
#: A local part that can hardly be anything else, wherever it stands: of several pieces, and long.
DISTINCT = re.compile(r"(?=.*[a-z])(?=.*[\d._-]).{6,}", re.IGNORECASE)
#: Names of what tells of a person beside the address, without case and signs.
PERSONAL_NAMES = (
    "firstname lastname fullname surname givenname familyname middlename phone phonenumber mobile "
    "mobilephone street birthday birthdate dateofbirth ip ipaddress clientip useragent geo "
    "geolocation geoip latitude longitude postalcode zipcode"
)
PERSONAL = frozenset(PERSONAL_NAMES.split())


@dataclass(frozen=True)
class Erasure:
    """
    One person who is erased.

        key      the person's
        token    what stands in the place of the local part
        domain   of the address; it is kept
        address  as it was found last; "" while only the key is known
    """

    key: str
    token: str
    domain: str
    address: str = field(default="", repr=False)

    @property
    def local_part(self) -> str:
        return self.address.rpartition("@")[0]

    @property
    def replacement(self) -> str:
        """The address that stands for the person from now on."""
        return f"{self.token}@{self.domain}"

    @property
    def is_telling(self) -> bool:
        """Whether the local part alone tells of the person, in what is of the person."""
        local = self.local_part.lower()
        return len(local) >= SHORTEST and local not in COMMON

    @property
    def is_distinct(self) -> bool:
        """Whether the local part alone tells of the person wherever it stands."""
        return self.is_telling and DISTINCT.fullmatch(self.local_part) is not None

    @cached_property
    def _whole(self) -> re.Pattern[str]:
        local = _spellings(self.local_part)
        domain = re.escape(self.domain)
        end = r"(?![\w-]|\.\w)"
        begin = r"(?:(?<![\w.+-])|(?<=%[0-9a-f]{2})|(?<=\\[nrt]))"
        return re.compile(
            rf"{begin}{local}(?P<at>{AT})(?P<domain>{domain}){end}"
            rf"|(?<![\w.-]){local}(?P<in_path>{IN_RETURN_PATH})(?P<path_domain>{domain}){end}",
            re.IGNORECASE,
        )

    @cached_property
    def _alone(self) -> re.Pattern[str]:
        local = _spellings(self.local_part)
        elsewhere = rf"{AT}|{IN_RETURN_PATH}[\w-]+\.\w"
        return re.compile(rf"(?<![\w.+-]){local}(?![\w+-]|\.\w|{elsewhere})", re.IGNORECASE)

    def clean(self, text: str) -> str:
        """
        A text that names the token in the place of the address.

        >>> ann = Erasure("k", "erased-1", "x.example", "ann@x.example")
        >>> ann.clean("to=Ann%40X.example, joann@x.example")
        'to=erased-1%40X.example, joann@x.example'
        """
        return self._whole.sub(self._written, text) if self.address else text

    def clean_own(self, text: str) -> str:
        """
        The same for a text of the person's own, in which the local part alone tells of the person.

        >>> ann = Erasure("k", "erased-1", "x.example", "ann@x.example")
        >>> ann.clean_own("550 no such user: ann, but ann@y.example")
        '550 no such user: erased-1, but ann@y.example'
        """
        if not (self.address and self.is_telling):
            return self.clean(text)
        return self._alone.sub(self.token, self.clean(text))

    def _written(self, found: re.Match[str]) -> str:
        if found["at"]:
            return f"{self.token}{found['at']}{found['domain']}"
        return f"{self.token}{found['in_path']}{found['path_domain']}"


def _spellings(local: str) -> str:
    """A pattern of a local part as it is, and as links write it."""
    ways = {local, quote(local, safe=""), quote(local, safe="").lower()}
    return f"(?:{'|'.join(re.escape(way) for way in sorted(ways))})"


class Erasures:
    """
    All who are erased.

    >>> key = recipient_key("ann@x.example")
    >>> erasures = Erasures([Erasure(key, "erased-1", "x.example")])
    >>> [person.address for person in erasures.people_in("Ann <Ann@x.example>, bob@x.example")]
    ['Ann@x.example']
    """

    def __init__(self, people: Iterable[Erasure] = ()) -> None:
        self.people: dict[str, Erasure] = {person.key: person for person in people}

    def __bool__(self) -> bool:
        return bool(self.people)

    def by_address(self, address: str) -> Erasure | None:
        """The person of an address, if erased."""
        person = self.people.get(recipient_key(address))
        return replace(person, address=address.strip()) if person else None

    @cached_property
    def hint(self) -> str:
        """
        A pattern, for any engine, that every text fulfils which names one of them: a look that
        costs little comes before one that costs much. "" where it would say nothing.
        """
        wanted = {re.escape(person.local_part or person.domain) for person in self.people.values()}
        wanted |= {re.escape(quote(person.local_part)) for person in self.people.values()} - {""}
        return f"(?i)({'|'.join(sorted(wanted))})"

    @cached_property
    def _hint(self) -> re.Pattern[str]:
        return re.compile(self.hint)

    def may_be_in(self, text: str) -> bool:
        """Whether a closer look is worth it."""
        return self._hint.search(text) is not None

    def people_in(self, text: str) -> list[Erasure]:
        """Those whose address stands in a text, with the address as it is written there."""
        found: dict[str, Erasure] = {}
        for address in addresses_in(text):
            person = self.by_address(address)
            if person:
                found.setdefault(person.key, person)
        for person in self.people.values():
            if person.key not in found and person.address and person.clean(text) != text:
                found[person.key] = person
        return list(found.values())

    def clean(self, text: str) -> str:
        """A text without the addresses of those who are erased."""
        if not self.may_be_in(text):
            return text
        for person in self.people_in(text):
            text = person.clean(text)
        return text

    def clean_line(self, text: str) -> str:
        """The same for a text that may be a document: its entries are of one person each."""
        if not self.may_be_in(text):
            return text
        return _through_json(text, self.clean_json) or self.clean(text)

    def clean_page(self, text: str) -> str:
        """
        The same for a page or a notebook, in which nobody can say whose a local part is that stands
        alone: one that can hardly be anything else goes, too.
        """
        if not self.may_be_in(text):
            return text
        text = self.clean(text)
        for person in self.people.values():
            if person.is_distinct:
                text = person.clean_own(text)
        return text

    def clean_json(self, value: Any) -> Any:
        """
        A document: an entry that names a person is the person's own, the others aren't.

        >>> key = recipient_key("ann@x.example")
        >>> erasures = Erasures([Erasure(key, "erased-1", "x.example")])
        >>> erasures.clean_json([{"to": "ann@x.example", "why": "no user ann"}, {"id": "ann"}])
        [{'to': 'erased-1@x.example', 'why': 'no user erased-1'}, {'id': 'ann'}]
        """
        if isinstance(value, str):
            return self.clean_line(value)
        if isinstance(value, list):
            return [self.clean_json(each) for each in value]
        if not isinstance(value, dict):
            return value
        texts = [each for each in value.values() if isinstance(each, str)]
        for person in self.people_in("\n".join(texts)):
            value = clean_own(value, person)
        return {key: self.clean_json(each) for key, each in value.items()}


def addresses_in(text: str) -> Iterator[str]:
    """
    Whatever may be an address in a text; of one that stands in a link, each way to read it.

    >>> list(addresses_in("<ann@x.example> ?to=bob%40y.example"))
    ['ann@x.example', '?to=bob@y.example', 'to=bob@y.example', 'bob@y.example']
    """
    for at in ANY_AT.finditer(text):
        before = text[max(0, at.start() - 64) : at.start()]
        local = LOCAL_PART.search(before)
        domain = DOMAIN.match(text, at.end())
        if local is None or domain is None:
            continue
        begins = [0, *[place.end() for place in BREAK.finditer(local[0])]]
        for begin in begins:
            if local[0][begin:]:
                yield f"{local[0][begin:]}@{domain[0]}"


def clean_own(value: Any, person: Erasure) -> Any:
    """
    A document of one person: without local part, names, network addresses.

    >>> ann = Erasure("k", "erased-1", "x.example", "ann@x.example")
    >>> clean_own({"to": "ann@x.example", "ip": "192.0.2.1", "vars": {"First Name": "Ann"}}, ann)
    {'to': 'erased-1@x.example', 'ip': '', 'vars': {'First Name': ''}}
    """
    if isinstance(value, str):
        return person.clean_own(value)
    if isinstance(value, list):
        return [clean_own(each, person) for each in value]
    if isinstance(value, dict):
        return {person.clean(key): _clean_field(key, each, person) for key, each in value.items()}
    return value


def is_personal(name: str) -> bool:
    """
    Whether a field of that name tells of one person.

    >>> is_personal("First Name"), is_personal("plan")
    (True, False)
    """
    bare = "".join(letter for letter in name.lower() if letter.isalnum())
    return bare in PERSONAL


def _clean_field(name: str, value: Any, person: Erasure) -> Any:
    if is_personal(name):
        return "" if isinstance(value, str) else None
    return clean_own(value, person)


def clean_own_text(text: str, person: Erasure) -> str:
    """The same for a text that may be a document."""
    changed = _through_json(text, lambda value: clean_own(value, person))
    return changed or person.clean_own(text)


def _through_json(text: str, change: Callable[[Any], Any]) -> str:
    """A JSON text, changed and written as events keep theirs; "" for what is none."""
    if text[:1] not in ("{", "["):
        return ""
    try:
        value = json.loads(text)
    except ValueError:
        return ""
    changed = change(value)
    if changed == value:
        return text
    return json.dumps(changed, ensure_ascii=False, separators=(",", ":"))


def read_lines(lines: Iterable[str]) -> Erasures:
    """
    Those that a file names, one a line: key, token, domain. A line that was cut off names nobody.

    >>> list(read_lines(["ab12 erased-1 x.example", "cd34 era"]).people)
    ['ab12']
    """
    people = []
    for line in lines:
        match line.split():
            case [key, token, domain]:
                people.append(Erasure(key, token, domain))
    return Erasures(people)


def line_of(person: Erasure) -> str:
    """How a file names a person."""
    return f"{person.key} {person.token} {person.domain}"


def own_columns(values: Mapping[str, str], person: Erasure) -> dict[str, str]:
    """
    The text columns of an event of this person, as they are kept from now on.

    >>> ann = Erasure("k", "erased-1", "x.example", "ann@x.example")
    >>> own_columns({"email": "ann@x.example", "ip": "192.0.2.1", "bounce_text": "no ann"}, ann)
    {'email': 'erased-1@x.example', 'ip': '', 'bounce_text': 'no erased-1'}
    """
    cleaned = {}
    for name, text in values.items():
        if name in BLANK:
            cleaned[name] = ""
        elif name == "email":
            cleaned[name] = person.replacement if text else ""
        else:
            cleaned[name] = clean_own_text(text, person)
    return cleaned


#: Columns of an event that tell of a person's device and place; nothing is counted by them.
BLANK = ("ip", "user_agent")
