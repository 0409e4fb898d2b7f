"""
Events that are odd in every way that a feed has been, or could be: a store in which answers that
only look right come out wrong.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from cxtools.events.store import EventStore
from cxtools.model import Event
from tests.tables import RECEIVED, events

#: Each block is one oddity; its people appear in no other.
ODD = """
    to            | id  | msg | job | email            | kind        | word     | machine | at       | code  | text                            | url

    plain         |     |     | j1  | p1@gmail.com     | sent        |          |         | +0       |       |                                 |
    plain         |     |     | j1  | p1@gmail.com     | delivery    |          |         | +3       |       |                                 |
    plain         |     |     | j1  | p1@gmail.com     | open        |          | no      | +600     |       |                                 |
    plain         |     |     | j1  | p1@gmail.com     | click       |          |         | +700.4   |       |                                 | https://shop.example/new?utm_source=mail

    undated       |     |     | j1  | u1@corp.example  | delivery    |          |         |          |       |                                 |
    undated       |     |     | j1  | u1@corp.example  | open        |          |         |          |       |                                 |
    undated       |     |     | j1  | u1@corp.example  | click       |          |         |          |       |                                 | https://shop.example/new
    undated2      |     |     | j2  | u2@corp.example  | delivery    |          |         | +5       |       |                                 |
    undated2      |     |     | j2  | u2@corp.example  | open        |          |         |          |       |                                 |
    undated2      |     |     | j2  | u2@corp.example  | click       |          |         |          |       |                                 | https://shop.example/sale
    undated2      |     |     | j2  | u2@corp.example  | click       |          |         | +20      |       |                                 | https://shop.example/sale
    undated3      |     |     | j2  | u3@corp.example  | bounce      |          |         |          | 5.1.1 | no such user <u3@corp.example>  |

    repeated      | r1  |     | j1  | r1@gmail.com     | delivery    |          |         | +10      |       |                                 |
    repeated      | r1  |     | j1  | r1@gmail.com     | delivery    |          |         | +10      |       |                                 |
    repeated      | r2  |     | j1  | r1@gmail.com     | delivery    |          |         | +10      |       |                                 |
    repeated      | r3  |     | j1  | r1@gmail.com     | open        |          |         | +60      |       |                                 |
    repeated      | r3  |     | j1  | r1@gmail.com     | click       |          |         | +50      |       |                                 | https://shop.example/tie
    repeated      | r4  |     | j1  | r1@gmail.com     | click       |          |         | +70      |       |                                 | https://shop.example/new
    repeated      | r4  |     | j1  | r1@gmail.com     | click       |          |         |          |       |                                 | https://shop.example/new
    tied          | t1  |     | j1  | t1@gmail.com     | bounce      |          |         | +10      | 5.1.1 | no such user                    |
    tied          | t1  |     | j1  | t1@gmail.com     | delivery    |          |         | +10      |       |                                 |

    two-deliver   |     |     | j2  | d1@yahoo.com     | delivery    |          |         | +10      |       |                                 |
    two-deliver   |     |     | j2  | d1@yahoo.com     | delivery    |          |         | +4000    |       |                                 |
    two-deliver   |     |     | j2  | d1@yahoo.com     | bounce      |          |         | +2000    | 5.1.1 | no such user                    |
    two-deliver2  |     |     | j2  | d2@yahoo.com     | delivery    |          |         | +10      |       |                                 |
    two-deliver2  |     |     | j2  | d2@yahoo.com     | delivery    |          |         |          |       |                                 |
    two-deliver2  |     |     | j2  | d2@yahoo.com     | open        |          |         | +9000    |       |                                 |

    hard-then-out |     |     | j2  | b1@outlook.com   | bounce      |          |         | +10      | 5.1.1 | no such user id 8f3a9c2b7d11    |
    hard-then-out |     |     | j2  | b1@outlook.com   | bounce      |          |         | +900     |       | Out of office until Monday      |
    out-then-soft |     |     | j2  | b2@outlook.com   | bounce      |          |         | +10      |       | Out of office until Monday      |
    out-then-soft |     |     | j2  | b2@outlook.com   | bounce      |          |         | +900     | 4.2.2 | mailbox full                    |
    only-out      |     |     | j2  | b3@outlook.com   | bounce      |          |         | +10      |       | Out of office until Monday      |
    soft-then-ok  |     |     | j2  | b4@outlook.com   | bounce      |          |         | +10      | 4.2.2 | mailbox full                    |
    soft-then-ok  |     |     | j2  | b4@outlook.com   | delivery    |          |         | +900     |       |                                 |
    soft-then-ok  |     |     | j2  | b4@outlook.com   | click       |          |         | +950     |       |                                 | https://shop.example/sale
    ok-then-soft  |     |     | j2  | b5@outlook.com   | delivery    |          |         | +10      |       |                                 |
    ok-then-soft  |     |     | j2  | b5@outlook.com   | open        |          |         | +20      |       |                                 |
    ok-then-soft  |     |     | j2  | b5@outlook.com   | click       |          |         | +21      |       |                                 | https://shop.example/sale
    ok-then-soft  |     |     | j2  | b5@outlook.com   | bounce      |          |         | +900     | 4.2.2 | mailbox full                    |
    same-moment   |     |     | j2  | b6@outlook.com   | delivery    |          |         | +10      |       |                                 |
    same-moment   |     |     | j2  | b6@outlook.com   | bounce      |          |         | +10      | 4.2.2 | mailbox full                    |
    same-moment2  |     |     | j2  | b7@outlook.com   | delivery    |          |         | +10      |       |                                 |
    same-moment2  |     |     | j2  | b7@outlook.com   | bounce      |          |         | +10      | 5.1.1 | no such user                    |
    two-at-once   |     |     | j2  | b8@outlook.com   | bounce      |          |         | +10      | 5.1.1 | no such user                    |
    two-at-once   |     |     | j2  | b8@outlook.com   | bounce      |          |         | +10      | 4.2.2 | mailbox full                    |
    two-texts     |     |     | j2  | b9@outlook.com   | bounce      |          |         | +10      | 5.1.1 | no such user b                  |
    two-texts     |     |     | j2  | b9@outlook.com   | bounce      |          |         | +10      | 5.1.1 | no such user a                  |
    undated-ok    |     |     | j2  | c1@outlook.com   | bounce      |          |         | +10      | 5.1.1 | no such user                    |
    undated-ok    |     |     | j2  | c1@outlook.com   | delivery    |          |         |          |       |                                 |
    undated-ok2   |     |     | j2  | c2@outlook.com   | bounce      |          |         | +10      | 4.2.2 | mailbox full                    |
    undated-ok2   |     |     | j2  | c2@outlook.com   | delivery    |          |         |          |       |                                 |
    undated-no    |     |     | j2  | c3@outlook.com   | delivery    |          |         | +10      |       |                                 |
    undated-no    |     |     | j2  | c3@outlook.com   | bounce      |          |         |          | 5.1.1 | no such user                    |
    undated-no    |     |     | j2  | c3@outlook.com   | bounce      |          |         | +5       | 4.2.2 | mailbox full                    |
    riddle        |     |     | j2  | c4@outlook.com   | bounce      |          |         | +10      |       | xyzzy plugh                     |
    riddle2       |     |     | j2  | c5@outlook.com   | bounce      |          |         | +10      |       | xyzzy plugh                     |
    riddle3       |     |     | j2  | c6@corp.example  | bounce      |          |         | +10      | 550   |                                 |
    riddle4       |     |     | j2  | c7@corp.example  | bounce      |          |         | +10      | 5.0.0 | mail <c7@corp.example> 4711 no  |
    late-bounce   |     |     | j1  | c8@corp.example  | delivery    |          |         | +10      |       |                                 |
    late-bounce   |     |     | j1  | c8@corp.example  | open        |          |         | +90      |       |                                 |
    late-bounce   |     |     | j1  | c8@corp.example  | bounce      |          |         | 20 10:00 | 5.1.1 | no such user                    |

    early-open    |     |     | j1  | e1@gmail.com     | open        |          |         | +1       |       |                                 |
    early-open    |     |     | j1  | e1@gmail.com     | click       |          |         | +2       |       |                                 | https://shop.example/new
    early-open    |     |     | j1  | e1@gmail.com     | delivery    |          |         | +30.5    |       |                                 |
    machine       |     |     | j1  | e2@gmail.com     | delivery    |          |         | +10      |       |                                 |
    machine       |     |     | j1  | e2@gmail.com     | open        |          | yes     | +11      |       |                                 |
    machine       |     |     | j1  | e2@gmail.com     | open        |          | yes     | +15      |       |                                 |
    both          |     |     | j1  | e3@gmail.com     | delivery    |          |         | +10      |       |                                 |
    both          |     |     | j1  | e3@gmail.com     | open        |          | yes     | +11      |       |                                 |
    both          |     |     | j1  | e3@gmail.com     | open        |          |         | +9000    |       |                                 |
    machine-click |     |     | j1  | e4@gmail.com     | delivery    |          |         | +10      |       |                                 |
    machine-click |     |     | j1  | e4@gmail.com     | open        |          | yes     | +11      |       |                                 |
    machine-click |     |     | j1  | e4@gmail.com     | click       |          | yes     | +12      |       |                                 | https://shop.example/new

    no-job        |     |     |     | n1@yahoo.com     | delivery    |          |         | +10      |       |                                 |
    no-job        |     |     |     | n1@yahoo.com     | open        |          |         | +70      |       |                                 |
    two-jobs      |     |     | j1  | n2@yahoo.com     | sent        |          |         | +10      |       |                                 |
    two-jobs      |     |     | j2  | n2@yahoo.com     | delivery    |          |         | +40      |       |                                 |
    two-jobs      |     |     |     | n2@yahoo.com     | open        |          |         | +70      |       |                                 |
    two-addresses |     |     | j1  | a@gmail.com      | delivery    |          |         | +10      |       |                                 |
    two-addresses |     |     | j1  | z@corp.example   | open        |          |         | +70      |       |                                 |
    no-address    |     |     | j1  | none             | delivery    |          |         | +10      |       |                                 |
    o@gmx.de      |     | m77 | j1  |                  | delivery    |          |         | +10      |       |                                 |
    o@gmx.de      |     | m77 | j1  |                  | open        |          |         | +70      |       |                                 |
    q@gmx.de      |     | m77 | j1  |                  | delivery    |          |         | +10      |       |                                 |
    q@gmx.de      |     | -   | j1  |                  | click       |          |         | +10      |       |                                 | https://shop.example/new
    q@gmx.de      |     | -   | j1  |                  | delivery    |          |         | +5       |       |                                 |
    no-message    |     | -   | j1  | n3@gmx.de        | delivery    |          |         | +5       |       |                                 |

    suppressed    |     |     | j1  | s1@gmail.com     | suppressed  | Reject   |         | +1       |       |                                 |
    suppressed2   |     |     | j1  | s2@gmail.com     | suppressed  | Reject   |         | +1       |       |                                 |
    suppressed3   |     |     | j1  | s3@gmail.com     | suppressed  | Dropped  |         |          |       |                                 |
    suppressed4   |     |     | j1  | s4@gmail.com     | suppressed  | Dropped  |         | +1       |       |                                 |
    suppressed4   |     |     | j1  | s4@gmail.com     | suppressed  | Fault    |         | +2       |       |                                 |
    suppressed5   |     |     | j1  | s5@gmail.com     | suppressed  | Dropped  |         | +1       |       |                                 |
    suppressed5   |     |     | j1  | s5@gmail.com     | delivery    |          |         | +2       |       |                                 |
    deferred      |     |     | j1  | s6@gmail.com     | deferral    |          |         | +1       | 4.7.1 | try later                       |
    deferred      |     |     | j1  | s6@gmail.com     | delivery    |          |         | +500     |       |                                 |
    complained    |     |     | j1  | s7@gmail.com     | delivery    |          |         | +1       |       |                                 |
    complained    |     |     | j1  | s7@gmail.com     | complaint   |          |         | +800     |       |                                 |
    left          |     |     | j1  | s8@gmail.com     | delivery    |          |         | +1       |       |                                 |
    left          |     |     | j1  | s8@gmail.com     | click       |          |         | +60      |       |                                 | https://shop.example/unsubscribe?u=8
    left          |     |     | j1  | s8@gmail.com     | unsubscribe |          |         | +61      |       |                                 |
    riddle-kind   |     |     | j1  | s9@gmail.com     | unknown     | Hologram |         | +61      |       |                                 |
    only-sent     |     |     | j1  | s10@gmail.com    | sent        |          |         | +4       |       |                                 |
    typo          |     |     | j1  | t3@gmial.com     | delivery    |          |         | +4       |       |                                 |
    typo2         |     |     | j1  | t4@gmial.com     | bounce      |          |         | +4       | 5.1.1 | no such user                    |
    typo3         |     |     | j1  | t5@corp.con      | bounce      |          |         | +4       | 5.1.2 | no such domain                  |
    orphan        |     |     | j1  | s11@gmail.com    | open        |          |         | +4       |       |                                 |
    orphan2       |     |     | j1  | s12@gmail.com    | click       |          |         | +4       |       |                                 | https://shop.example/new
