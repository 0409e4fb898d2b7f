"""
Every measure as a slow, readable definition in Python: what its rows count, one message after the
other. The SQL of the measures must say the same of all events.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from math import ceil, floor, sqrt
from typing import Any, TypeVar

from cxtools.sending.findings import MISTYPED
from tests.oracle.messages import Message, Row, is_content, seconds_between

#: What one row counts, by column.
Counts = dict[str, Any]

Z = 1.959963984540054
#: As senders write it into a link: as it is, or with its @ encoded.
ADDRESS_IN_URL = re.compile(r"[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
TRACKING = re.compile(r"(utm_[A-Za-z]+|gclid|fbclid|msclkid|mc_[ce]id|mkt_tok|_hsenc|_hsmi)=")
KINDS = ("open", "click")
WINDOWS_H = (1, 24, 72, 168)
#: From so many on, times are one group.
MANY_TIMES = 5
#: So many values of a parameter may be one person's each.
MANY_VALUES = 5
#: Strong are the first two.
RULES = ("r1", "r2", "r3", "r4", "r5")
#: A domain with fewer clickers says nothing of them.
FEWEST_CLICKERS = 5


@dataclass(frozen=True)
class Click:
    """A click of a message that was reached: the URL as it came, and the link that was meant."""

    message: Message
    ts: datetime | None
    raw_url: str
    link_url: str

    @property
    def purpose(self) -> str:
        return "content" if is_content(self.raw_url) else "unsubscribe"


class Mailing:
    """All messages of one campaign, and those that are asked about: with one of these values."""

    def __init__(self, every: Sequence[Message], where: Mapping[str, Sequence[str]]) -> None:
        self.every = every
        self.asked = [message for message in every if self._is_asked(message, where)]

    def _is_asked(self, message: Message, where: Mapping[str, Sequence[str]]) -> bool:
        return all(str(self.value(message, name)) in values for name, values in where.items())

    def value(self, message: Message, name: str) -> Any:
        """What a message has of a dimension or a segment; "scanned" depends on the others, too."""
        if name == "scanned":
            return "yes" if self.is_suspect(message) else "no"
        return message.value(name)

    def groups(self, by: Sequence[str]) -> dict[tuple[Any, ...], list[Message]]:
        """The messages that are asked about, by their values of these columns."""
        return parted(self.asked, lambda m: tuple(self.value(m, name) for name in by))

    @cached_property
    def link_urls(self) -> dict[str, str]:
        """URL as it came -> the link that was meant."""
        return link_urls(self.every)

    def clicks(self, messages: Sequence[Message]) -> list[Click]:
        """Of the messages that were reached."""
        found = []
        for message in messages:
            if message.reached:
                for event in message.of("click"):
                    url = event["link_url"]
                    found.append(Click(message, event["ts"], url, self.link_urls[url]))
        return found

    @cached_property
    def rules(self) -> dict[int, set[str]]:
        """id of a clicker -> the rules that hit it, and "suspect"."""
        return rules_of(self)

    def is_suspect(self, message: Message) -> bool:
        return "suspect" in self.rules.get(id(message), ())


@dataclass(frozen=True)
class Group:
    """Some of the messages that are asked about: one group of a split."""

    messages: Sequence[Message]
    mailing: Mailing
    store: Sequence[Message]
    is_whole: bool

    def number(self, name: str) -> int:
        """How many are attempted, delivered …"""
        return sum(bool(getattr(message, name)) for message in self.messages)

    def those(self, name: str) -> list[Message]:
        return [message for message in self.messages if getattr(message, name)]

    @property
    def feed(self) -> Any:
        return self.messages[0].feed


# --- shares ---


def rated(counts: Counts, name: str, part: int | None, whole: int) -> Counts:
    """The counts with a share and its 95 % interval by Wilson; missing without a whole."""
    if not whole or part is None:
        return counts | {name: None, f"{name}_low": None, f"{name}_high": None}
    low, high = wilson(part / whole, whole)
    return counts | {name: part / whole, f"{name}_low": low, f"{name}_high": high}


def wilson(share: float, n: int) -> tuple[float, float]:
    """The two shares from which this one is just as far as 95 % of chance reach."""
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    margin = Z / (1 + Z**2 / n) * sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return centre - margin, centre + margin


def interpolated(values: Sequence[float], share: float) -> float | None:
    """The value below which a share of all lies, between two of them by their distance."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below, above = ordered[floor(place)], ordered[ceil(place)]
    return below + (above - below) * (place - floor(place))


