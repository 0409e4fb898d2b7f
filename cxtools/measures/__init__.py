"""
Measures: the events of a store in, a table of answers out. One SQL file per measure, of the same name,
in `sql/`.

The unit is one message to one recipient: distinct (messageId, recipientId), the address where a
feed has no recipient id. Never "opens × clicks", never a sum over days, links or segments: who
clicks two links is one clicker. A message belongs
to the day of its first event, whenever its opens came. The words:

    attempted       messages with a delivery or a bounce
    bounced         attempted messages whose last final word is a bounce; auto-replies and
                    complaints are not bounces
    late_bounced    bounced messages that had been delivered before
    delivered       attempted and not bounced; a soft bounce followed by a delivery is delivered
    opened          delivered messages with an open or a click ("confirmed": a click proves what
                    blocked images hide)
    opened_strict   delivered messages with an open that the feed doesn't mark as a machine's
    clicked         delivered messages with a click on content; unsubscribe and preference links
                    don't count

Definitions follow SparkPost, Iterable (clicks / confirmed opens) and Customer.io
(cohort by send). Each rate is a share 0..1 with its 95 % Wilson interval in `_low` and `_high`,
missing where there is nothing to divide by.

All measures take an engine, the campaigns (a name, several, or None for all), `by` (one or several
of DIMENSIONS) and `as_of`: a moment after which events don't count, or a timedelta, the same age
for each campaign since its first event. They raise StoreError for an unknown campaign or dimension.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from cxtools import wording
from cxtools.charts import CHARTS, tables
from cxtools.errors import ReportError, StoreError
from cxtools.measures.engine import AsOf, Campaigns, Engine, rows_of, sql
from cxtools.measures.stats import share, wilson

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

#: What a measure can be split by (columns of `sql/messages.sql`) -> what it is.
DIMENSIONS: dict[str, str] = dict(rows_of("dimensions"))
#: Check -> the count it is a part of, and what it says.
CHECKS: dict[str, tuple[str, str]] = {
    check: (whole, meaning) for check, whole, meaning in rows_of("checks")
}
#: What makes a clicker look like a machine, after Marketo, Paminga and Omeda: a strong rule is
#: enough, of the weak ones it takes two.
RULES: dict[str, str] = dict(rows_of("rules"))
#: Which counts make which rate: numerator, denominator.
FUNNEL_RATES = {
    "delivery_rate": ("delivered", "attempted"),
    "bounce_rate": ("bounced", "attempted"),
    "open_rate": ("opened_told", "delivered"),
    "click_rate": ("clicked_told", "delivered"),
    "click_to_open_rate": ("clicked_told", "opened"),
}

By = str | Sequence[str] | None


class Table(pd.DataFrame):
    """
    A DataFrame that knows its measure: `.chart()` draws it, `.text()` is for terminals,
    `.records()` is what `--json` prints.
    """

    _metadata = ["_measure"]  # noqa: RUF012  # the name and type that pandas asks for
    _measure = ""

    @property
    def _constructor(self) -> type[Table]:
        return Table

    def of(self, measure: str) -> Table:
        """The same table, as the answer of this measure."""
        self._measure = measure
        return self

    def _repr_html_(self) -> str:
        return tables.html(self)

    def chart(self) -> Figure:
        """The measure's figure (plotly), drawn from these rows."""
        if self._measure not in CHARTS:
            raise ReportError(
                f"there is no chart of {self._measure or 'a table made of several measures'}",
                do=f"show the table itself; charts: {', '.join(CHARTS)}",
            )
        return CHARTS[self._measure](self)

    def text(self) -> str:
        """
        The columns that a person reads, at most 120 characters wide: counts, and rates in percent.
        """
        return tables.text(self)

    def records(self) -> list[dict[str, Any]]:
        """One dict per row, ready for JSON: None for missing, moments as ISO 8601 text."""
        rows: list[dict[str, Any]] = json.loads(
            self.to_json(orient="records", date_format="iso", double_precision=15)
        )
        return rows


