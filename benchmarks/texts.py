"""The texts of events, column by column, as Arrow arrays: ids, addresses, refusals, raw rows."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.happenings import (
    BOUNCE,
    CLICK,
    DOMAINS,
    JOB_RECIPIENTS,
    LASTING,
    LINKS,
    OPEN,
    PASSING,
    RETURNED,
    Numbers,
    domain_of,
    mixed,
)

HEX = np.array([f"{byte:02x}" for byte in range(256)], "S2")
#: Where the hexadecimal digits of a UUID stand; between them are hyphens.
UUID_DIGITS = [*range(8), *range(9, 13), *range(14, 18), *range(19, 23), *range(24, 36)]
UUID_LENGTH = 36

PROVIDERS = (
    "gmail.com",
    "outlook.com",
    "yahoo.com",
    "hotmail.com",
    "icloud.com",
    "gmx.de",
    "comcast.net",
    "web.de",
    "aol.com",
)
FIRST_NAMES = ("ann", "ben", "carla", "deniz", "eva", "farid", "greta", "hugo", "ines", "jonas")
LAST_NAMES = ("meyer", "novak", "okafor", "perez", "quinn", "rossi", "silva", "tanaka", "weber")
PAGES = ("autumn", "sale", "shoes", "coats", "gifts", "news", "account", "stores")
AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_2 like Mac OS X) AppleWebKit/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/152.0.0.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15",
)
#: What servers say of a message that may still be delivered, and of one that comes back.
PASSING_FATES = ("greylisted", "limited")
RETURNED_FATES = ("returned",)
SENDING_HOSTS = 16
READERS_NETWORKS = 250


class Refusal(NamedTuple):
    """What a server says when it bounces a message: {a}, {t}, {ip}, {d} stand for its own."""

    code: str
    text: str


def hexadecimal(numbers: Numbers, seed: int, salt: str) -> Numbers:
    """32 digits for each number, as rows of bytes."""
    halves = [mixed(numbers, seed, f"{half}{salt}") for half in (1, 2)]
    pairs = np.stack(halves, axis=1)
    digits: Numbers = HEX[pairs.view("u1")]
    characters = digits.view("u1")
    return characters.reshape(len(numbers), 32)


def uuids(numbers: Numbers, seed: int, salt: str) -> pa.Array:
    """A UUID for each number."""
    characters = np.full((len(numbers), UUID_LENGTH), ord("-"), "u1")
    characters[:, UUID_DIGITS] = hexadecimal(numbers, seed, salt)
    return fixed_width(characters)


def fixed_width(characters: Numbers) -> pa.Array:
    """Texts of one length, given as rows of ASCII bytes."""
    count, width = characters.shape
    offsets = np.arange(0, (count + 1) * width, width, dtype="i4")
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(characters)]
    return pa.Array.from_buffers(pa.string(), count, buffers)


def domains(messages: Numbers, seed: int) -> pa.Array:
    return _chosen(_domain_names(), domain_of(messages, seed))


def addresses(messages: Numbers, names_of_domains: pa.Array) -> pa.Array:
    """One address for each message of the campaign."""
    first = _chosen(FIRST_NAMES, messages % len(FIRST_NAMES))
    last = _chosen(LAST_NAMES, messages // 7 % len(LAST_NAMES))
    number = pc.cast(pa.array(messages), pa.string())
    return joined(first, ".", last, number, "@", names_of_domains)


def jobs(messages: Numbers, seed: int) -> pa.Array:
    """The job that each message was sent with."""
    numbers = messages // JOB_RECIPIENTS
    every, place = np.unique(numbers, return_inverse=True)
    return uuids(every, seed, "job").take(pa.array(place))


def links(rows: Numbers) -> pa.Array:
    """What was clicked; "" for other events."""
    number = np.where(rows["kind"] == CLICK, rows["detail"], LINKS)
    return _chosen(_links(), number)


def agents(rows: Numbers, seed: int) -> pa.Array:
    """The program that fetched the image or followed the link; "" for other events."""
    engaged = (rows["kind"] == OPEN) | (rows["kind"] == CLICK)
    number = (mixed(rows["message"], seed, "agent") % np.uint64(len(AGENTS))).astype("i8")
    return _chosen((*AGENTS, ""), np.where(engaged, number, len(AGENTS)))


def networks(rows: Numbers, seed: int) -> pa.Array:
    """The network address of who fetched the image or followed the link."""
    engaged = (rows["kind"] == OPEN) | (rows["kind"] == CLICK)
    number = (mixed(rows["message"], seed, "ip") % np.uint64(READERS_NETWORKS)).astype("i8")
    every = [f"198.51.100.{number}" for number in range(READERS_NETWORKS)]
    return _chosen((*every, ""), np.where(engaged, number, READERS_NETWORKS))


def refusals(rows: Numbers, emails: pa.Array, seed: int) -> list[Refusal]:
    """What the server said for each row: with the address and a ticket inside; "" if it took it."""
    said = [Refusal("", "")] * len(rows)
    places = np.flatnonzero(rows["kind"] == BOUNCE)
    bounces = rows[places]
    chances = mixed(bounces["message"], seed, "refusal").tolist()
    to = emails.take(pa.array(places)).to_pylist()
    for place, sort, chance, email in zip(
        places.tolist(), bounces["detail"].tolist(), chances, to, strict=True
    ):
        choices = _refusals()[sort]
        refusal = choices[chance % len(choices)]
        text = refusal.text.format(
            a=email,
            t=f"{chance:016x}"[:12],
            ip=f"203.0.113.{chance % SENDING_HOSTS}",
            d=email.partition("@")[2],
        )
        said[place] = Refusal(refusal.code, text)
    return said


def moments(rows: Numbers) -> pa.Array:
    """The moments as a feed writes them, to the millisecond; "" where it gave none."""
    day, in_day = np.divmod(rows["moment"] // 1000, 86_400_000)
    second, millisecond = np.divmod(in_day, 1000)
    every_day, place = np.unique(day, return_inverse=True)
    names_of_days = np.datetime_as_string(every_day.astype("M8[D]")).tolist()
    text = joined(
        _chosen(names_of_days, place),
        "T",
        _times().take(pa.array(second)),
        ".",
        _thousandths().take(pa.array(millisecond)),
        "Z",
    )
    return pc.if_else(pa.array(rows["dated"]), text, "")


def raw_rows(columns: dict[str, pa.Array], words: pa.Array, times: pa.Array) -> pa.Array:
    """The events as the API gives them: JSON objects without the fields that an event lacks."""
    quoted = {
        "bounceCode": columns["bounce_code"],
        "bounceDescription": _escaped(columns["bounce_text"]),
        "linkUrl": columns["link_url"],
        "userAgent": columns["user_agent"],
        "ipAddress": columns["ip"],
    }
    optional = []
    for name, values in quoted.items():
        field = joined(f',"{name}":"', values, '"')
        optional.append(pc.if_else(pc.equal(values, ""), "", field))
    return joined(
        '{"eventId":"',
        columns["event_id"],
        '","eventType":"',
        words,
        '","jobId":"',
        columns["job_id"],
        '","messageId":"',
        columns["message_id"],
        '","recipientId":"',
        columns["recipient_id"],
        '","emailAddress":"',
        columns["email"],
        '","timestamp":"',
        times,
        '"',
        *optional,
        "}",
    )


def joined(*parts: Any) -> pa.Array:
    """The texts of all parts, one after the other, row by row."""
    return pc.binary_join_element_wise(*parts, "")


def _chosen(texts: Any, numbers: Numbers) -> pa.Array:
    return pa.array(texts, pa.string()).take(pa.array(numbers))


def _escaped(texts: pa.Array) -> pa.Array:
    return pc.replace_substring(texts, '"', '\\"')


@cache
def _domain_names() -> tuple[str, ...]:
    companies = [f"company-{number}.example" for number in range(DOMAINS - len(PROVIDERS))]
    return (*PROVIDERS, *companies)


@cache
def _links() -> tuple[str, ...]:
    """All links of the campaign, and "" behind them."""
    urls = []
    for number in range(LINKS - 2):
        page = f"https://shop.example/{PAGES[number % len(PAGES)]}/{number}"
        urls.append(f"{page}?utm_source=mail&utm_campaign=large" if number % 2 else page)
    return (*urls, "https://shop.example/preferences", "https://shop.example/unsubscribe", "")


@cache
def _refusals() -> dict[int, list[Refusal]]:
    """What servers say, by the class of the bounce: the simulator's texts."""
    sorts: dict[int, list[Refusal]] = {LASTING: [], PASSING: [], RETURNED: []}
    table = files("cxtools.simulator").joinpath("refusals.tsv").read_text("utf-8")
    for row in csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        sort = LASTING
        if row["fate"] in PASSING_FATES:
            sort = PASSING
        elif row["fate"] in RETURNED_FATES:
            sort = RETURNED
        sorts[sort].append(Refusal(row["code"], row["text"]))
    return sorts


@cache
def _times() -> pa.Array:
    """Every second of a day."""
    hours = [f"{hour:02}" for hour in range(24)]
    sixty = [f"{minute:02}" for minute in range(60)]
    return pa.array(
        f"{hour}:{minute}:{second}" for hour in hours for minute in sixty for second in sixty
    )


@cache
def _thousandths() -> pa.Array:
    return pa.array([f"{number:03}" for number in range(1000)])