# --- delivery ---


def funnel(group: Group) -> Iterator[Counts]:
    counts: Counts = {
        name: group.number(name)
        for name in ("attempted", "delivered", "late_bounced", "bounced", "opened", "clicked")
    }
    reached = group.those("reached")
    counts["opened_strict"] = sum(m.opens > m.machine_opens for m in reached)
    counts["clicks_without_open"] = sum(m.clicked and not m.opens for m in reached)
    counts["first_at"] = earliest(m.first_at for m in group.messages)
    counts["last_at"] = latest(m.last_at for m in group.messages)
    opened = counts["opened"] if group.feed.measures_opens else None
    clicked = counts["clicked"] if group.feed.measures_clicks else None
    counts = rated(counts, "delivery_rate", counts["delivered"], counts["attempted"])
    counts = rated(counts, "bounce_rate", counts["bounced"], counts["attempted"])
    counts = rated(counts, "open_rate", opened, counts["delivered"])
    counts = rated(counts, "click_rate", clicked, counts["delivered"])
    counts = rated(counts, "click_to_open_rate", clicked, counts["opened"])
    if group.is_whole or counts["attempted"] or counts["opened"] or counts["bounced"]:
        yield counts


def jobs(group: Group) -> Iterator[Counts]:
    for job_id, own in parted(group.messages, lambda m: m.job_id).items():
        ends = [m.delivered_at or m.bounced_at for m in own]
        known = [end for end in ends if end]
        start = earliest(m.first_at for m in group.mailing.every if m.job_id == job_id)
        delays = [seconds_between(start, m.delivered_at) for m in own if start and m.delivered_at]
        yield {
            "job_id": job_id,
            "attempted": sum(m.attempted for m in own),
            "delivered": sum(m.delivered for m in own),
            "bounced": sum(m.bounced for m in own),
            "first_at": earliest(m.first_at for m in own),
            "last_at": latest(m.last_at for m in own),
            "span_s": seconds_between(min(known), max(known)) if known else None,
            "delivery_median_s": interpolated(delays, 0.5),
            "delivery_p90_s": interpolated(delays, 0.9),
        }


def deferrals(group: Group) -> Iterator[Counts]:
    waited = [m for m in group.messages if m.of("deferral")]
    waiting = sum(not m.attempted for m in waited)
    delays = []
    for message in group.those("delivered"):
        since = earliest(message.moments("deferral", "sent"))
        if since and message.delivered_at and since <= message.delivered_at:
            delays.append(seconds_between(since, message.delivered_at))
    counts: Counts = {
        "attempted": group.number("attempted"),
        "waiting": waiting,
        "messages": group.number("attempted") + waiting,
        "deferred": len(waited),
        "deferrals": sum(len(m.of("deferral")) for m in waited),
        "delivered": group.number("delivered"),
        "timed": len(delays),
        "median_s": interpolated(delays, 0.5),
        "p90_s": interpolated(delays, 0.9),
    }
    measured = len(waited) if group.feed.kinds["deferral"] else None
    if counts["messages"]:
        yield rated(counts, "deferral_rate", measured, counts["messages"])


# --- bounces ---


def bounces(group: Group) -> Iterator[Counts]:
    everyone = sum(m.bounced for m in group.mailing.asked)
    attempted = group.number("attempted")
    verdicts = parted(group.those("bounced"), lambda m: (m.verdict.category, m.verdict.kind))
    for (category, kind), own in verdicts.items():
        counts: Counts = {
            "category": category,
            "kind": kind,
            "recipients": len(own),
            "unauthenticated": sum(m.verdict.is_unauthenticated for m in own),
            "bounced": everyone,
            "attempted": attempted,
        }
        counts = rated(counts, "share", len(own), everyone)
        yield rated(counts, "rate", len(own), attempted)


