"""Answers: a question of the catalogue and some campaigns in, a table out."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cxtools import wording
from cxtools.errors import StoreError
from cxtools.events.replacements import repeat_when_replaced
from cxtools.measures import choices, differences, periods, trend_notes, trend_rows
from cxtools.measures.ages import (
    begun,
    earlier_campaigns,
    oldest_first,
    window,
    youngest_age,
)
from cxtools.measures.catalogue import DIMENSIONS, named
from cxtools.measures.choices import NO_FILTERS, By, Filters, Where
from cxtools.measures.cuts import AsOf, cut_moments, end_of, notes_on_undated
from cxtools.measures.engine import Campaigns, Engine, names_of
from cxtools.measures.history import RIPE, Counted, History, history_of
from cxtools.measures.league import league_rows, ripe_campaigns
from cxtools.measures.messages import told_apart
from cxtools.measures.question import Part, Question
from cxtools.measures.rates import rate_columns
from cxtools.measures.table import Table

#: The dimensions whose groups tell of nobody, however small they are, where all are asked about.
COARSE = frozenset(DIMENSIONS) - {"domain", "cause", "scanned"}
CAUSE = "cause"
#: Dimensions that are outcomes of messages, not properties that they had when they were sent.
OUTCOMES = (CAUSE, "scanned")


def answer(
    engine: Engine,
    name: str,
    campaigns: Campaigns = None,
    *,
    by: By = None,
    where: Where = None,
    as_of: AsOf = None,
) -> Table:
    """
    The answer to one question of the catalogue.

    *campaigns* is a name, several, or None for all. *as_of* is a moment after which events don't
    count, a date for that whole day in the zone of the settings, or a timedelta: the same age for
    each campaign since its start.

    Raises:
        ConfigError: *as_of* is not a moment, or there is no such question.
        StoreError: a campaign, dimension or value is unknown; the question can't be split,
        filtered, or asked of several campaigns; or *where* leaves too few people.
    """
    question = named(name)
    asked_for = choices.names_in(by, where)
    own = [name for name in asked_for if name not in DIMENSIONS]
    segments = engine.segments(campaigns) if own else ()
    left_out = engine.left_out_segments(campaigns, own) if own else {}
    splits = choices.splits(question, by, segments, left_out)
    filters = choices.filters(question, where, segments, left_out)
    notes = [f"Nothing is known of {name}: {why}." for name, why in left_out.items()]
    notes += _notes_on_outcomes(question, [*splits, *filters])
    notes += _notes_on_campaigns(engine, campaigns, filters, as_of)
    few = campaigns_of_few(engine, campaigns, filters, as_of)
    if few:
        campaigns = _others(engine, campaigns, few)
        notes.append(_few_people(engine, few))
    if question.earlier:
        counts, others = count_at_one_age(engine, question, campaigns, as_of, where=filters)
        notes += others
    elif question.derived:
        counts, others = derive(engine, question, campaigns, by=splits, where=filters, as_of=as_of)
        notes += others
    else:
        [counts] = count(
            engine,
            [name],
            campaigns,
            by=splits,
            where=filters,
            as_of=as_of,
            least_group=_least_group(engine, [*splits, *filters]),
        )
    if question.private:
        counts, others = _rows_of_enough(counts, engine.least_group)
        notes += others
    if question.parts:
        counts = rows_of_parts(counts, question, splits)
    rows = add_rates(counts, question, splits)
    if question.earlier:
        rows = rows.sort_values("first_at", kind="stable", ignore_index=True)
    return Table(rows).answering(question, splits, filters, notes)


def _notes_on_outcomes(question: Question, names: Sequence[str]) -> list[str]:
    """
    What is said where messages are parted by what became of them.

    Raises:
        StoreError: a trend of those who bounced for one cause: they bounced in each period.
    """
    outcomes = [name for name in names if name in OUTCOMES]
    if CAUSE in outcomes and question.name in trend_rows.ROWS:
        raise StoreError(
            f"{question.name} can't be parted by cause: whoever bounced did so in each period",
            do="ask contributions, or drift: they name causes by themselves",
        )
    if not outcomes:
        return []
    return [
        f"The messages are parted by {' and '.join(outcomes)}, which is what became of them: rates"
        " are of these messages alone, not of all that were sent."
    ]


@repeat_when_replaced
def _notes_on_campaigns(
    engine: Engine, campaigns: Campaigns, filters: Filters, as_of: AsOf
) -> list[str]:
    """What is said of campaigns that lack a segment, or of which not all events have a moment."""
    notes = without_segment(filters, engine.campaigns_without(campaigns, filters))
    if as_of is None or as_of == "":
        return notes
    with engine.open_layers(campaigns) as layers:
        return [*notes, *notes_on_undated(layers, cut_moments(layers, as_of))]


def without_segment(asked: Iterable[str], campaigns: Collection[str]) -> list[str]:
    """What is said of campaigns that lack a segment messages are limited to or compared by."""
    names = [name for name in asked if name not in DIMENSIONS]
    return trend_notes.left_out(f"without the segment {', '.join(names)}", campaigns)


@repeat_when_replaced
def campaigns_of_few(
    engine: Engine, campaigns: Campaigns, where: Filters, as_of: AsOf = None
) -> list[str]:
    """
    The campaigns of which *where* leaves somebody, but fewer people than the engine's least group;
    none where it only asks for what tells of nobody.
    """
    least = _least_group(engine, list(where))
    if not least:
        return []
    with engine.session(campaigns, where=where, as_of=as_of) as session:
        rows = session.count("people_asked_about").to_pylist()
    return [row["campaign"] for row in rows if row["people"] < least]


def _others(engine: Engine, campaigns: Campaigns, few: Collection[str]) -> list[str]:
    """
    The campaigns that are asked about, without these.

    Raises:
        StoreError: there is no other.
    """
    asked = names_of(campaigns) or engine.store.campaigns()
    others = [name for name in asked if name not in few]
    if not others:
        raise StoreError(
            _few_people(engine, few).removesuffix("."),
            do="choose more of them with `where`, or ask without it",
        )
    return others


def _few_people(engine: Engine, campaigns: Collection[str]) -> str:
    names = ", ".join(campaigns)
    return f"Nothing is shown of {names}: these are fewer than {engine.least_group} people."


def _rows_of_enough(counts: pd.DataFrame, least: int) -> tuple[pd.DataFrame, list[str]]:
    """The rows of so many people, and what is said of the others."""
    is_enough = counts["people"] >= least
    missing = int((~is_enough).sum())
    if not missing:
        return counts, []
    rows = wording.quantity(missing, "domain")
    return (
        counts[is_enough].reset_index(drop=True),
        [f"Left out: {rows} of fewer than {least} people each."],
    )


def _least_group(engine: Engine, names: Sequence[str]) -> int:
    """
    How many people a group must be of where these split and filter: those of a provider, a job or
    a time tell of nobody, unless they are among the few of a segment or a domain.
    """
    return 0 if COARSE.issuperset(names) else engine.least_group


@repeat_when_replaced
def count(
    engine: Engine,
    names: Sequence[str],
    campaigns: Campaigns = None,
    *,
    by: Sequence[str] = (),
    where: Filters = NO_FILTERS,
    as_of: AsOf = None,
    least_group: int = 0,
) -> list[pd.DataFrame]:
    """
    What the SQL of several questions counts, without rates, over events that are read and judged
    once.
    """
    tables = []
    how: dict[str, Any] = {"by": by, "where": where, "as_of": as_of, "least_group": least_group}
    with engine.session(campaigns, beside=told_apart(names), **how) as session:
        for name in names:
            counts = session.count(named(name).file)
            rows = _columns_of_split(counts, by).to_pandas()
            tables.append(_in_order(rows, by))
    return tables


@repeat_when_replaced
def count_file(
    engine: Engine,
    file: str,
    campaign: str,
    *,
    by: Sequence[str] = (),
    as_of: AsOf = None,
) -> pa.Table:
    """
    What a file of `sql/` counts that is no question of the catalogue by itself, in whatever order.
    """
    with engine.session(campaign, by=by, as_of=as_of) as session:
        return _columns_of_split(session.count(file), by)


def count_at_one_age(
    engine: Engine,
    question: Question,
    campaigns: Campaigns,
    as_of: AsOf,
    *,
    where: Filters = NO_FILTERS,
) -> tuple[pd.DataFrame, list[str]]:
    """
    The counts of a campaign, and of the ones before it, cut at the age that it has reached; and
    what is said of those that aren't shown.
    """
    names = names_of(campaigns)
    if len(names) != 1:
        raise StoreError(
            f"{question.name} is asked of one campaign, not of {len(names) or 'all'}",
            do="name the campaign that the earlier ones stand beside",
        )
    [campaign] = names
    [counts] = count(engine, [question.name], campaign, where=where, as_of=as_of)
    known = window(engine, campaign, as_of)
    earlier = earlier_campaigns(engine, campaign, known.first_at, question.earlier)
    if not earlier:
        return counts, []
    without = engine.campaigns_without(earlier, where)
    notes = without_segment(where, without)
    earlier = [name for name in earlier if name not in without]
    if not earlier:
        return counts, notes
    few = campaigns_of_few(engine, earlier, where, known.age)
    notes += [_few_people(engine, few)] if few else []
    earlier = [name for name in earlier if name not in few]
    if not earlier:
        return counts, notes
    [others] = count(engine, [question.name], earlier, where=where, as_of=known.age)
    return pd.concat([others, counts], ignore_index=True), notes


def derive(
    engine: Engine,
    question: Question,
    campaigns: Campaigns,
    *,
    by: Sequence[str],
    where: Filters,
    as_of: AsOf,
) -> tuple[pd.DataFrame, list[str]]:
    """The rows of a question that are made of another's counts, and what is said of others."""
    if question.name in trend_rows.ROWS:
        history = history_by(engine, campaigns, by=by, where=where, as_of=as_of)
        rows = trend_rows.ROWS[question.name](history, by)
        return rows, trend_notes.NOTES[question.name](history, by)
    if question.name == "league":
        return league(engine, campaigns, where=where, as_of=as_of)
    if question.name != "compare":
        [counts] = count(engine, [question.name], campaigns, where=where, as_of=as_of)
        return counts, []
    names = names_of(campaigns)
    is_named = bool(names)
    only_split = [name for name in by if name not in where]
    without = engine.campaigns_without(campaigns, only_split)
    notes = without_segment(only_split, without)
    if not by:
        names, notes = begun(engine, names or oldest_first(engine, where))
        campaigns = names or campaigns
        as_of = youngest_age(engine, names) if as_of is None else as_of
        notes += differences.notes_on_age(end_of(as_of), is_named=is_named)
    [counts] = count(
        engine,
        [question.file],
        campaigns,
        by=by,
        where=where,
        as_of=as_of,
        least_group=_least_group(engine, [*by, *where]),
    )
    counts = counts[~counts["campaign"].isin(without)]
    notes += differences.notes(counts, names, by)
    return differences.rows(counts, names, by), notes


