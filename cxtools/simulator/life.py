"""
What becomes of a message: its way to the mailbox or back, and what machines and people do with it.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from cxtools.simulator.dice import dice, draw_below, draw_key, draw_one, draw_seconds
from cxtools.simulator.nature import (
    AGENTS,
    CURVES,
    FATES,
    GONE,
    LINKS,
    NETWORKS,
    PASSING,
    READERS,
    REFUSALS,
    Reader,
    Refusal,
)
from cxtools.simulator.people import Person, person

#: Nothing happens to a message later than this.
HORIZON_S = 7 * 86400.0
DAY_S = 86400
#: The night ends at six (UTC); what falls into it is mostly done in the hours after.
NIGHT_ENDS_S = 6 * 3600
MORNING_S = 9000
SLEEPERS = 0.85
SENDING_IP = "203.0.113.25"


class Letter(NamedTuple):
    """
    What is mailed: `merge` is the merge fields in one fixed spelling, `nth` how often the person
    got this letter before.
    """

    subject: str
    template_id: str
    merge: str = ""
    nth: int = 0


class Drift(NamedTuple):
    """How one campaign differs from the ordinary: factors and shares."""

    engagement: float = 1.0
    stale_share: float = 0.0  # more unknown users: a bad list
    block_share: float = 0.0  # messages refused by the providers of `blocked_at`
    blocked_at: tuple[str, ...] = ()


class Happening(NamedTuple):
    """One thing that happens to a message, `after_s` seconds after it was sent."""

    after_s: float
    kind: str
    code: str = ""
    text: str = ""
    link: str = ""
    agent: str = ""
    ip: str = ""


class Device(NamedTuple):
    """What opens a message: its user agent and its address."""

    agent: str
    ip: str


ORDINARY = Drift()


def life(
    seed: int,
    address: str,
    letter: Letter,
    *,
    second_of_day: float = 0,
    drift: Drift = ORDINARY,
) -> list[Happening]:
    """
    All that happens to one message, in order of time; `second_of_day` (UTC) is when it was sent.
    """
    someone = person(seed, address)
    rng = dice(seed, address.lower(), *letter)
    fate = someone.fate or _draw_fate(someone, drift, rng)
    if "+delivered" in address.lower():
        fate = ""
    story = _journey(someone, fate, rng)
    arrivals = [step.after_s for step in story if step.kind == "delivery"]
    if arrivals:
        reader = READERS[someone.reader]
        appeal = drift.engagement * _appeal(seed, letter)
        story += _machine(reader.machine, arrivals[0], rng)
        for step in _reading(reader, arrivals[0], appeal, rng):
            after_s = _awake(step.after_s, second_of_day, rng)
            story.append(step._replace(after_s=after_s))
    return sorted(step for step in story if step.after_s < HORIZON_S)


def _draw_fate(someone: Person, drift: Drift, rng: Random) -> str:
    luck = rng.random()
    passing = draw_key(PASSING, rng, total=1)
    if someone.provider in drift.blocked_at and luck < drift.block_share:
        return "blocklisted"
    if luck > 1 - drift.stale_share:
        return "unknown"
    return "" if "+" in someone.address else passing


def _appeal(seed: int, letter: Letter) -> float:
    """How well this letter is liked: a factor around 1, the same for everybody."""
    rng = dice(seed, letter.subject, letter.template_id)
    return 0.8 + 0.4 * rng.random()


def _journey(someone: Person, name: str, rng: Random) -> list[Happening]:
    """From the sending server to the mailbox, or back."""
    took = draw_seconds(CURVES["prompt"], rng)
    domain = someone.address.rpartition("@")[2].lower()
    if domain == GONE:
        refusal = REFUSALS[GONE, "gone"][0]
        return [_bounce(took, refusal, someone, rng)]
    if not name:
        return [Happening(took, "delivery")]
    fate = FATES[name]
    refused = took
    if fate.curve != "prompt":
        refused += draw_seconds(CURVES[fate.curve], rng)
    own = REFUSALS.get((someone.provider, name))
    refusal = draw_one(own or REFUSALS["*", name], rng)
    bounce = _bounce(refused, refusal, someone, rng)
    if fate.after_delivery:
        return [Happening(took, "delivery"), bounce]
    if rng.random() < fate.recovers:
        retried = refused + draw_seconds(CURVES["retried"], rng)
        return [bounce, Happening(retried, "delivery")]
    return [bounce]


def _bounce(after_s: float, refusal: Refusal, someone: Person, rng: Random) -> Happening:
    ticket = draw_below(16**10, rng)
    text = refusal.text.format(
        a=someone.address,
        d=someone.address.rpartition("@")[2],
        ip=SENDING_IP,
        t=f"{ticket:010x}",
    )
    return Happening(after_s, "bounce", refusal.code, text)


def _machine(name: str, arrived: float, rng: Random) -> list[Happening]:
    """
    What a machine does before any person: a proxy opens, a scanner follows every link within a
    second.
    """
    if not name:
        return []
    device = _draw_device(name, 8, rng)
    if name == "proxy":
        after_s = arrived + draw_seconds(CURVES["at_once"], rng)
        return [_open(after_s, device)]
    story: list[Happening] = []
    for link in LINKS:
        after_s = arrived + 0.1 + 0.8 * rng.random()
        story.append(_click(after_s, link, device))
    return story


def _reading(reader: Reader, arrived: float, appeal: float, rng: Random) -> list[Happening]:
    """
    What the person does: opens, some of them again and again, and clicks; without images no open is
    recorded.
    """
    if rng.random() >= reader.open_rate * appeal:
        return []
    device = _draw_device("reader", 254, rng)
    seen = arrived + draw_seconds(CURVES[reader.curve], rng)
    story: list[Happening] = []
    if reader.images and not reader.machine:
        story.append(_open(seen, device))
    for _ in range(draw_below(reader.repeats + 1, rng)):
        after_s = seen + draw_seconds(CURVES["human"], rng)
        story.append(_open(after_s, device))
    if rng.random() < reader.click_rate * appeal:
        for _ in range(1 + draw_below(1.6, rng)):
            after_s = seen + draw_seconds(CURVES["reading"], rng)
            story.append(_click(after_s, draw_key(LINKS, rng), device))
    return story


def _draw_device(kind: str, hosts: int, rng: Random) -> Device:
    agent = draw_one(AGENTS[kind], rng)
    host = 1 + draw_below(hosts, rng)
    return Device(agent, ip=f"{NETWORKS[kind]}.{host}")


def _open(after_s: float, device: Device) -> Happening:
    return Happening(after_s, "open", agent=device.agent, ip=device.ip)


def _click(after_s: float, link: str, device: Device) -> Happening:
    return Happening(
        after_s,
        "click",
        link=link,
        agent=device.agent,
        ip=device.ip,
    )


def _awake(after_s: float, second_of_day: float, rng: Random) -> float:
    """Most people sleep: what would fall into the night waits for the morning."""
    clock = (second_of_day + after_s) % DAY_S
    if clock < NIGHT_ENDS_S and rng.random() < SLEEPERS:
        return after_s + NIGHT_ENDS_S - clock + MORNING_S * rng.random()
    return after_s