def reasons(group: Group) -> Iterator[Counts]:
    everyone = sum(m.bounced for m in group.mailing.asked)

    def cause(message: Message) -> tuple[str, str, str]:
        verdict = message.verdict
        return verdict.reason, verdict.category, verdict.kind

    for (reason, category, kind), own in parted(group.those("bounced"), cause).items():
        confidence, rule = min((m.verdict.confidence, m.verdict.rule) for m in own)
        counts: Counts = {
            "reason": reason,
            "category": category,
            "kind": kind,
            "bounce_code": min(m.said["bounce_code"] for m in own),
            "confidence": confidence,
            "rule": rule,
            "recipients": len(own),
            "bounced": everyone,
            "first_at": earliest(m.bounced_at for m in own),
            "last_at": latest(m.bounced_at for m in own),
        }
        yield rated(counts, "share", len(own), everyone)


def unknown(group: Group) -> Iterator[Counts]:
    riddles = [
        m
        for m in group.those("bounced")
        if m.verdict.category == "unknown" or m.verdict.confidence < 0.5
    ]
    said = parted(riddles, lambda m: (m.said["bounce_code"], m.said["bounce_text"]))
    for (code, text), own in said.items():
        yield {"code": code, "text": text, "recipients": len(own)}


def late_bounces(group: Group) -> Iterator[Counts]:
    taken = sum(m.delivered or m.late_bounced for m in group.messages)
    verdicts = parted(group.those("late_bounced"), lambda m: (m.verdict.category, m.verdict.kind))
    for (category, kind), own in verdicts.items():
        delays = [
            seconds_between(m.delivered_at, m.bounced_at)
            for m in own
            if m.delivered_at and m.bounced_at
        ]
        counts: Counts = {
            "category": category,
            "kind": kind,
            "recipients": len(own),
            "taken": taken,
            "median_s": interpolated(delays, 0.5),
            "p90_s": interpolated(delays, 0.9),
        }
        yield rated(counts, "share", len(own), taken)


def worst_domains(group: Group) -> Iterator[Counts]:
    for domain, own in parted(group.messages, lambda m: m.domain).items():
        bounced = sum(m.bounced for m in own)
        attempted = sum(m.attempted for m in own)
        if domain and bounced:
            counts = {"domain": domain, "attempted": attempted, "bounced": bounced}
            yield rated(counts, "bounce_rate", bounced, attempted)


def typo_domains(group: Group) -> Iterator[Counts]:
    for domain, own in parted(group.messages, lambda m: m.domain).items():
        meant = meant_by(domain)
        if meant:
            bounced = sum(m.bounced for m in own)
            attempted = sum(m.attempted for m in own)
            counts = {
                "domain": domain,
                "meant": meant,
                "recipients": len(own),
                "attempted": attempted,
                "delivered": sum(m.delivered for m in own),
                "bounced": bounced,
            }
            yield rated(counts, "bounce_rate", bounced, attempted)


def meant_by(domain: str) -> str:
    """The domain that a slip stands for; "" for none."""
    for meant, slips in MISTYPED.items():
        if domain in slips.split():
            return meant
    return "corp.com" if domain == "corp.con" else ""


def repeat_bouncers(group: Group) -> Iterator[Counts]:
    bounced = [m for m in group.those("bounced") if m.email]
    times = Counter(min(campaigns_with_bounce(m, group.store), MANY_TIMES) for m in bounced)
    for campaigns, recipients in times.items():
        counts = {
            "campaigns": campaigns,
            "recipients": recipients,
            "all_recipients": len(bounced),
        }
        yield rated(counts, "share", recipients, len(bounced))


def campaigns_with_bounce(message: Message, store: Sequence[Message]) -> int:
    """In how many campaigns the address of a message bounced."""
    return len({m.campaign for m in store if m.bounced and m.email == message.email})


# --- engagement ---


def timing(group: Group) -> Iterator[Counts]:
    delivered = group.those("delivered")
    for kind in KINDS if delivered else ():
        delays = known_delays(delivered, kind)
        yield {
            "kind": kind,
            "recipients": len(delays),
            "delivered": len(delivered),
            "p10_s": interpolated(delays, 0.1),
            "p25_s": interpolated(delays, 0.25),
            "median_s": interpolated(delays, 0.5),
            "p75_s": interpolated(delays, 0.75),
            "p90_s": interpolated(delays, 0.9),
        }


