"""What became of each message, as a person would tell from its events: slowly, one after the other."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache, cached_property
from typing import Any

from cxtools.bounce import BounceVerdict, Judge
from cxtools.bounce.judges import standard_judge
from cxtools.measures.sql import tsv_rows
from tests.oracle.identity import Owner, owners
from tests.oracle.segments import segment_values

#: An event as the store has it.
Row = dict[str, Any]
#: Campaign -> its events, each once.
Feeds = Mapping[str, Sequence[Row]]
AsOf = datetime | timedelta | None

NOT_CONTENT = re.compile(
    r"unsub|opt-?out|preference|abmeld|list-manage|manage[-_]?(subscription|email)"
)
#: In so small a mailing it may be that nobody clicked, although clicks are tracked.
SMALL = 100


@dataclass(frozen=True)
class Feed:
    """What the events of a campaign tell at all, whatever the moment they are cut at."""

    kinds: Counter[str]
    kinds_of_messages: Counter[str]

    @property
    def tells_deliveries(self) -> bool:
        return self.kinds_of_messages["delivery"] > 0

    @property
    def tells_sendings(self) -> bool:
        return self.kinds_of_messages["sent"] > 0

    @property
    def measures_opens(self) -> bool:
        """A click tells of an open, too."""
        return self.kinds["open"] > 0 or self.kinds["click"] > 0

    @property
    def measures_clicks(self) -> bool:
        is_small = 1 <= self.kinds["delivery"] <= SMALL
        return self.kinds["click"] > 0 or (self.kinds["open"] > 0 and is_small)


@dataclass(frozen=True)
class Message:
    """A message to one recipient, with those of its events that count."""

    campaign: str
    message_id: str
    who: str
    events: Sequence[Row]
    feed: Feed
    segments: Mapping[str, str] = field(default_factory=dict)
    sending_at: datetime | None = None

    # --- what its events say ---

    def of(self, kind: str) -> list[Row]:
        """Its events of a kind."""
        return [event for event in self.events if event["kind"] == kind]

    def moments(self, *kinds: str) -> list[datetime]:
        """The moments of its events of some kinds, as far as they have one."""
        return [e["ts"] for e in self.events if e["kind"] in kinds and e["ts"]]

    @cached_property
    def email(self) -> str:
        return max(str(event["email"]) for event in self.events)

    @cached_property
    def job_id(self) -> str:
        return max(str(event["job_id"]) for event in self.events)

    @cached_property
    def domain(self) -> str:
        return self.email.lower().partition("@")[2].partition("@")[0]

    @cached_property
    def provider(self) -> str:
        return provider_of(self.domain)

    @cached_property
    def domain_kind(self) -> str | None:
        return domain_kind_of(self.domain)

    @cached_property
    def first_at(self) -> datetime | None:
        """Its sending, delivery or bounce; where none has a moment, any event."""
        every = [event["ts"] for event in self.events if event["ts"]]
        return min(self.moments("sent", "delivery", "bounce") or every, default=None)

    @cached_property
    def last_at(self) -> datetime | None:
        return max((event["ts"] for event in self.events if event["ts"]), default=None)

    @cached_property
    def is_sent(self) -> bool:
        """A sending or a delivery is told of it."""
        return bool(self.of("sent") or self.of("delivery"))

    # --- how far it got ---

    @cached_property
    def bounce(self) -> tuple[Row, BounceVerdict] | None:
        """The bounce that is its last word; an automatic reply is none."""
        bounces = []
        for event in self.of("bounce"):
            verdict = judged(event["bounce_code"], event["bounce_text"], event["bounce_class"])
            if verdict.kind != "none":
                bounces.append((event, verdict))
        if not bounces:
            return None
        event, verdict = min(bounces, key=_latest_first)
        return (event, verdict) if self._stands(event, verdict) else None

    def _stands(self, bounce: Row, verdict: BounceVerdict) -> bool:
        """No delivery came after it. Where nobody knows, only a soft bounce gives way."""
        if not self.of("delivery"):
            return True
        last = max(self.moments("delivery"), default=None)
        if bounce["ts"] is None or last is None or bounce["ts"] == last:
            return verdict.kind != "soft"
        is_later: bool = bounce["ts"] > last
        return is_later

    @cached_property
    def bounced(self) -> bool:
        return self.bounce is not None

    @cached_property
    def said(self) -> Row:
        """The event of the bounce that stands."""
        assert self.bounce
        return self.bounce[0]

    @cached_property
    def verdict(self) -> BounceVerdict:
        """On the bounce that stands."""
        assert self.bounce
        return self.bounce[1]

    @cached_property
    def bounced_at(self) -> datetime | None:
        return self.bounce[0]["ts"] if self.bounce else None

    @cached_property
    def is_told(self) -> bool:
        """The feed tells what was taken."""
        return self.feed.tells_deliveries or self.feed.tells_sendings

    @cached_property
    def taken(self) -> bool:
        if self.feed.tells_deliveries:
            return bool(self.of("delivery"))
        return bool(self.of("sent")) and not self.of("suppressed")

    @cached_property
    def attempted(self) -> bool:
        return self.is_told and (self.taken or self.bounced)

    @cached_property
    def delivered(self) -> bool:
        return self.taken and not self.bounced

    @cached_property
    def reached(self) -> bool:
        """Delivered, or told of by an open or a click alone, in a feed without deliveries."""
        return not self.bounced and (self.taken or not self.is_told)

    @cached_property
    def late_bounced(self) -> bool:
        return self.bounced and bool(self.of("delivery"))

    @cached_property
    def delivered_at(self) -> datetime | None:
        """In a feed without deliveries its sending stands for it."""
        if not self.feed.tells_deliveries and self.of("sent"):
            return self.first_at
        return min(self.moments("delivery"), default=None)

    # --- what its recipient did ---

    @cached_property
    def opens(self) -> int:
        return len(self.of("open"))

    @cached_property
    def machine_opens(self) -> int:
        return sum(event["by_machine"] is True for event in self.of("open"))

    @cached_property
    def content_clicks(self) -> list[Row]:
        """Clicks on content; unsubscribing is none."""
        return [e for e in self.of("click") if is_content(e["link_url"])]

    @cached_property
    def opened(self) -> bool:
        return self.reached and bool(self.opens or self.content_clicks)

    @cached_property
    def clicked(self) -> bool:
        return self.reached and bool(self.content_clicks)

    def first(self, kind: str) -> datetime | None:
        """The first open, or the first click on content."""
        if kind == "open":
            return min(self.moments("open"), default=None)
        return min((e["ts"] for e in self.content_clicks if e["ts"]), default=None)

    def delay_s(self, kind: str) -> int | None:
        """Whole seconds from delivery to the first open or click; none where either isn't known."""
        then = self.first(kind)
        if then is None or self.delivered_at is None:
            return None
        return seconds_between(self.delivered_at, then)

    # --- what it is split by ---

    def value(self, name: str) -> Any:
        """Of a dimension or a segment."""
        if name in DATED:
            return DATED[name](self.sending_at) if self.sending_at else None
        if name in PLAIN:
            return PLAIN[name](self)
        return self.segments.get(name)