def history_by(
    engine: Engine,
    campaigns: Campaigns,
    *,
    by: Sequence[str] = (),
    where: Filters = NO_FILTERS,
    as_of: AsOf = None,
) -> History:
    """
    The totals of campaigns, or of the weeks or days that *by* names, in all and by provider, by
    cause and by link; of each value of the other columns of *by*, its messages alone, the same.
    """
    period = periods.period_of(by)
    of_periods = [] if period == "campaign" else [period]
    how: dict[str, Any] = {"where": where, "as_of": as_of}
    if not of_periods and not where and as_of is None:
        engine.count_cells(campaigns, fewest=True)  # the next trend reads their files
    columns = periods.group_columns(by)
    dimensions = list(dict.fromkeys(["provider", *columns]))
    counted = _totals(engine, campaigns, of_periods, [] if columns else dimensions, **how)
    apart = {}
    for column in columns:
        apart[column] = _totals(engine, campaigns, [*of_periods, column], dimensions, **how)
    reach = newest_event(engine, campaigns, as_of) if where else None
    last_sent = _last_sent(engine, campaigns, where, as_of) if period == "week" else {}
    return history_of(counted._replace(reach=reach, last_sent=last_sent, apart=apart), period)


def _totals(
    engine: Engine, campaigns: Campaigns, by: Sequence[str], dimensions: Sequence[str], **how: Any
) -> Counted:
    """What a history is made of, split by columns; and the same by each dimension besides."""

    def counts_of(names: Sequence[str], columns: Sequence[str]) -> list[pd.DataFrame]:
        is_split = bool(periods.group_columns(columns))
        least_group = _least_group(engine, [*columns, *how["where"]]) if is_split else 0
        return count(engine, names, campaigns, by=columns, least_group=least_group, **how)

    funnel, bounces, links = counts_of(["funnel", "bounces", "links"], by)
    by_dimension = {}
    for column in [name for name in dimensions if name not in by]:
        steps, refused = counts_of(["funnel", "bounces"], [*by, column])
        by_dimension[column] = (steps, refused)
    return Counted(funnel, bounces, links, by_dimension)


