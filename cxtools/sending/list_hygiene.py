"""
A list held against what is known beside it: disposable domains, DNS, suppressions of the ledger,
earlier campaigns of the store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cxtools.events.replacements import repeat_when_replaced
from cxtools.identity import recipient_key
from cxtools.mail_servers import look_up
from cxtools.measures.engine import Engine
from cxtools.measures.sql import statement
from cxtools.sending.hygiene import (
    KINDS,
    History,
    Known,
    Oddity,
    domains_of,
    find_oddities,
    read_addresses,
)
from cxtools.text import mask_address
from cxtools.wording import count, quantity

if TYPE_CHECKING:
    from cxtools.ledger.ledger import Ledger
    from cxtools.sending.recipients import Source

#: What a plan doesn't say of its rows by itself.
BESIDE_THE_PLAN = (
    "disposable",
    "role",
    "suppressed",
    "bounced",
    "never engaged",
    "not engaged lately",
)
#: Rows that a text names for each kind; documents name all.
ROWS_SHOWN = 3


@dataclass(frozen=True)
class Hygiene:
    """
    What is odd about a list.

        rows        of the list
        oddities    each thing that is odd, by line
        unanswered  domains of which DNS told nothing in time; None where it was not asked
    """

    rows: int
    oddities: Sequence[Oddity]
    unanswered: Sequence[str] | None

    @property
    def counts(self) -> dict[str, int]:
        """How many rows are odd in each way, in the order of KINDS."""
        counts = Counter(oddity.kind for oddity in self.oddities)
        return {kind: counts[kind] for kind in KINDS if counts[kind]}

    def documents(self, *, masked: bool) -> list[dict[str, Any]]:
        """One row for each oddity."""
        rows = []
        for line, email, kind, detail in self.oddities:
            shown = mask_address(email) if masked else email
            rows.append({"line": line, "email": shown, "kind": kind, "detail": detail})
        return rows

    def to_dict(self, *, masked: bool = True) -> dict[str, Any]:
        """The document that `--json` prints."""
        return {
            "rows": self.rows,
            "counts": self.counts,
            "oddities": self.documents(masked=masked),
            "unanswered": None if self.unanswered is None else list(self.unanswered),
        }

    def sentences(self, kinds: Collection[str] = tuple(KINDS)) -> list[str]:
        """What is odd in these ways, a kind a line, with the first rows of each."""
        lines = []
        for kind, number in self.counts.items():
            if kind not in kinds:
                continue
            own = [oddity for oddity in self.oddities if oddity.kind == kind][:ROWS_SHOWN]
            shown = [
                f"line {one.line} {mask_address(one.email)} {one.detail}".strip() for one in own
            ]
            more = " …" if number > ROWS_SHOWN else ""
            lines.append(f"{count(number)} {kind} ({KINDS[kind]}): {', '.join(shown)}{more}")
        if self.unanswered:
            names = ", ".join(self.unanswered[:ROWS_SHOWN])
            domains = quantity(len(self.unanswered), "domain")
            lines.append(f"DNS told nothing of {domains} in time: {names}; ask again later")
        return lines

    def __str__(self) -> str:
        lines = [f"{quantity(self.rows, 'row')}; nothing was changed", *self.sentences()]
        return "\n".join(lines if len(lines) > 1 else [f"{lines[0]}, nothing is odd"])


def examine_list(
    source: Source,
    engine: Engine,
    ledger: Ledger | None,
    *,
    dns_server: str | None = None,
    shows_progress: bool = False,
) -> Hygiene:
    """
    What is odd about a list, which is read once; *ledger* is None where there is none yet. With
    *dns_server* ("": those of this machine) its domains are looked up.

    Raises:
        ConfigError: the list can't be read.
        Unreachable: no name server answers.
        StoreError: ledger or events can't be read.
    """
    from disposable_email_domains import blocklist

    listed = read_addresses(source.rows())
    domains = domains_of(listed)
    dead: dict[str, str] = {}
    unanswered = None
    if dns_server is not None:
        servers = look_up(domains, dns_server, shows_progress=shows_progress)
        unanswered = sorted(domains.keys() - servers.keys())
        for domain, known in servers.items():
            if not known.exists:
                dead[domain] = "no such domain"
            elif not known.takes_mail:
                dead[domain] = "it says that it takes no mail"
    keys = {recipient_key(row.email) for row in listed}
    beside = Known(
        disposable=blocklist,
        dead=dead,
        suppressed=ledger.suppressions.find(keys) if ledger else {},
        history=people_history(engine, keys),
    )
    oddities = find_oddities(listed, domains, beside, now=datetime.now(UTC))
    return Hygiene(len(listed), list(oddities), unanswered)


@repeat_when_replaced
def people_history(engine: Engine, keys: Collection[str]) -> Mapping[str, History]:
    """What earlier campaigns say of these people, by key; who was never mailed is left out."""
    if not engine.store.campaigns():
        return {}
    known = {}
    with engine.session() as session:
        for row in session.run(statement("people_history")).to_pylist():
            key = recipient_key(row.pop("email"))
            if key in keys:
                engaged_at = row["engaged_at"]
                if engaged_at is not None:
                    row["engaged_at"] = engaged_at.replace(tzinfo=UTC)
                known[key] = History(**row)
    return known