"""


def odd_events() -> list[Event]:
    """ODD, and clickers with links of their own."""
    written = [_without_address(event) for event in events(ODD)]
    return [*written, *personal_links()]


def _without_address(event: Event) -> Event:
    return replace(event, email="") if event.email == "none" else event


def scanners() -> list[Event]:
    """Five people of one domain, some of whom follow every link at once."""
    lines = ["to | email | job | kind | at | url"]
    for number in range(5):
        person = f"scan{number} | scan{number}@wall.example | j3"
        lines.append(f"{person} | delivery | +{number} |")
        for link in range(4):
            pause = 0.3 if number < 3 else 40
            moment = 8 + number + link * pause
            lines.append(f"{person} | click | +{moment} | https://shop.example/{link}?id={link}")
    return events("\n".join(lines))


def personal_links() -> list[Event]:
    """Ten people, each with a link of his own to one page, and a shared parameter."""
    lines = ["to | email | job | kind | at | url"]
    for number in range(10):
        person = f"own{number} | own{number}@list.example | j3"
        page = "ab"[number % 2]
        own = f"https://shop.example/p?u={number}&page={page}&utm_medium=mail&page={page}#top"
        lines.append(f"{person} | delivery | +{number} |")
        lines.append(f"{person} | click | +{1000 + 7 * number} | {own}")
        lines.append(f"{person} | click | +{2000 + number} | https://shop.example/q?{number:032x}")
        lines.append(f"{person} | click | +{number + 1} | https://shop.example/?")
    return events("\n".join(lines))


KINDS = {
    "sent": 4,
    "delivery": 12,
    "bounce": 4,
    "open": 8,
    "click": 6,
    "deferral": 1,
    "complaint": 1,
    "unsubscribe": 1,
    "suppressed": 1,
    "none": 1,
    "unknown": 1,
}
REFUSALS = [
    ("5.1.1", "no such user"),
    ("5.1.1", "user <someone@corp.example> unknown, ticket 77281930"),
    ("5.1.1", "user <other@corp.example> unknown, ticket 11281931"),
    ("4.2.2", "mailbox full"),
    ("550 5.7.1", "blocked by Spamhaus"),
    ("", "Out of office until Monday"),
    ("", ""),
    ("garbage", "garbage"),
    ("452", ""),
]
CLASSES = ["", "", "hard bounce", "ses: Transient MailboxFull", "of someone@corp.example"]
LINKS = [
    "https://shop.example/new",
    "https://shop.example/new?utm_source=a&id=7#x",
    "https://shop.example/new?id=7",
    "https://shop.example/sale?gclid=1",
    "https://shop.example/sale?for=someone@corp.example",
    "https://shop.example/sale?for=other%40corp.example",
    "https://shop.example/preferences",
    "",
]
DOMAINS = ["gmail.com", "outlook.com", "corp.example"]
START = datetime(2026, 9, 14, 22, tzinfo=UTC)
SPREAD_S = 40 * 3600


def random_events(random: Random, count: int) -> Iterator[Event]:
    """Events without any rule: half as many people as events, three jobs, two days."""
    for number in range(count):
        [kind] = random.choices(list(KINDS), list(KINDS.values()))
        code, text = random.choice(REFUSALS) if kind == "bounce" else ("", "")
        person = random.randrange(count // 2 + 1)
        is_known = random.random() < 0.9
        has_moment = random.random() < 0.95
        moment = START + timedelta(milliseconds=random.randrange(SPREAD_S) * 500)
        yield Event(
            f"e{number}" if random.random() < 0.97 else f"e{random.randrange(count)}",
            kind,
            random.choice([kind, kind.upper()]),
            job_id=random.choice(["a", "b", "b", ""]) if person % 9 == 0 else f"j{person % 3}",
            message_id="" if person % 17 == 0 else f"m{person // 2}",
            recipient_id=f"r{person}" if is_known else "",
            email=f"p{person}@{DOMAINS[person % 3]}" if random.random() < 0.97 else "",
            ts=moment if has_moment else None,
            bounce_code=code,
            bounce_text=text,
            bounce_class=random.choice(CLASSES) if kind == "bounce" else "",
            link_url=random.choice(LINKS) if kind == "click" else "",
            by_machine=random.choice([None, None, True, False]) if kind == "open" else None,
        )


#: Seconds after a delivery that are just on a limit of some rule, or just beyond it.
LIMITS_S = (0, 1, 1.5, 2, 3, 10, 11, 30, 31, 60, 61, 3600, 3601, 7200, 86400, 259200, 604800)
#: What may follow a delivery, and how often.
FOLLOWING = {"open": 4, "click": 6, "bounce": 1, "delivery": 1, "complaint": 1, "deferral": 1}


def events_at_limits(random: Random, people: int) -> Iterator[Event]:
    """A delivery to each of some people, and what they do, often just at the limit of a rule."""
    for number in range(people):
        delivered = Event(
            f"d{number}",
            "delivery",
            "delivery",
            job_id=f"j{number % 3}",
            message_id=f"m{number}",
            recipient_id=f"r{number}",
            email=f"p{number}@{DOMAINS[number // 3 % 3]}",
            ts=START + timedelta(seconds=number % 4),
        )
        yield delivered
        for place in range(random.randrange(5)):
            [kind] = random.choices(list(FOLLOWING), list(FOLLOWING.values()))
            code, text = random.choice(REFUSALS) if kind == "bounce" else ("", "")
            moment = START + timedelta(seconds=number % 4 + random.choice(LIMITS_S))
            yield replace(
                delivered,
                event_id=f"e{number}-{place}",
                kind=kind,
                raw_kind=kind,
                ts=moment,
                bounce_code=code,
                bounce_text=text,
                link_url=random.choice(LINKS[:2]) if kind == "click" else "",
            )


#: The campaigns of the store, and the jobs of their messages.
CAMPAIGNS = ["spring", "summer", "autumn", "winter"]
JOBS = ["j0", "j1", "j2", "j3", "a", "b", ""]


def odd_store(root: Path) -> EventStore:
    """
    Campaigns that share the ids of messages, some a while after the others.

    Some events came twice, to two writers at once: the same, and under one id something else.
    """
    store = EventStore(root / "events")
    odd = odd_events()
    some = list(random_events(Random(1), 400))
    some = with_arms(some)
    odd = with_arms(odd)
    store.add("spring", _later(some, timedelta()), source="b", received_at=RECEIVED)
    _add_beside(store, "spring", _changed(some[:60]), "a", root)
    store.add("summer", odd, source="b", received_at=RECEIVED)
    _add_beside(store, "summer", _changed(odd[::3]), "b", root)
    _add_beside(store, "summer", odd[::5], "a", root)
    others = _later(with_arms(random_events(Random(2), 300)), timedelta(days=9))
    store.add("autumn", others, source="b", received_at=RECEIVED)
    moved = _later(scanners(), timedelta(days=30))
    store.add("winter", moved, source="b", received_at=RECEIVED)
    store.keep_columns(["spring", "summer", "autumn"], ["arm"])
    return store


def with_arms(happened: Iterable[Event]) -> list[Event]:
    """The same, each with a raw row that has a column more, and sometimes nothing in it."""
    arms = ["A", "B", "", "A"]
    return [
        replace(event, raw=json.dumps({"arm": arms[sum(event.event_id.encode()) % 4]}))
        for event in happened
    ]


def _later(happened: Iterator[Event] | list[Event], by: timedelta) -> list[Event]:
    return [replace(event, ts=event.ts + by if event.ts else None) for event in happened]


def _changed(happened: list[Event]) -> list[Event]:
    """Other events under the same ids: a third has another moment, a third another kind."""
    changed = []
    for number, event in enumerate(happened):
        moment = event.ts - timedelta(seconds=1) if event.ts else None
        moved = replace(event, ts=moment)
        renamed = replace(event, kind="open", raw_kind="open", by_machine=True)
        changed.append([moved, renamed, event][number % 3])
    return changed


def _add_beside(
    store: EventStore,
    campaign: str,
    happened: list[Event],
    source: str,
    root: Path,
) -> None:
    """Add events as a second writer, who doesn't see the parts of the first."""
    number = len(list(store.root.rglob("part-*")))
    other = EventStore(root / f"other-{number}")
    other.add(campaign, happened, source=source, received_at=RECEIVED)
    for part in other.root.rglob("part-*"):
        target = store.root / part.parent.name / part.name
        shutil.copy(part, target)
