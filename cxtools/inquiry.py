"""
What a notebook asks beside the questions of the catalogue: the people behind a count, rows of the
views, and SQL over them.

    cx.sql("select provider, count(*) from messages where clicked group by all")
    cx.messages("q3-update")                                   one row per message
    cx.events("q3-update")                                     one row per event
    cx.recipients("q3-update", category="mailbox_full")        whose mailbox is full
    cx.timeline("jane.doe@example.com")                        what became of one person's mail
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxtools.connection import latest
from cxtools.files import write_whole
from cxtools.measures import people
from cxtools.measures.people import Behind
from cxtools.measures.table import Table
from cxtools.queries.ask import Statement, answer, rows

if TYPE_CHECKING:
    import pyarrow as pa

    from cxtools.connection import Connection
    from cxtools.measures.choices import Where
    from cxtools.measures.cuts import AsOf

Home = str | Path | None


def sql(
    statement: str,
    *campaigns: str,
    addresses: bool = False,
    home: Home = None,
) -> Table:
    """
    What a statement selects, as a table.

    One `select` over these views (`describe messages` lists the columns of one):

        messages   one row per message to one recipient, with what became of it; a segment, as
                   a merge field, is a column where the statement names it
        clicks     one row per click
        events     one row per event, each once
        campaigns  one row per campaign that has events

    It only reads: no files, no network, no settings. It is ended after `sql_seconds` (60), and when
    it takes more than `memory`. Addresses are masked; `person` tells people apart all the same.

    Arguments:
        statement  one select, in DuckDB's SQL
        campaigns  names of campaigns that the views hold; all of them when none is given
        addresses  show whole addresses
        home       another folder than CXTOOLS_HOME

    Raises:
        ConfigError: it isn't one `select` over the views, or isn't understood
        StoreError: it takes too long or too much memory; or a campaign is unknown

    Example:
        cx.sql("select provider, count(*) as clickers from messages where clicked group by all")
    """
    client = latest(home)
    table = ask_statement(client, statement, campaigns or None, addresses=addresses)
    return table.coming_from(client.origin)


def messages(*campaigns: str, addresses: bool = False, home: Home = None) -> Table:
    """
    One row per message to one recipient, with what became of it: the view `messages` of `cx.sql`.

    Arguments:
        campaigns  names of campaigns; all of them when none is given
        addresses  show whole addresses
        home       another folder than CXTOOLS_HOME

    Raises:
        StoreError: a campaign is unknown, or there are more rows than fit into `memory`

    Example:
        cx.messages("q3-update").groupby("provider")["clicked"].mean()
    """
    return sql("select * from messages", *campaigns, addresses=addresses, home=home)


def events(*campaigns: str, addresses: bool = False, home: Home = None) -> Table:
    """
    One row per event, each once: the view `events` of `cx.sql`.

    Arguments:
        campaigns  names of campaigns; all of them when none is given
        addresses  show whole addresses
        home       another folder than CXTOOLS_HOME

    Raises:
        StoreError: a campaign is unknown, or there are more rows than fit into `memory`

    Example:
        cx.events("q3-update")["kind"].value_counts()
    """
    return sql("select * from events", *campaigns, addresses=addresses, home=home)


def ask_statement(
    client: Connection,
    statement: str,
    campaigns: Sequence[str] | None = None,
    *,
    addresses: bool = False,
) -> Table:
    """
    What a statement selects.

    Raises:
        ConfigError, StoreError: as `sql`.
    """
    asked = _statement(client, statement, campaigns, addresses)
    return Table(_plain_numbers(rows(client.engine, asked)).to_pandas())


def write_statement(
    client: Connection,
    statement: str,
    campaigns: Sequence[str] | None = None,
    *,
    addresses: bool = False,
    file: Path,
) -> int:
    """
    What a statement selects as a Parquet file, written as it comes, however much that is; how many
    rows.

    Raises:
        ConfigError, StoreError: as `sql`; then nothing is written.
    """
    written = 0

    def take(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
        nonlocal written
        written = 0

        def write(opened: Any) -> None:
            nonlocal written
            import pyarrow.parquet as pq

            with pq.ParquetWriter(opened, schema, compression="zstd") as writer:
                for batch in batches:
                    writer.write_batch(batch)
                    written += len(batch)

        write_whole(file, write)

    answer(client.engine, _statement(client, statement, campaigns, addresses), take)
    return written


def _statement(
    client: Connection, statement: str, campaigns: Sequence[str] | None, addresses: bool
) -> Statement:
    seconds = client.settings.sql_seconds
    return Statement(statement, campaigns, show_addresses=addresses, seconds=seconds)


def _plain_numbers(table: pa.Table) -> pa.Table:
    """Sums of whole numbers as such, where they fit: DuckDB makes decimals of 38 digits of them."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            kind = pa.int64() if field.type.scale == 0 else pa.float64()
            try:
                column = table.column(place).cast(kind)
            except pa.ArrowInvalid:
                column = table.column(place).cast(pa.float64())
            table = table.set_column(place, field.name, column)
    return table