def known_delays(messages: Sequence[Message], kind: str) -> list[int]:
    """Seconds from delivery to the first open or click; before it, by clocks, is 0."""
    delays = [message.delay_s(kind) for message in messages]
    return [max(delay, 0) for delay in delays if delay is not None]


def curve(group: Group) -> Iterator[Counts]:
    delivered = group.those("delivered")
    for kind in KINDS:
        slots = Counter(slot(delay) for delay in known_delays(delivered, kind))
        cumulative = 0
        for hours in sorted(slots):
            cumulative += slots[hours]
            counts = {
                "kind": kind,
                "hours": hours,
                "recipients": slots[hours],
                "cumulative": cumulative,
                "delivered": len(delivered),
            }
            yield rated(counts, "rate", cumulative, len(delivered))


def slot(delay_s: int) -> int:
    """The hour at whose end a reaction is counted; after three days, the whole day."""
    if delay_s < 3600:
        return 1
    if delay_s <= 72 * 3600:
        return ceil(delay_s / 3600)
    return 24 * ceil(delay_s / 86400)


def windows(group: Group) -> Iterator[Counts]:
    delivered = group.those("delivered")
    for kind in KINDS if delivered else ():
        delays = known_delays(delivered, kind)
        undated = sum(did(m, kind) and m.delay_s(kind) is None for m in delivered)
        is_told = group.feed.kinds["open"] if kind == "open" else group.feed.measures_clicks
        is_dated = delays or not undated
        for hours in WINDOWS_H:
            within = sum(delay <= hours * 3600 for delay in delays)
            counts = {
                "kind": kind,
                "hours": hours,
                "recipients": within,
                "ever": len(delays),
                "undated": undated,
                "delivered": len(delivered),
            }
            measured = within if is_told and is_dated else None
            counts = rated(counts, "rate", measured, len(delivered))
            yield rated(counts, "share", within, len(delays))


def did(message: Message, kind: str) -> bool:
    """Whether a recipient opened, or clicked on content, at whatever moment."""
    return bool(message.opens if kind == "open" else message.content_clicks)


def repeats(group: Group) -> Iterator[Counts]:
    for kind in KINDS:
        delivered = group.those("delivered")
        numbers = [m.opens if kind == "open" else len(m.content_clicks) for m in delivered]
        some = [number for number in numbers if number]
        for times in sorted({min(number, MANY_TIMES) for number in some}):
            own = [number for number in some if min(number, MANY_TIMES) == times]
            counts = {
                "kind": kind,
                "times": times,
                "recipients": len(own),
                "events": sum(own),
                "all_recipients": len(some),
            }
            yield rated(counts, "share", len(own), len(some))


def send_times(group: Group) -> Iterator[Counts]:
    def moment(message: Message) -> tuple[int | None, int | None]:
        return message.value("weekday"), message.value("hour")

    for (weekday, hour), own in parted(group.messages, moment).items():
        counts: Counts = {
            "weekday": weekday,
            "hour": hour,
            "attempted": sum(m.attempted for m in own),
            "delivered": sum(m.delivered for m in own),
            "clicked": sum(m.clicked for m in own),
        }
        clicked = counts["clicked"] if group.feed.measures_clicks else None
        if counts["attempted"] or counts["clicked"]:
            yield rated(counts, "click_rate", clicked, counts["delivered"])


def complaints(group: Group) -> Iterator[Counts]:
    delivered = group.those("delivered")
    counts: Counts = {
        "delivered": len(delivered),
        "complained": sum(bool(m.of("complaint")) for m in delivered),
        "unsubscribed": sum(bool(m.of("unsubscribe")) for m in delivered),
    }
    kinds = group.feed.kinds
    complained = counts["complained"] if kinds["complaint"] else None
    unsubscribed = counts["unsubscribed"] if kinds["unsubscribe"] else None
    if delivered:
        counts = rated(counts, "complaint_rate", complained, len(delivered))
        yield rated(counts, "unsubscribe_rate", unsubscribed, len(delivered))


# --- links and machines ---


