"""
The people behind a count: who they are, and what their servers wrote.

Addresses are masked unless they are asked for, in texts too; so is the name in a row's own address
where it stands alone ("user jane.roe unknown"), which no other answer can know for a name. `person`
is the ledger's key, by which one person's time line can be asked for without an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cxtools.errors import StoreError
from cxtools.events.replacements import repeat_when_replaced
from cxtools.identity import recipient_key
from cxtools.measures import choices
from cxtools.measures.catalogue import DIMENSIONS, QUESTIONS
from cxtools.measures.choices import Where
from cxtools.measures.cuts import AsOf
from cxtools.measures.engine import Campaigns, Engine
from cxtools.measures.messages import Part
from cxtools.measures.providers import Providers
from cxtools.measures.session import VALUES_COMPARED, VALUES_NAMED
from cxtools.measures.sql import statement
from cxtools.measures.table import Table
from cxtools.text import mask_address, mask_addresses, mask_name
from cxtools.wording import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from cxtools.measures.session import Session

#: What became of a message -> the SQL that says so.
STEPS = {
    "attempted": "attempted",
    "delivered": "delivered",
    "bounced": "bounced",
    "late_bounced": "late_bounced",
    "opened": "reached and (opened or clicked)",
    "clicked": "reached and clicked",
    "complained": "complained",
}
#: What is asked of the bounce that stands -> the column that holds it.
CAUSES = {
    "category": "category",
    "kind": "bounce_kind",
    "reason": "reason",
    "bounce_code": "messages.bounce_code",
    "bounce_text": "standing_bounces.bounce_text",
    "alike": "messages.campaign || ' ' || cast(messages.cause_id as string)",
}
#: The same -> the column and the relation of what there is.
KNOWN = {
    "category": ("category", "verdicts"),
    "kind": ("kind", "verdicts"),
    "reason": ("reason", "verdicts"),
    "bounce_code": ("bounce_code", "standing_bounces"),
    "bounce_text": ("bounce_text", "standing_bounces"),
    "alike": ("campaign || ' ' || cast(cause_id as string)", "verdicts"),
    "link": ("link_url", "urls"),
}
#: What is asked of those alone whose messages bounced.
TEXTS = {"texts", "alike_texts"}
#: Messages with a click on one of the links that are wanted.
LINKS = """
exists (select 1 from clicks
        join urls on urls.campaign = clicks.campaign and urls.raw_url = clicks.link_url
        join wanted_links on wanted_links.value = urls.link_url
        where clicks.campaign = messages.campaign and clicks.message_key = messages.message_key)
