"""Answers: a question of the catalogue and some campaigns in, a table out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cxtools import wording
from cxtools.errors import ConfigError, StoreError
from cxtools.measures.ages import earlier_campaigns, window
from cxtools.measures.catalogue import DIMENSIONS, named, sql
from cxtools.measures.engine import NO_FILTERS, AsOf, Campaigns, Engine, Filters
from cxtools.measures.question import Question
from cxtools.measures.stats import share, wilson
from cxtools.measures.table import Table

#: One dimension to split by, or several.
By = str | Sequence[str] | None
#: Dimension -> the value that messages must have, or one of several.
Where = Mapping[str, Any] | None


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
    count, or a timedelta: the same age for each campaign since its start.

    Raises:
        ConfigError: *as_of* is not a moment, or there is no such question.
        StoreError: a campaign, dimension or value is unknown; or the question can't be split,
        filtered, or asked of several campaigns.
    """
    question = named(name)
    splits = dimensions(question, by)
    filters = values(question, where)
    if question.earlier:
        campaigns, as_of = at_one_age(engine, question, campaigns, as_of)
    [counts] = count(engine, [question.name], campaigns, by=splits, where=filters, as_of=as_of)
    rows = with_rates(one_row_per_part(counts, question), question)
    table = Table(rows).answering(question)
    if question.earlier:
        table = table.sort_values("first_at", kind="stable", ignore_index=True)
    return table.answering(question)


def count(
    engine: Engine,
    names: Sequence[str],
    campaigns: Campaigns = None,
    *,
    by: Sequence[str] = (),
    where: Filters = NO_FILTERS,
    as_of: AsOf = None,
) -> list[pd.DataFrame]:
    """
    What the SQL of several questions counts, without rates, over events that are read and judged
    once.
    """
    files = [named(name).file for name in names]
    with engine.session(campaigns, by=by, where=where, as_of=as_of) as session:
        return [_columns_of_split(session.run(sql(file)), by).to_pandas() for file in files]


def dimensions(question: Question, by: By) -> list[str]:
    """The dimensions to split by, each once and in the order of DIMENSIONS."""
    names = [by] if isinstance(by, str) else list(by or ())
    if names and not question.splits:
        raise StoreError(f"{question.name} can't be split", do="leave `by` out")
    unknown = [name for name in names if name not in DIMENSIONS]
    if unknown:
        raise StoreError(
            f"can't split by {', '.join(unknown)}", do=f"choose from: {', '.join(DIMENSIONS)}"
        )
    return [name for name in DIMENSIONS if name in names]


def values(question: Question, where: Where) -> dict[str, list[str]]:
    """Dimension -> the values, as text, that messages must have one of."""
    if where and not question.filters:
        raise StoreError(f"{question.name} can't be filtered", do="leave `where` out")
    wanted: dict[str, list[str]] = {}
    for name, value in (where or {}).items():
        if name not in DIMENSIONS:
            raise StoreError(f"can't filter by {name}", do=f"choose from: {', '.join(DIMENSIONS)}")
        several = value if isinstance(value, list | tuple | set) else [value]
        wanted[name] = [str(each) for each in several]
    return wanted


def parse_where(texts: Iterable[str]) -> dict[str, list[str]]:
    """
    Filters as people type them; a column that comes again may have either value.

    >>> parse_where(["provider=gmail", "provider=yahoo", "day=2026-09-14"])
    {'provider': ['gmail', 'yahoo'], 'day': ['2026-09-14']}
    """
    where: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(
                f"a filter needs COLUMN=VALUE, not {text!r}",
                do=f"write one as provider=gmail; columns: {', '.join(DIMENSIONS)}",
            )
        where.setdefault(name.strip(), []).append(value.strip())
    return where


def at_one_age(
    engine: Engine, question: Question, campaigns: Campaigns, as_of: AsOf
) -> tuple[list[str], AsOf]:
    """A campaign and the ones before it, and the age that it has reached: all are cut there."""
    names = [campaigns] if isinstance(campaigns, str) else list(campaigns or ())
    if len(names) != 1:
        raise StoreError(
            f"{question.name} is asked of one campaign, not of {len(names) or 'all'}",
            do="name the campaign that the earlier ones stand beside",
        )
    known = window(engine, names[0], as_of)
    earlier = earlier_campaigns(engine, names[0], known.first_at, question.earlier)
    return [*earlier, *names], as_of if known.age is None else known.age


def one_row_per_part(counts: pd.DataFrame, question: Question) -> pd.DataFrame:
    """
    The counts of one row as rows of their own, where the question has such parts.

    What isn't measured stays None. A column `NAME_words` says what was counted as NAME.
    """
    if not question.parts:
        return counts
    name_column, count_column, whole_column = (column.name for column in question.columns[:3])
    keys = [name for name in counts.columns if name == "campaign" or name in DIMENSIONS]
    rows = []
    for row in counts.to_dict("records"):
        for part in question.parts:
            words = row.get(f"{part.name}_words")
            says = f"{part.meaning}: {words}" if wording.known(words) else part.meaning
            cells = {name: row[name] for name in keys}
            cells |= {name_column: part.name, "meaning": says}
            cells |= {count_column: _whole(row[part.name]), whole_column: _whole(row[part.whole])}
            rows.append(cells)
    columns = [*keys, name_column, count_column, whole_column, "meaning"]
    # Numpy's integers know no missing value: a table that has one stays a table of objects.
    table = pd.DataFrame(rows, columns=columns, dtype=object)
    return table if table.isna().any(axis=None) else table.infer_objects()


def with_rates(counts: pd.DataFrame, question: Question) -> pd.DataFrame:
    """The counts, with each share and its interval where they stand among the columns."""
    rows = counts.copy()
    for rate in question.rates:
        parts = pd.to_numeric(counts[rate.measured or rate.part])
        wholes = pd.to_numeric(counts[rate.whole])
        pairs = list(zip(parts, wholes, strict=True))
        rows[rate.name] = [share(part, whole) for part, whole in pairs]
        if rate.interval:
            low, high = rate.interval
            bounds = [wilson(part, whole) for part, whole in pairs]
            rows[low] = [bound[0] for bound in bounds]
            rows[high] = [bound[1] for bound in bounds]
    keys = [name for name in counts.columns if name == "campaign" or name in DIMENSIONS]
    return rows[[*keys, *question.column_names()]]


def _columns_of_split(counts: pa.Table, by: Sequence[str]) -> pa.Table:
    """The one column `split` as columns of its own, behind the campaign."""
    if "split" not in counts.column_names:
        return counts
    split = counts["split"]
    columns = counts.drop_columns(["split"])
    for place, name in enumerate(by, 1):
        columns = columns.add_column(place, name, pc.struct_field(split, name))
    return columns


def _whole(number: float | None) -> int | None:
    """A count that went through pandas, where a column with a missing value is one of floats."""
    return int(number) if wording.known(number) else None