def funnel(
    engine: Engine, campaigns: Campaigns = None, *, by: By = None, as_of: AsOf = None
) -> Table:
    """
    How far did the messages of these campaigns get? One row per campaign (and value of *by*).

        attempted, delivered, late_bounced, bounced, opened, opened_strict, clicked, clicks_without_open    messages, as defined above
        delivery_rate       delivered / attempted            bounce_rate   bounced / attempted
        open_rate           opened / delivered               click_rate    clicked / delivered
        click_to_open_rate  clicked / opened
        Rates of opens and clicks are missing, "not measured", where the campaign's events hold none
        of that kind at all.
        first_at, last_at   moments (UTC) of the first and the last event
    """
    counts = _answer("funnel", engine, campaigns, by, as_of, **FUNNEL_RATES)
    table: Table = counts[
        [
            *counts.columns.drop(["first_at", "last_at", "opened_told", "clicked_told"]),
            "first_at",
            "last_at",
        ]
    ]
    if by:
        table = table[table.attempted > 0].reset_index(drop=True)
    return table


def bounces(
    engine: Engine, campaigns: Campaigns = None, *, by: By = None, as_of: AsOf = None
) -> Table:
    """
    Why did messages bounce? One row per campaign × category × kind (and value of *by*).

        recipients   messages bounced for that            share   recipients / bounced; sums to 1 over a campaign's rows
        bounced      messages bounced in the campaign     rate    recipients / attempted
        attempted    messages attempted in the campaign (and value of *by*)
    """
    return _answer(
        "bounces",
        engine,
        campaigns,
        by,
        as_of,
        share=("recipients", "bounced"),
        rate=("recipients", "attempted"),
    )


def reasons(
    engine: Engine, campaigns: Campaigns = None, *, by: By = None, as_of: AsOf = None
) -> Table:
    """
    Which causes stand behind the bounces? One row per campaign × normalised text (and value of
    *by*), most frequent first.

    `reason` has addresses, hosts and ids masked; `bounce_code` is an example; `recipients`, `share`
    and `bounced` as in `bounces`; `confidence` (0..1) is that of the least sure of its verdicts,
    `rule` the rule or code that gave it; `first_at` and `last_at` are missing when no such bounce
    has a moment.
    """
    return _answer("reasons", engine, campaigns, by, as_of, share=("recipients", "bounced"))


def unknown(
    engine: Engine, campaigns: Campaigns = None, *, by: By = None, as_of: AsOf = None
) -> Table:
    """
    What did servers say that no rule understands? One row per campaign × code × raw text (and value
    of *by*), most frequent first.

    What is judged with a confidence below 0.5 is here, too: there the next rule is missing.
    `code` and `text` as they came, addresses included: to write the next rule from, not to be
    passed on. `recipients` messages bounced so.
    """
    return _answer("unknown", engine, campaigns, by, as_of)


def links(
    engine: Engine, campaigns: Campaigns = None, *, by: By = None, as_of: AsOf = None
) -> Table:
    """
    Which links were clicked? One row per campaign × link (and value of *by*), tracking parameters
    removed. Links that differ only in what tells recipients apart are one:
    `https://x.example/p?u=…`.

        purpose        content or unsubscribe (preference links too)
        clickers       messages whose recipient clicked it; links don't add up, who clicks two is in
                       both
        clicks         clicks, repeated ones too
        all_clickers   messages with any click            share   clickers / all_clickers
    """
    return _answer("links", engine, campaigns, by, as_of, share=("clickers", "all_clickers"))


def timing(
    engine: Engine, campaigns: Campaigns = None, *, by: By = None, as_of: AsOf = None
) -> Table:
    """
    How long after delivery came the first open and the first click? One row per campaign × kind
    (open, click).

    `recipients` of `delivered` messages have one with a moment; `p10_s`, `p25_s`, `median_s`,
    `p75_s`, `p90_s` are seconds, missing when none has. An open that clocks put before the delivery
    counts as 0 s.
    """
    return _answer("timing", engine, campaigns, by, as_of)


def curve(
    engine: Engine, campaigns: Campaigns = None, *, by: By = None, as_of: AsOf = None
) -> Table:
    """
    How many had opened or clicked within so many hours of delivery? One row per campaign × kind ×
    hour with news.

    `hours` 1 is the first hour; after three days the steps are days. `recipients` since the row
    before, `cumulative` until now, `rate` = cumulative / delivered.
    """
    return _answer("curve", engine, campaigns, by, as_of, rate=("cumulative", "delivered"))