DATED: Mapping[str, Callable[[datetime], Any]] = {
    "day": lambda at: f"{at:%Y-%m-%d}",
    "week": lambda at: f"{at - timedelta(days=at.weekday()):%Y-%m-%d}",
    "hour": lambda at: at.hour,
    "weekday": lambda at: at.isoweekday(),
}
PLAIN: Mapping[str, Callable[[Message], Any]] = {
    "provider": lambda message: message.provider,
    "domain": lambda message: message.domain,
    "domain_kind": lambda message: message.domain_kind,
    "job": lambda message: message.job_id,
    "cause": lambda message: message.verdict.category if message.bounced else None,
}


def messages_of(feeds: Feeds, kept: Sequence[str] = (), as_of: AsOf = None) -> list[Message]:
    """All messages of some campaigns; *kept* are the columns that were kept with their events."""
    starts = {campaign: start_of(events) for campaign, events in feeds.items()}
    segments = _segments(feeds, starts, kept)
    found: list[Message] = []
    for campaign, events in feeds.items():
        feed = _told_by(events)
        counted: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for event in _owned(events):
            if counts(event, starts[campaign], as_of):
                counted[event["message_id"], event["who"]].append(event)
        found += with_sending_moments(
            Message(campaign, *key, own, feed, segments.get((campaign, *key), {}))
            for key, own in counted.items()
        )
    return found


