"""
What a statement may be: one `select` that reads the views, and calls nothing but functions of its
rows.

Pure. How a statement is read is DuckDB's own word, the document of its `json_serialize_sql`: what
is judged is what would run. A second lock stands behind: the database that runs a statement has no
files but the views', no network and no settings to change.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cxtools.errors import ConfigError
from cxtools.wording import did_you_mean

#: Functions that make rows of nothing but their arguments.
ROW_FUNCTIONS = {"generate_series", "range", "unnest"}
#: Functions that tell another thing each time, and nothing of the machine but its clock.
OF_THE_MOMENT = {
    "current_date",
    "current_localtime",
    "current_localtimestamp",
    "current_timestamp",
    "gen_random_uuid",
    "get_current_time",
    "get_current_timestamp",
    "now",
    "random",
    "today",
    "transaction_timestamp",
    "uuid",
}
#: Functions that DuckDB calls consistent, and that speak of the database or of statements.
REFUSED = {
    "hive_partition_component",
    "icu_sort_key",
    "json_deserialize_sql",
    "json_execute_serialized_sql",
    "json_serialize_plan",
    "json_serialize_sql",
    "parse_duckdb_log_message",
    "stats",
    "version",
}
#: Macros of the database that speak of itself, as PostgreSQL's do.
OF_THE_DATABASE = re.compile(
    r"pg_|has_|inet_|current_|session_user|user$|col_description|obj_description|shobj_|"
    r"format_pg_type|format_type|get_block_size|map_to_pg_oid|json_copy_|__"
)
#: What the parser makes of brackets, braces, casts and comparisons.
OF_THE_PARSER = {"row", "struct_pack", "list_value", "array_extract", "unnest", "list_zip"}
#: The names of a statement's own parts.
PLAIN_NAME = re.compile(r"[a-z_]\w*", re.IGNORECASE)
ALLOWED_STABILITY = "CONSISTENT"
#: What asks for columns without their names.
WHOLE_ROWS = {"POSITIONAL_REFERENCE", "STAR"}
START = "begin with select, from, values or with"
#: What DuckDB calls a kind of statement, where that says little, and what to do instead.
OTHER_KINDS = {
    "MULTI": (
        "pivot without its values",
        "write from messages pivot (count(*) for provider in ('gmail', 'yahoo'))",
    ),
}


@dataclass(frozen=True)
class Vocabulary:
    """What statements may name: views and functions; and the database's own tables, never."""

    views: Collection[str]
    functions: Collection[str]
    own_tables: Collection[str]


def allowed_functions(known: Iterable[Sequence[str]]) -> set[str]:
    """
    The functions that a statement may call, of those that the database has: rows of name, type and
    stability.

    >>> known = [("lower", "scalar", "CONSISTENT"), ("getvariable", "scalar", "VOLATILE")]
    >>> allowed_functions(known) - OF_THE_MOMENT - OF_THE_PARSER
    {'lower'}
    """
    allowed = OF_THE_MOMENT | OF_THE_PARSER
    for name, kind, stability in known:
        is_of_rows = kind in ("scalar", "aggregate", "window") and stability == ALLOWED_STABILITY
        is_macro = kind == "macro" and not OF_THE_DATABASE.match(name)
        if (is_of_rows or is_macro) and name not in REFUSED:
            allowed.add(name)
    return allowed


def check_kinds(kinds: Sequence[str]) -> None:
    """
    Refuse what isn't one `select`.

    Raises:
        ConfigError: it is nothing, several statements, or one of another kind.
    """
    if len(kinds) != 1:
        raise ConfigError(
            f"one statement is asked for, not {len(kinds) or 'nothing'}",
            where="SQL",
            do=f"{START}, and leave out what stands behind the semicolon",
        )
    [kind] = kinds
    if kind != "SELECT":
        word, advice = OTHER_KINDS.get(kind, (kind.lower().replace("_", " "), START))
        raise ConfigError(f"{word} is refused: SQL only reads here", where="SQL", do=advice)


def check_document(document: Any, words: Vocabulary) -> None:
    """
    Refuse what reads anything but the views, or calls anything but functions of rows.

    Raises:
        ConfigError: it does; the message names it, and what there is instead.
    """
    nodes = list(_nodes(document))
    parts: set[str] = set()
    for node in nodes:
        parts.update(str(part).lower() for part in _own_parts(node))
    for part in sorted(parts):
        if part in words.own_tables or not PLAIN_NAME.fullmatch(part):
            raise ConfigError(
                f"a part of the statement can't be named {part!r}",
                where="SQL",
                do="choose another name",
            )
    for node in nodes:
        _check_node(node, words, parts)


