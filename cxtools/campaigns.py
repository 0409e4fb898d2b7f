"""Every campaign that the ledger or the store knows: sent from here, imported, or both."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cxtools.events.replacements import repeat_when_replaced
from cxtools.text import canonical_json
from cxtools.wording import MISSING, count

if TYPE_CHECKING:
    from cxtools.connection import Connection

#: What the last judgement shown is about.
ABOUT = "run"
#: Its counts -> the columns of the funnel that tell them; None where the feed doesn't measure them.
COUNTS = {
    "attempted": "attempted",
    "delivered": "delivered",
    "bounced": "bounced",
    "opened": "opened_measured",
    "clicked": "clicked_measured",
}


@dataclass(frozen=True)
class KnownCampaign:
    """
    One campaign.

    Attributes:
        name: its name
        source: "sent" where the ledger has planned it, else "imported"
        first_at, last_at: moments of the first and the last event (UTC); None without any
        planned_at: when it was planned (UTC); None for imported ones
        counts: attempted, delivered, bounced, opened, clicked; None where the feed doesn't tell
        word, judged_at: its last judgement, "" and None where nobody judged it yet
    """

    name: str
    source: str
    first_at: datetime | None
    last_at: datetime | None
    planned_at: datetime | None
    counts: Mapping[str, int | None]
    word: str = ""
    judged_at: datetime | None = None

    @property
    def began_at(self) -> datetime | None:
        """Its first event, or when it was planned."""
        return self.first_at or self.planned_at

    def __str__(self) -> str:
        window = f"{_day(self.first_at)} – {_day(self.last_at)}"
        delivered = f"{count(self.counts['delivered'])} of {count(self.counts['attempted'])}"
        clicked = f"clicked {count(self.counts['clicked'])}"
        judged = f"{self.word} since {_day(self.judged_at)}" if self.word else "not judged"
        facts = (self.source, window, f"delivered {delivered}", clicked, judged)
        return f"{self.name}: {'; '.join(facts)}"

    def record(self) -> dict[str, Any]:
        """The campaign as JSON knows it."""
        return {
            "campaign": self.name,
            "source": self.source,
            "first_at": _iso(self.first_at),
            "last_at": _iso(self.last_at),
            **self.counts,
            "word": self.word or None,
            "judged_at": _iso(self.judged_at),
        }


def known_campaigns(client: Connection) -> list[KnownCampaign]:
    """Every campaign, the one that began last first; a ledger that isn't there is not made."""
    planned = client.ledger.plans.moments() if client.has_ledger else {}
    rows = _counted(client)
    names = sorted({*planned, *rows})
    campaigns = [_campaign(client, name, rows.get(name, {}), planned) for name in names]
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(campaigns, key=lambda one: one.began_at or never, reverse=True)


@repeat_when_replaced
def _counted(client: Connection) -> dict[str, Mapping[str, Any]]:
    """The funnel of each campaign of the store."""
    if not client.store.campaigns():
        return {}
    with client.engine.session() as session:
        rows = session.count("funnel").to_pylist()
    return {row["campaign"]: row for row in rows}


def _campaign(
    client: Connection, name: str, row: Mapping[str, Any], planned: Mapping[str, float]
) -> KnownCampaign:
    streak = client.ledger.judgements.streak(name, ABOUT) if client.has_ledger else None
    return KnownCampaign(
        name=name,
        source="sent" if name in planned else "imported",
        first_at=row.get("first_at"),
        last_at=row.get("last_at"),
        planned_at=_moment(planned.get(name)),
        counts={count: row.get(column) for count, column in COUNTS.items()},
        word=streak.word if streak else "",
        judged_at=_moment(streak.since) if streak else None,
    )


def data_digest(client: Connection, name: str) -> str:
    """
    What a campaign's pages are made of, as a digest: the files of its events, and how many of its
    batches are in which state.
    """
    parts = [part.name for part in client.store.parts(name)] if name else []
    states: Counter[str] = Counter()
    if client.has_ledger:
        for batch in client.ledger.batches.rows(name):
            states[f"{batch.state} {batch.job_status}"] += batch.recipients
    content = canonical_json({"parts": parts, "states": states})
    return hashlib.sha256(content.encode()).hexdigest()[:24]


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _day(moment: datetime | None) -> str:
    return f"{moment.day} {moment:%b %Y}" if moment else MISSING


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