def _owned(events: Sequence[Row]) -> Iterator[Row]:
    """The events that belong to a message, each with that message's id, recipient and address."""
    by_id: Mapping[str, Owner | None] = owners(events)
    for event in events:
        owner = by_id[event["event_id"]]
        if owner:
            yield {**event, **owner._asdict()}


def start_of(events: Iterable[Row]) -> datetime | None:
    """A campaign starts with its first sending, delivery or bounce; without any, first event."""
    dated = [event for event in events if event["ts"]]
    outward = [e["ts"] for e in dated if e["kind"] in ("sent", "delivery", "bounce")]
    return min(outward or [event["ts"] for event in dated], default=None)


def counts(event: Row, start: datetime | None, as_of: AsOf) -> bool:
    """Whether an event had happened by then; what has no moment happened when it was received."""
    if as_of is None:
        return True
    moment: datetime = event["ts"] or event["received_at"]
    if isinstance(as_of, timedelta):
        return start is None or moment - start <= as_of
    return moment <= as_of


def with_sending_moments(messages: Iterable[Message]) -> list[Message]:
    """
    The messages of one campaign, each with the moment of its sending: its own, or that of the last
    one of its job before, or its first event.
    """
    every = list(messages)
    dated = []
    for message in every:
        sending_at = message.first_at
        if not message.is_sent and sending_at:
            before = [
                other.first_at
                for other in every
                if other.job_id == message.job_id
                and other.is_sent
                and other.first_at
                and other.first_at <= sending_at
            ]
            sending_at = max(before, default=sending_at)
        dated.append(replace(message, sending_at=sending_at))
    return dated


def _told_by(events: Sequence[Row]) -> Feed:
    return Feed(
        Counter(event["kind"] for event in events),
        Counter(event["kind"] for event in _owned(events)),
    )


def _segments(
    feeds: Feeds, starts: Mapping[str, datetime | None], kept: Sequence[str]
) -> dict[tuple[str, str, str], dict[str, str]]:
    """Message -> its value of each segment."""
    rows = []
    for campaign, events in feeds.items():
        for event in _owned(events):
            is_click = event["kind"] == "click"
            of_content = is_click and is_content(event["link_url"])
            rows.append({**event, "campaign": campaign, "is_content": of_content})
    found: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    for told in segment_values(rows, starts, kept):
        message = (told["campaign"], told["message_id"], told["who"])
        found[message][told["name"]] = told["value"]
    return found


def _latest_first(told: tuple[Row, BounceVerdict]) -> tuple[Any, ...]:
    event, _ = told
    ts = event["ts"]
    words = (event["bounce_code"], event["bounce_text"], event["bounce_class"])
    return (ts is None, -(ts or datetime.now(UTC)).timestamp(), *words)


def is_content(url: str) -> bool:
    """Whether a link leads to something else than a way to get less mail."""
    return not NOT_CONTENT.search(url.lower())


def seconds_between(start: datetime, end: datetime) -> int:
    """The full seconds of the clock from one moment to another."""
    return int((end.replace(microsecond=0) - start.replace(microsecond=0)).total_seconds())


@cache
def provider_of(domain: str) -> str:
    """The first provider whose pattern a domain looks like."""
    for pattern, provider in tsv_rows("providers"):
        if domain and fnmatchcase(domain, pattern):
            return provider
    return "other"


@cache
def domain_kind_of(domain: str) -> str | None:
    """Education and government by their endings; else a mailbox's provider, or a company."""
    if not domain:
        return None
    for ending, kind, _ in tsv_rows("domain_kinds"):
        if fnmatchcase(domain, f"*.{ending.replace('*', '[a-z][a-z]')}"):
            return kind
    is_mailbox = any(fnmatchcase(domain, pattern) for pattern, _ in tsv_rows("providers"))
    return "consumer" if is_mailbox else "company"


@cache
def _judge() -> Judge:
    return standard_judge()


@cache
def judged(code: str, text: str, bounce_class: str) -> BounceVerdict:
    """The verdict on what a server said."""
    return _judge().classify(code, text, bounce_class)