def recipients(  # noqa: PLR0913  # one for each word that people are found by
    *campaigns: str,
    step: str = "",
    category: str | Sequence[str] | None = None,
    kind: str | Sequence[str] | None = None,
    reason: str | Sequence[str] | None = None,
    bounce_text: str | Sequence[str] | None = None,
    link: str | Sequence[str] | None = None,
    where: Where = None,
    as_of: AsOf = None,
    addresses: bool = False,
    home: Home = None,
) -> Table:
    """
    The people behind a count: one row per message to somebody, with what became of it.

    `person` tells people apart, in all campaigns, and is what `cx.timeline` takes. Every row is
    there, however many they are.

    Arguments:
        campaigns    names of campaigns; all of them when none is given
        step         attempted, delivered, bounced, late_bounced, opened, clicked or complained
        category, kind, reason, bounce_text
                     only bounced ones, of that cause; or of one in a list
        link         only those who followed that link, as `cx.links` shows it
        where        {"provider": "gmail"}: only messages with that value, segments too
        as_of        a moment after which events don't count
        addresses    show whole addresses, also in texts
        home         another folder than CXTOOLS_HOME

    Raises:
        StoreError: a campaign, a column, a step or a value is unknown; the message says which
            there are
        ConfigError: `as_of` is not a moment

    Example:
        cx.recipients("q3-update", category="mailbox_full")
    """
    client = latest(home)
    behind = Behind(step, category, kind, reason, None, bounce_text, link)
    table = people.recipients(
        client.engine, campaigns or None, behind, where=where, as_of=as_of, addresses=addresses
    )
    return table.coming_from(client.origin)


def texts(
    *campaigns: str,
    category: str | Sequence[str] | None = None,
    kind: str | Sequence[str] | None = None,
    reason: str | Sequence[str] | None = None,
    where: Where = None,
    as_of: AsOf = None,
    addresses: bool = False,
    home: Home = None,
) -> Table:
    """
    What servers wrote when they refused a message, word for word: one row per text, with how many
    people it is about.

    Arguments:
        campaigns  names of campaigns; all of them when none is given
        category, kind, reason
                   only of that cause; or of one in a list
        where      {"provider": "gmail"}: only messages with that value, segments too
        as_of      a moment after which events don't count
        addresses  show whole addresses in texts; those that differ in nothing else are several then
        home       another folder than CXTOOLS_HOME

    Raises:
        StoreError: a campaign, a column or a value is unknown; the message says which there are
        ConfigError: `as_of` is not a moment

    Example:
        cx.texts("q3-update", category="policy_block")
    """
    client = latest(home)
    behind = Behind("", category, kind, reason)
    table = people.texts(
        client.engine, campaigns or None, behind, where=where, as_of=as_of, addresses=addresses
    )
    return table.coming_from(client.origin)


def timeline(person: str, *, addresses: bool = False, home: Home = None) -> Table:
    """
    One person's time line: one row per plan, event and suppression, in all campaigns, in order.

    Arguments:
        person     an address, or what `person` says in `cx.recipients`
        addresses  show whole addresses in texts and links
        home       another folder than CXTOOLS_HOME

    Raises:
        ConfigError: that is neither
        StoreError: the ledger or the events can't be read

    Example:
        cx.timeline("jane.doe@example.com")
    """
    from cxtools.people import timeline as lines

    client = latest(home)
    return lines.timeline(client, person, addresses=addresses).coming_from(client.origin)