def read_names(document: Any) -> set[str]:
    """
    The tables and columns that a statement names, and `*` where it asks for all columns: also by
    a whole row (`to_json(messages)`), a place (`#3`), or names of its own (`messages as m(a, b)`).
    """
    names: set[str] = set()
    last_names: set[str] = set()
    tables: set[str] = set()
    for node in _nodes(document):
        if node.get("type") == "BASE_TABLE":
            names.add(node["table_name"].lower())
            tables |= {node["table_name"].lower(), str(node.get("alias", "")).lower()}
        if node.get("type") in WHOLE_ROWS or node.get("column_name_alias"):
            names.add("*")
        if node.get("type") == "COLUMN_REF":
            path = [name.lower() for name in node["column_names"]]
            names.update(path)
            last_names.add(path[-1])
        names |= {name.lower() for name in node.get("using_columns") or ()}
    if last_names & tables:
        names.add("*")
    return names


def own_names(document: Any) -> set[str]:
    """
    The names that a statement gives to what it counts, and reads only to put its rows in order:
    they are no columns of a view (`count(*) as people … order by people`).
    """
    given = {str(node.get("alias", "")).lower() for node in _nodes(document)}
    read: set[str] = set()
    for node in _nodes(document, without="modifiers"):
        if node.get("type") == "COLUMN_REF":
            read |= {name.lower() for name in node["column_names"]}
        if node.get("type") == "BASE_TABLE":
            read.add(node["table_name"].lower())
    return given - read


def _check_node(node: Mapping[str, Any], words: Vocabulary, parts: Collection[str]) -> None:
    kind = node.get("type")
    if kind == "BASE_TABLE":
        _check_table(node, words, parts)
    elif kind == "TABLE_FUNCTION":
        _check_row_function(node["function"])
    elif kind == "SHOW_REF" and not node.get("query"):
        raise ConfigError(
            "show is refused", where="SQL", do=f"describe one of {', '.join(words.views)}"
        )
    elif "function_name" in node:
        _check_function(node, words)


def _check_table(node: Mapping[str, Any], words: Vocabulary, parts: Collection[str]) -> None:
    name = node["table_name"].lower()
    is_plain = not node["schema_name"] and not node["catalog_name"]
    if is_plain and (name in words.views or name in parts):
        return
    path = [node["catalog_name"], node["schema_name"], node["table_name"]]
    raise ConfigError(
        f"there is no table {'.'.join(filter(None, path))!r}",
        where="SQL",
        do=f"{did_you_mean(name, words.views)}choose from: {', '.join(words.views)}",
    )


def _check_row_function(function: Mapping[str, Any]) -> None:
    name = str(function.get("function_name", "")).lower()
    if name not in ROW_FUNCTIONS or function.get("schema"):
        raise ConfigError(
            f"{name or 'that'} can't be read from: SQL reads the views, no files and no addresses",
            where="SQL",
            do=f"rows are made by {', '.join(sorted(ROW_FUNCTIONS))}",
        )


def _check_function(node: Mapping[str, Any], words: Vocabulary) -> None:
    name = str(node["function_name"]).lower()
    if node.get("schema") or node.get("catalog"):
        raise ConfigError(
            f"{name} is called by its schema", where="SQL", do="write the function's name alone"
        )
    if name in words.functions or name in ROW_FUNCTIONS:
        return
    meant = did_you_mean(name, words.functions)
    raise ConfigError(
        f"the function {name} isn't there, or tells of the machine",
        where="SQL",
        do=f"{meant}call functions of rows: those of texts, numbers, moments and lists, "
        "aggregates and windows",
    )


def _own_parts(node: Mapping[str, Any]) -> Iterator[str]:
    """The names that a statement gives to its own parts (`with NAME as …`)."""
    named = node.get("cte_map") or {}
    for entry in named.get("map", ()):
        yield entry["key"]


def _nodes(document: Any, without: str = "") -> Iterator[Mapping[str, Any]]:
    """
    Every object of a document, without recursion: a statement may be nested however deep. What
    stands under the key *without* is left out.
    """
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting += [each for key, each in value.items() if key != without]
        elif isinstance(value, list):
            waiting += value