"""


def _masked_address(email: str) -> str:
    return mask_address(email) if email else email


#: Columns that hold addresses, or words with addresses among them -> how these are shown.
MASKS = {"email": _masked_address, "bounce_text": mask_addresses, "reason": mask_addresses}
#: Those in which the name of the own address can stand alone ("user jane.roe unknown").
WORDS = ("bounce_text", "reason")


@dataclass(frozen=True)
class Behind:
    """
    What the messages must be: a step that they reached, "" for any; a word, or several, of the
    bounce that stands; a link that was followed, as `cx.links` shows it; what `alike_texts` calls
    texts that are alike. None: whatever it is.
    """

    step: str = ""
    category: str | Sequence[str] | None = None
    kind: str | Sequence[str] | None = None
    reason: str | Sequence[str] | None = None
    bounce_code: str | Sequence[str] | None = None
    bounce_text: str | Sequence[str] | None = None
    link: str | Sequence[str] | None = None
    alike: str | Sequence[str] | None = None

    def values(self) -> dict[str, list[str]]:
        """
        What is wanted of each word, where it was said.

        Raises:
            StoreError: a word is said without a value.
        """
        named = [field.name for field in fields(self) if field.name != "step"]
        wanted = {name: getattr(self, name) for name in named}
        values = {name: _list(value) for name, value in wanted.items() if value is not None}
        without = [name for name, words in values.items() if not words]
        if without:
            raise StoreError(
                f"no value of {', '.join(without)} is named",
                do="name one or more, or leave it out",
            )
        if "category" in values:
            values["category"] = choices.as_identifiers(values["category"])
        return values


def recipients(
    engine: Engine,
    campaigns: Campaigns,
    behind: Behind,
    *,
    where: Where = None,
    as_of: AsOf = None,
    addresses: bool = False,
    first: int | None = None,
) -> Table:
    """
    One row per message to somebody; with *first* so many rows at most.

    Raises:
        ConfigError: *as_of* is not a moment.
        StoreError: a campaign, column, step or value is unknown.
    """
    rows = _rows(engine, "recipients", campaigns, behind, where=where, as_of=as_of, first=first)
    emails = rows["email"].to_pylist()
    people = pa.array([recipient_key(email) if email else None for email in emails], pa.string())
    rows = _with_providers(rows, engine.providers()).add_column(1, "person", people)
    found = Table(rows.to_pandas())
    return found if addresses else masked(found)


def masked(found: pd.DataFrame) -> Table:
    """Recipients or texts as they are shown: with masked addresses, in what servers wrote too."""
    shown = found.copy()
    for name, mask in MASKS.items():
        if name in found:
            shown[name] = found[name].map(mask, na_action="ignore").astype(found[name].dtype)
    if "email" in found:
        for name in WORDS:
            _mask_names(shown, name, found["email"])
    return Table(shown)


def _mask_names(shown: pd.DataFrame, name: str, emails: pd.Series[str]) -> None:
    """In place: what servers wrote to each, without the name in the own address."""
    said = shown[name].notna() & emails.notna()
    pairs = zip(shown.loc[said, name], emails[said], strict=True)
    shown.loc[said, name] = [mask_name(text, email) for text, email in pairs]


def texts(
    engine: Engine,
    campaigns: Campaigns,
    behind: Behind,
    *,
    where: Where = None,
    as_of: AsOf = None,
    addresses: bool = False,
) -> Table:
    """
    One row per text that a server wrote; texts that differ in addresses alone are one where these
    are masked.

    Raises:
        ConfigError, StoreError: as `recipients`.
    """
    rows = _rows(engine, "texts", campaigns, behind, where=where, as_of=as_of)
    found = Table(rows.to_pandas())
    shown = found if addresses else masked(found)
    keys = ["campaign", "category", "kind", "bounce_code", "bounce_text"]
    merged = shown.groupby(keys, as_index=False, dropna=False, sort=False).agg(
        recipients=("recipients", "sum"),
        domains=("domain", "nunique"),
        first_at=("first_at", "min"),
        last_at=("last_at", "max"),
    )
    order = ["campaign", "recipients", "bounce_code", "bounce_text"]
    in_order = merged.sort_values(order, ascending=[True, False, True, True], ignore_index=True)
    return Table(in_order)


def alike_texts(
    engine: Engine, campaigns: Campaigns, behind: Behind, *, where: Where = None, as_of: AsOf = None
) -> Table:
    """
    One row per text that servers wrote, but for what differs from recipient to recipient: one of
    the texts, with masked addresses, and how many there are; the most frequent ones first.

    Raises:
        ConfigError, StoreError: as `recipients`.
    """
    rows = _rows(engine, "alike_texts", campaigns, behind, where=where, as_of=as_of)
    return masked(rows.to_pandas())


@repeat_when_replaced
def _rows(
    engine: Engine,
    file: str,
    campaigns: Campaigns,
    behind: Behind,
    *,
    where: Where,
    as_of: AsOf,
    first: int | None = None,
) -> pa.Table:
    named = choices.names_in((), where)
    segments = () if DIMENSIONS.keys() >= set(named) else engine.segments(campaigns)
    filters = choices.filters(QUESTIONS["funnel"], where, segments)
    condition = _condition(behind)
    how: dict[str, Any] = {"where": filters, "as_of": as_of}
    bounced_only = file in TEXTS or not CAUSES.keys().isdisjoint(behind.values())
    if bounced_only and filters:
        with engine.session(campaigns, **how, checks_values=False) as session:
            session.check_values(filters)  # of all messages, not of those that bounced
    part = Part.BOUNCED if bounced_only else Part.ALL
    how |= {"part": part, "checks_values": not bounced_only}
    with engine.session(campaigns, **how) as session:
        _check_values(session, behind)
        limit = "" if first is None else f"limit {first}"
        return session.run(statement(file).format(condition=condition) + limit)


def _condition(behind: Behind) -> str:
    """The SQL of what the messages must be; its values stand in tables of their own."""
    if behind.step and behind.step not in STEPS:
        raise StoreError(
            f"there is no step {behind.step!r}",
            do=f"{did_you_mean(behind.step, STEPS)}choose from: {', '.join(STEPS)}",
        )
    parts = [f"({STEPS[behind.step]})"] if behind.step else []
    for name in behind.values():
        if name == "link":
            parts.append(f"reached and {LINKS}")
        else:
            parts.append(f"bounced and {CAUSES[name]} in (select value from wanted_{name})")
    return " and ".join(parts) or "true"


def _check_values(session: Session, behind: Behind) -> None:
    """Hand the values over as tables; one that nothing has is a slip of the pen."""
    for name, values in behind.values().items():
        table = f"wanted_{name}"
        session.relations.register(table, pa.table({"value": pa.array(values, pa.string())}))
        if name == "link":
            table = "wanted_links"
            session.relations.define(table, "select bare_url(value) as value from wanted_link")
        column, relation = KNOWN[name]
        known = f"select distinct {column} as value from {relation} where {column} is not null"
        missing = f"select value from {table} where value not in ({known})"
        unknown = session.run(missing)["value"].to_pylist()
        if unknown:
            rows = session.run(f"{known} order by value limit {VALUES_COMPARED}")
            raise _unknown_value(name, unknown, rows["value"].to_pylist())


def _unknown_value(name: str, unknown: Sequence[str], known: Sequence[str]) -> StoreError:
    """What there is instead, with masked addresses."""
    what = "link that was followed is" if name == "link" else f"bounce has the {name}"
    asked = ", ".join(map(mask_addresses, unknown))
    if not known:
        happened = "nobody followed a link" if name == "link" else "nothing bounced"
        return StoreError(f"no {what} {asked}: {happened}", do=f"ask without the {name}")
    shown = list(dict.fromkeys(map(mask_addresses, known)))
    meant = did_you_mean([mask_addresses(value) for value in unknown], shown)
    others = ", …" if len(shown) > VALUES_NAMED else ""
    return StoreError(
        f"no {what} {asked}",
        do=f"{meant}choose from: {', '.join(shown[:VALUES_NAMED])}{others}",
    )


def _with_providers(rows: pa.Table, providers: Providers) -> pa.Table:
    """Beside each domain who runs its mailboxes: of these people's domains alone, not of all."""
    domains = rows["domain"].to_pylist()
    known = {domain: providers.find(domain or "") for domain in set(domains)}
    names = pa.array([known[domain] for domain in domains], pa.string())
    place = rows.column_names.index("domain")
    return rows.add_column(place + 1, "provider", names)


def _list(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