def jobs(
    engine: Engine, campaigns: Campaigns = None, *, by: By = None, as_of: AsOf = None
) -> Table:
    """
    How did each send job run? One row per campaign × job_id.

    Counts as in `funnel`; `first_at`, `last_at` of its events (UTC); `span_s` seconds from its
    first to its last delivery or bounce, missing without any; `delivery_median_s`,
    `delivery_p90_s`: seconds from the job's first event to a message's delivery, missing when
    nothing was delivered.
    """
    return _answer("jobs", engine, campaigns, by, as_of)


def suspects(
    engine: Engine, campaigns: Campaigns = None, *, by: By = None, as_of: AsOf = None
) -> Table:
    """
    How many clickers behave like machines? One row per campaign × rule (RULES), then "suspect" and
    "human" (and value of *by*).

    `clickers` of `total`, `share` = clickers / total. Tagged, never dropped: without user agents
    and addresses of networks no rule is certain, and filters that delete have deleted people.
    """
    wide = _answer("suspects", engine, campaigns, by, as_of)
    groups = [name for name in wide.columns if name == "campaign" or name in DIMENSIONS]
    rows = [
        (*(row[name] for name in groups), rule, row[rule], row["clickers"], meaning)
        for row in wide.to_dict("records")
        for rule, meaning in RULES.items()
    ]
    table = Table(rows, columns=[*groups, "rule", "clickers", "total", "meaning"]).of("suspects")
    return _with_rates(table, {"share": ("clickers", "total")})


def data_quality(
    engine: Engine, campaigns: Campaigns = None, *, by: By = None, as_of: AsOf = None
) -> Table:
    """
    What is odd about the events? One row per campaign × check (CHECKS); it can't be split by
    anything.

    `count` of `total`, `share` = count / total, `meaning` a sentence. What many feeds leave out
    (opens, clicks, deferrals, complaints, unsubscribes) is missing, "not measured", when there is
    none of that kind at all.
    """
    if by:
        raise StoreError("data_quality can't be split", do="leave `by` out")
    rows: list[tuple[Any, ...]] = []
    for row in _answer("data_quality", engine, campaigns, None, as_of).to_dict("records"):
        for check, (whole, meaning) in CHECKS.items():
            count, total = int(row[check]) if wording.known(row[check]) else None, row[whole]
            told = (
                f"{meaning}: {row['not_sent_words']}" if check == "not_sent" and count else meaning
            )
            rows.append(
                (
                    row["campaign"],
                    check,
                    count,
                    total,
                    None if count is None or not total else count / total,
                    told,
                )
            )
    # As objects, since numpy's integers know no missing value.
    return Table(
        rows, columns=["campaign", "check", "count", "total", "share", "meaning"], dtype=object
    ).of("data_quality")


def counts(
    engine: Engine,
    measures: Sequence[str],
    campaigns: Campaigns = None,
    *,
    by: By = None,
    as_of: AsOf = None,
) -> list[Table]:
    """
    What the SQL files of several measures count, without rates, over events that are read and
    judged once.
    """
    asked = [by] if isinstance(by, str) else list(by or ())
    if unknown := [name for name in asked if name not in DIMENSIONS]:
        raise StoreError(
            f"can't split by {', '.join(unknown)}", do=f"choose from: {', '.join(DIMENSIONS)}"
        )
    others = [name for name in DIMENSIONS if name not in asked]
    with engine.session(campaigns, by=asked, as_of=as_of) as session:
        found = [Table(session.run(sql(measure)).to_pandas()).of(measure) for measure in measures]
    return [table.drop(columns=others, errors="ignore") for table in found]


def _answer(
    measure: str,
    engine: Engine,
    campaigns: Campaigns,
    by: By,
    as_of: AsOf,
    **rates: tuple[str, str],
) -> Table:
    """What one measure counts, with these rates of it."""
    return _with_rates(counts(engine, [measure], campaigns, by=by, as_of=as_of)[0], rates)


def _with_rates(table: Table, rates: Mapping[str, tuple[str, str]]) -> Table:
    """The counts with, for each rate, its share and its interval as new columns."""
    for rate, (part, whole) in rates.items():
        pairs = list(zip(table[part], table[whole], strict=True))
        table[rate] = [share(*pair) for pair in pairs]
        table[f"{rate}_low"], table[f"{rate}_high"] = (
            [wilson(*pair)[side] for pair in pairs] for side in (0, 1)
        )
    return table