def links(group: Group) -> Iterator[Counts]:
    clicks = group.mailing.clicks(group.messages)
    everyone = people_and_clickers(clicks, group.mailing)
    for (link_url, purpose), own in parted(clicks, lambda c: (c.link_url, c.purpose)).items():
        people, clickers = people_and_clickers(own, group.mailing)
        counts: Counts = {
            "link_url": link_url,
            "purpose": purpose,
            "people": people,
            "clickers": clickers,
            "clicks": len(own),
            "all_people": everyone[0],
            "all_clickers": everyone[1],
            "first_at": earliest(click.ts for click in own),
            "last_at": latest(click.ts for click in own),
        }
        counts = rated(counts, "people_share", people, everyone[0])
        yield rated(counts, "share", clickers, everyone[1])


def people_and_clickers(clicks: Sequence[Click], mailing: Mailing) -> tuple[int, int]:
    """How many messages were clicked by what behaves like people, and by whatever it was."""
    clickers = {id(click.message): click.message for click in clicks}
    people = [m for m in clickers.values() if not mailing.is_suspect(m)]
    return len(people), len(clickers)


def first_links(group: Group) -> Iterator[Counts]:
    dated = [click for click in group.mailing.clicks(group.messages) if click.ts]
    firsts: dict[str, set[int]] = defaultdict(set)
    for message, own in parted(dated, lambda click: id(click.message)).items():
        first = earliest(click.ts for click in own)
        for click in own:
            if click.ts == first:
                firsts[click.link_url].add(message)
    everyone = {id(click.message) for click in dated}
    for link_url, followers in firsts.items():
        counts = {
            "link_url": link_url,
            "recipients": len(followers),
            "all_recipients": len(everyone),
        }
        yield rated(counts, "share", len(followers), len(everyone))


def link_urls(messages: Sequence[Message]) -> dict[str, str]:
    """
    URL as it came -> without fragment and tracking, and with "…" for what is one person's: an
    address, and values of a parameter of which there are many, and hardly more people than values.
    """
    followers: dict[str, set[int]] = defaultdict(set)
    for message in messages:
        for event in message.of("click"):
            followers[event["link_url"]].add(id(message))
    values: dict[tuple[str, str], set[str]] = defaultdict(set)
    people: dict[tuple[str, str], set[int]] = defaultdict(set)
    for url, own in followers.items():
        page, parts = parts_of(url)
        for part in filter(None, parts):
            values[page, name_of(part)].add(part)
            people[page, name_of(part)] |= own
    personal = {
        key
        for key, parts in values.items()
        if len(parts) >= MANY_VALUES and len(people[key]) <= 1.1 * len(parts)
    }
    found = {}
    for url in followers:
        page, parts = parts_of(url)
        shown = []
        for part in dict.fromkeys(parts):
            if part and not TRACKING.match(part):
                name = name_of(part)
                shown.append(f"{name}…" if (page, name) in personal else part)
        found[url] = f"{page}?{'&'.join(shown)}" if shown else page
    return found


def parts_of(url: str) -> tuple[str, list[str]]:
    """The page of a URL, and the parts of its query."""
    anonymous = ADDRESS_IN_URL.sub("…", url.partition("#")[0])
    page, _, query = anonymous.partition("?")
    return page, query.split("&")


def name_of(part: str) -> str:
    """A part's name with its sign; "" where it has none."""
    name, sign, _ = part.partition("=")
    return name + sign if sign else ""


def suspects(group: Group) -> Iterator[Counts]:
    clickers = [m for m in group.messages if id(m) in group.mailing.rules]
    hits = [group.mailing.rules[id(m)] for m in clickers]
    people = [m for m in clickers if not group.mailing.is_suspect(m)]
    counts = {rule: sum(rule in own for own in hits) for rule in RULES}
    counts["suspect"] = len(clickers) - len(people)
    counts["human"] = len(people)
    counts["human_clicked"] = sum(bool(m.content_clicks) for m in people)
    counts["human_unsubscribed"] = sum(not m.content_clicks for m in people)
    for rule, number in counts.items() if clickers else ():
        row: Counts = {"rule": rule, "clickers": number, "total": len(clickers)}
        yield rated(row, "share", number, len(clickers))