def newest_event(engine: Engine, campaigns: Campaigns, as_of: AsOf = None) -> datetime | None:
    """The newest event of campaigns, whosever it is: until then opens and clicks would be known."""
    newest = count(engine, ["funnel"], campaigns, as_of=as_of)[0].last_at.max()
    return newest if wording.is_known(newest) else None


def _last_sent(
    engine: Engine, campaigns: Campaigns, where: Filters, as_of: AsOf
) -> dict[str, datetime]:
    """Week -> when the mail of its last day began to be sent: what came later is younger."""
    [days] = count(engine, ["funnel"], campaigns, by=["week", "day"], where=where, as_of=as_of)
    known = days[days.week.notna() & days.first_at.notna()]
    begun = known.groupby(["week", "day"]).first_at.min().groupby("week").max()
    return {str(week): moment for week, moment in begun.items()}


def league(
    engine: Engine, campaigns: Campaigns, *, where: Filters, as_of: AsOf
) -> tuple[pd.DataFrame, list[str]]:
    """The campaigns that have reached an age, all cut at it, and what is said of the others."""
    [whole] = count(engine, ["funnel"], campaigns, where=where, as_of=as_of)
    reach = newest_event(engine, campaigns, as_of)
    ripe, others = ripe_campaigns(whole, reach)
    if not ripe:
        return league_rows(whole.head(0)), others
    [counts] = count(engine, ["funnel"], ripe, where=where, as_of=RIPE)
    return league_rows(counts), others


