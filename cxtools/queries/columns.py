"""
The views that people ask in SQL, as rows: their columns, what these mean, and how they are made.

`columns.tsv` is read by the views themselves, by the documentation and by the error messages.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from cxtools import text

#: View -> the relation of a session that it shows, and what one row is.
VIEWS = {
    "messages": ("all_messages", "message to one recipient"),
    "clicks": ("clicks", "click"),
    "events": ("events", "event, each once"),
    "campaigns": ("stored_counts", "campaign that has events"),
}
#: The view that has a column for each segment that a statement names.
OF_SEGMENTS = "messages"
NO_SEGMENTS: Mapping[str, str] = {}
#: What the expressions call. Addresses are masked as `text.mask_address` and `text.safe_line` do; a
#: person's name is that of the ledger's keys.
FUNCTIONS = """
create macro person_of(email) as case
    when email <> '' then substr(sha256(lower(trim(email))), 1, 32)
end;
"""
SHOWN = """
create macro shown_address(email) as email;
create macro shown_text(words) as words;
"""
#: The house's pattern as SQL writes a text.
LOCAL_PART = text.LOCAL_PART.pattern.replace("'", "''")
HOLDS_A_MARK = " or ".join(f"contains(words, '{mark}')" for mark in text.ALL_MARKS)
MASKED = rf"""
create macro shown_address(email) as case
    when email is null or email = '' then email
    when contains(email, '@') then left(email, 1) || '***@' || regexp_extract(email, '@([^@]*)$', 1)
    else '***'
end;
create macro shown_text(words) as case
    when {HOLDS_A_MARK}
    then regexp_replace(words, '{LOCAL_PART}', '{text.MASKED}', 'g')
    else words
end;
"""


@dataclass(frozen=True)
class ViewColumn:
    """One column of a view: its type and meaning, and the SQL that makes it."""

    view: str
    name: str
    type: str
    meaning: str
    expression: str


@cache
def view_columns() -> tuple[ViewColumn, ...]:
    """The columns of all views, in their order."""
    path = files(__package__).joinpath("columns.tsv")
    [_, *rows] = path.read_text(encoding="utf-8").splitlines()
    return tuple(ViewColumn(*row.split("\t")) for row in rows)


def names(view: str) -> list[str]:
    """The columns of a view."""
    return [column.name for column in view_columns() if column.view == view]


def view_query(
    view: str, left_out: Collection[str] = (), segments: Mapping[str, str] = NO_SEGMENTS
) -> str:
    """
    The SQL of a view, but for columns that nobody asks for and that would have to be looked up;
    with *segments*, by their expressions. A store without events has one campaign without a name,
    which nobody means.

    >>> view_query("clicks", ["message_key", "ts", "link_url"])
    "select campaign as campaign, is_content as is_content from clicks where clicks.campaign <> ''"
    """
    relation, _ = VIEWS[view]
    shown = [
        f"{column.expression} as {column.name}"
        for column in view_columns()
        if column.view == view and column.name not in left_out
    ]
    for name, expression in segments.items():
        quoted = name.replace('"', '""')
        shown.append(f'{expression} as "{quoted}"')
    return f"select {', '.join(shown)} from {relation} where {relation}.campaign <> ''"
