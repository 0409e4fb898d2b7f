"""Retry waves: who of a campaign may be mailed again, and why not the others. One explicit call, one wave, never a loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cxtools.bounces import Verdict, classify
from cxtools.campaigns.desk import Desk
from cxtools.campaigns.ledger import ENDED
from cxtools.errors import ConfigError
from cxtools.measures import outcomes
from cxtools.model import Recipient, recipient_key

MAX_WAVES = 3
COOLDOWN_S = 24 * 3600.0


@dataclass(frozen=True)
class WavePlan:
    """The next wave: the people in it, and how many are not, by reason."""

    campaign: str
    wave: int
    people: Sequence[Recipient]
    left_out: Mapping[str, int]


def candidacy(row: Mapping[str, Any], classify: Callable[[str, str], Verdict] = classify) -> str:
    """
    "" if a recipient with this outcome may be mailed again, else the reason why not.

    >>> candidacy({"state": "delivered", "bounce_code": "", "bounce_text": ""})
    'delivered'
    >>> candidacy({"state": "bounced", "bounce_code": "4.2.2", "bounce_text": "mailbox full"})
    ''
    """
    if row["state"] != "bounced":
        return row["state"] or "no event yet"
    verdict = classify(row["bounce_code"], row["bounce_text"])
    return "" if verdict.kind == "soft" and verdict.retry in ("now", "later") else f"{verdict.kind}: {verdict.category}"


def next_wave(desk: Desk, name: str) -> WavePlan:
    """
    Plan the next wave in the head; nothing is written.

    Raises:
        ConfigError: batches are still under way, all waves were used, or the cooldown isn't over.
    """
    rows = desk.ledger.batches(name)
    desk.ledger.spec(name)
    wave = max((row.wave for row in rows), default=0) + 1
    open_states = {row.state for row in rows} & {"planned", "submitting", "submitted", "unknown", *ENDED}
    if open_states:
        raise ConfigError(f"campaign {name!r} isn't finished: batches are {', '.join(sorted(open_states))}", do="`cxtools resume` first")
    if wave > MAX_WAVES:
        raise ConfigError(f"campaign {name!r} has had its {MAX_WAVES} retry waves", do="look at the bounce report instead")
    ripe_at = max((row.submitted_at or 0 for row in rows), default=0) + COOLDOWN_S * 2 ** (wave - 1)
    if desk.now() < ripe_at:
        raise ConfigError(f"too early for wave {wave} of {name!r}",
                          do=f"wait {(ripe_at - desk.now()) / 3600:.1f} h more: soft bounces need time to pass")
    return _wave(desk, name, wave, [row for row in rows if row.job_id])


def _wave(desk: Desk, name: str, wave: int, rows: Sequence[Any]) -> WavePlan:
    last: dict[str, str] = {}  # by key, since events spell addresses in their own way
    for people in outcomes(desk.store, name, [row.job_id for row in rows]).values():
        for row in people:
            reason = candidacy(row, desk.store.judge.classify)
            # a delivery or a hard bounce in any wave outweighs a soft bounce in another
            key = recipient_key(row["email"])
            last[key] = last.get(key) or reason
    chosen: list[Recipient] = []
    left: dict[str, int] = {}
    seen: set[str] = set()
    excluded = desk.ledger.excluded(name)
    for who in (who for row in rows for who in desk.ledger.candidates(row.id)):
        if who.key in seen:
            continue
        seen.add(who.key)
        if reason := excluded.get(who.key) or last.get(who.key, "no event yet"):
            left[reason] = left.get(reason, 0) + 1
        else:
            chosen.append(who)
    return WavePlan(name, wave, chosen, left)


def plan_next_wave(desk: Desk, name: str) -> WavePlan:
    """Write the next wave into the ledger; `send.resume` mails it, after fresh suppression checks."""
    plan = next_wave(desk, name)
    if plan.people:
        size = desk.settings.batch_cap(desk.ledger.spec(name)["limits"]["daily"])
        desk.ledger.plan_wave(name, plan.wave, plan.people, batch_size=size)
    return plan