def rows_of_parts(counts: pd.DataFrame, question: Question, by: Sequence[str] = ()) -> pd.DataFrame:
    """The counts of one row as rows of their own; what isn't measured stays None."""
    keys = _keys(counts, question, by)
    names = [column.name for column in question.columns if not column.whole]
    rows = []
    for row in counts.to_dict("records"):
        own = [row[key] for key in keys]
        for part in question.parts:
            rows.append([*own, *_part_cells(row, part)])
    table = pd.DataFrame(rows, columns=[*keys, *names], dtype=object)
    # Numpy's integers know no missing value: a table that has one stays a table of objects.
    return table if table.isna().any(axis=None) else table.infer_objects()


def _part_cells(row: Mapping[Hashable, Any], part: Part) -> list[object]:
    """Its name, its count, the whole, and its meaning with the words that were counted, if any."""
    words = row.get(f"{part.name}_words")
    meaning = f"{part.meaning}: {words}" if wording.is_known(words) else part.meaning
    return [
        part.name,
        _whole_number(row[part.name]),
        _whole_number(row[part.whole]),
        meaning,
    ]


def _whole_number(number: float | None) -> int | None:
    """A count that went through pandas, where a column with a missing value is one of floats."""
    return int(number) if wording.is_known(number) else None


def add_rates(counts: pd.DataFrame, question: Question, by: Sequence[str] = ()) -> pd.DataFrame:
    """The counts, with each share and its interval where they stand among the columns."""
    columns: dict[str, np.ndarray] = {}
    for rate in question.rates:
        columns |= rate_columns(counts, rate)
    rows = counts.assign(**columns)
    return rows[[*_keys(counts, question, by), *question.column_names()]]


def _keys(counts: pd.DataFrame, question: Question, by: Sequence[str]) -> list[str]:
    """The columns that say what a row is of: the campaign and what it is split by."""
    own = question.column_names()
    others = [name for name in counts.columns if name not in own]
    return [name for name in others if name in ("campaign", *DIMENSIONS, *by)]


def _columns_of_split(counts: pa.Table, by: Sequence[str]) -> pa.Table:
    """The one column `split` as columns of its own, behind the campaign."""
    if "split" not in counts.column_names:
        return counts
    split = counts["split"]
    columns = counts.drop_columns(["split"])
    for place, name in enumerate(by):
        columns = columns.add_column(place + 1, name, pc.struct_field(split, [place]))
    return columns


def _in_order(counts: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """
    The rows by campaign and what they are split by, missing values last, and else as they stood:
    engines don't agree where a split with a missing value belongs.
    """
    if not by:
        return counts
    return counts.sort_values(["campaign", *by], kind="stable", ignore_index=True)