def rules_of(mailing: Mailing) -> dict[int, set[str]]:
    """id of each message with a dated click -> the numbers of the rules that hit it, "suspect"."""
    dated = [click for click in mailing.clicks(mailing.every) if click.ts]
    links_offered = len({click.link_url for click in dated})
    clickers = parted(dated, lambda click: id(click.message))
    hits = {key: own_rules(own, links_offered) for key, own in clickers.items()}
    domains = parted(list(clickers), lambda key: clickers[key][0].message.domain)
    for neighbours in domains.values():
        are_many = len(neighbours) >= FEWEST_CLICKERS
        strong = sum(bool(hits[key] & {"r1", "r2"}) for key in neighbours)
        all_early = all("r3" in hits[key] for key in neighbours)
        for key in neighbours:
            if are_many and strong * 2 >= len(neighbours) and is_within(clickers[key], 60):
                hits[key].add("r5")
            is_strong = hits[key] & {"r1", "r2"} or (are_many and all_early)
            if is_strong or len(hits[key] & {"r3", "r4", "r5"}) >= 2:
                hits[key].add("suspect")
    return hits


def own_rules(clicks: Sequence[Click], links_offered: int) -> set[str]:
    """The rules that hit a clicker whatever the others do."""
    hits = set()
    ordered = sorted(clicks, key=lambda click: (click.ts, click.raw_url))
    for before, click in pairwise(ordered):
        if before.raw_url != click.raw_url and milliseconds_between(before, click) <= 1000:
            hits.add("r1")
    most = most_links_within(ordered, timedelta(seconds=10))
    if most >= 3 and most >= 0.8 * links_offered:
        hits.add("r2")
    if is_within(clicks, 2):
        hits.add("r3")
    if not clicks[0].message.opens and is_within(clicks, 30):
        hits.add("r4")
    return hits


def most_links_within(clicks: Sequence[Click], span: timedelta) -> int:
    """The most links that were followed for the first time within a while."""
    firsts: dict[str, datetime] = {}
    for click in clicks:
        if click.ts:
            firsts.setdefault(click.raw_url, click.ts)
    moments = sorted(firsts.values())
    return max(n + 1 - bisect_left(moments, end - span) for n, end in enumerate(moments))


def is_within(clicks: Sequence[Click], seconds: int) -> bool:
    """Whether one came so soon after the delivery, or before it."""
    delivered_at = clicks[0].message.delivered_at
    if delivered_at is None:
        return False
    return any(seconds_between(delivered_at, c.ts) <= seconds for c in clicks if c.ts)


def milliseconds_between(before: Click, click: Click) -> int:
    assert before.ts
    assert click.ts
    return floor(click.ts.timestamp() * 1000) - floor(before.ts.timestamp() * 1000)


# --- rows ---

DEFINITIONS: Mapping[str, Callable[[Group], Iterator[Counts]]] = {
    "funnel": funnel,
    "jobs": jobs,
    "deferrals": deferrals,
    "bounces": bounces,
    "reasons": reasons,
    "unknown": unknown,
    "late_bounces": late_bounces,
    "worst_domains": worst_domains,
    "typo_domains": typo_domains,
    "repeat_bouncers": repeat_bouncers,
    "links": links,
    "first_links": first_links,
    "suspects": suspects,
    "timing": timing,
    "curve": curve,
    "windows": windows,
    "repeats": repeats,
    "send_times": send_times,
    "complaints": complaints,
}


def rows_of(
    name: str,
    every: Sequence[Message],
    by: Sequence[str] = (),
    where: Mapping[str, Sequence[str]] | None = None,
) -> list[Row]:
    """The rows of a question about all these messages, or those that *where* leaves."""
    rows = []
    for campaign, own in parted(every, lambda m: m.campaign).items():
        mailing = Mailing(own, where or {})
        groups = mailing.groups(by)
        for values, members in groups.items():
            keys = {"campaign": campaign, **dict(zip(by, values, strict=True))}
            group = Group(members, mailing, every, is_whole=not by)
            rows += [keys | counts for counts in DEFINITIONS[name](group)]
    return rows


Item = TypeVar("Item")
Key = TypeVar("Key")


def parted(items: Sequence[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """Items by what they have in common."""
    groups: dict[Key, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def earliest(moments: Any) -> datetime | None:
    """The first of some moments; missing ones don't count."""
    return min((moment for moment in moments if moment), default=None)


def latest(moments: Any) -> datetime | None:
    """The last of some moments; missing ones don't count."""
    return max((moment for moment in moments if moment), default=None)
