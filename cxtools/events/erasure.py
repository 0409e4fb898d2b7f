"""
Erased people in events: what comes in names tokens in their place, and stored parts are written
anew.

A part that names somebody is replaced by another under a new name, as compaction does it: readers
find all of the old one or all of the new one, and a kill leaves one of them. Ids of events stay, or
follow in the same way what comes in, so the same file again adds nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cxtools.erasures import Erasures, own_columns, read_lines
from cxtools.errors import StoreError
from cxtools.events import compaction, parts, replacements
from cxtools.events.database import Resources, database
from cxtools.events.keys import EVENT_HASH, EVENT_ID, MESSAGE_KEY, with_keys
from cxtools.events.messages import layer
from cxtools.events.replacements import Replacement, parts_that_count
from cxtools.files import Staging

if TYPE_CHECKING:
    import pyarrow as pa

#: Where a home keeps who is erased.
ERASURES = "erasures.txt"
#: Seconds within which one part is written: what can't be read then was cut short.
WRITTEN_S = 60.0
#: The columns of an event that texts of people stand in.
TEXTS = (
    EVENT_ID,
    "job_id",
    "message_id",
    "recipient_id",
    "email",
    "bounce_code",
    "bounce_text",
    "link_url",
    "user_agent",
    "ip",
    "raw",
)
#: Those in which an address can stand; the others go with them.
WITH_ADDRESSES = (EVENT_ID, "message_id", "recipient_id", "email", "bounce_text", "link_url", "raw")


def read_erasures(file: Path) -> Erasures:
    """Who is erased, by the file of a home; nobody where there is none."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return Erasures()
    return read_lines(lines)


def erased(table: pa.Table, erasures: Erasures) -> pa.Table:
    """
    Events without those who are erased: the same table where they are in none of them. Keys, where
    there are any, follow.
    """
    if not erasures or not len(table):
        return table
    rows = _rows_naming(table, erasures)
    changes: dict[int, dict[str, str]] = {}
    for number, values in zip(rows, _texts(table, rows), strict=True):
        cleaned = _clean_row(values, erasures)
        if cleaned != values:
            changes[number] = cleaned
    if not changes:
        return table
    return _with_changes(table, changes)


def _rows_naming(table: pa.Table, erasures: Erasures) -> list[int]:
    """The numbers of the rows that may name somebody."""
    import numpy as np
    import pyarrow.compute as pc

    may = np.zeros(len(table), bool)
    for name in WITH_ADDRESSES:
        is_hint = pc.match_substring_regex(table[name], erasures.hint)
        may |= is_hint.to_numpy()
    return [int(number) for number in may.nonzero()[0]]


def _texts(table: pa.Table, rows: list[int]) -> Iterator[dict[str, str]]:
    import pyarrow as pa

    numbers = pa.array(rows, pa.int64())
    taken: list[dict[str, str]] = table.select(TEXTS).take(numbers).to_pylist()
    yield from taken


def _clean_row(values: dict[str, str], erasures: Erasures) -> dict[str, str]:
    own = erasures.by_address(values["email"])
    if own is not None:
        values = own_columns(values, own)
    named = erasures.people_in("\n".join(values[name] for name in WITH_ADDRESSES))
    if own is None and not values["email"] and len(named) == 1:
        return own_columns(values, named[0])
    return {name: erasures.clean_line(text) for name, text in values.items()} if named else values


def _with_changes(table: pa.Table, changes: dict[int, dict[str, str]]) -> pa.Table:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    is_changed = np.zeros(len(table), bool)
    is_changed[list(changes)] = True
    in_order = [changes[number] for number in sorted(changes)]
    for name in TEXTS:
        place = table.schema.get_field_index(name)
        field = table.schema.field(place)
        texts = pa.array([row[name] for row in in_order], field.type)
        column = table[name].combine_chunks()
        changed = pc.replace_with_mask(column, pa.array(is_changed), texts)
        table = table.set_column(place, field, changed)
    if EVENT_HASH in table.column_names:
        table = with_keys(table.drop_columns([EVENT_HASH, MESSAGE_KEY]))
    return table


def erase_in_parts(
    folder: Path,
    erasures: Erasures,
    resources: Resources,
    is_clean: Callable[[Path], bool],
) -> int:
    """
    Write those parts of a campaign anew that name somebody, and remove the layers of messages that
    were made of them; how many they were. Parts that are clean by *is_clean* aren't looked into.

    Raises:
        StoreError: another process merges this campaign's parts, or a part can't be read or
        written; whoever is still named in a part is so until this is called again.
    """
    written = 0
    with compaction.disk(folder), compaction.alone(folder):
        replacements.finish(folder)
        _remove_unfinished(folder, erasures)
        for file in parts_that_count(folder):
            if not is_clean(file):
                written += _erase_in_part(file, erasures, resources)
        for stale in stale_layers(folder):
            layer.remove(stale)
    return written


def _remove_unfinished(folder: Path, erasures: Erasures) -> None:
    """
    Remove the parts that an import left unfinished, and that name somebody or are cut short. One
    that still runs fails by that, and adds everything when it is run again.
    """
    import pyarrow as pa

    for hidden, age_s in replacements.ages_of_hidden_files(folder).items():
        try:
            must_go = _names_somebody(parts.row_groups(hidden), erasures)
        except (StoreError, OSError, pa.ArrowException):
            must_go = age_s > WRITTEN_S
        if must_go:
            hidden.unlink(missing_ok=True)


def _names_somebody(groups: Iterable[pa.Table], erasures: Erasures) -> bool:
    return any(erased(rows, erasures) is not rows for rows in groups)


def _erase_in_part(file: Path, erasures: Erasures, resources: Resources) -> bool:
    if not _names_somebody(_row_groups(file, resources), erasures):
        return False
    name = _name(file, erasures)
    replacement = Replacement(name, (file.name,))
    with Staging() as staging:
        staging.write(file.with_name(name), partial(_write, file, erasures, resources))
        replacements.record(file.parent, replacement)
        staging.publish()
    file.unlink(missing_ok=True)
    return True


def _name(file: Path, erasures: Erasures) -> str:
    text = "\n".join([file.name, *sorted(erasures.people)])
    digest = hashlib.sha256(text.encode()).hexdigest()[:24]
    return f"{parts.CURRENT.prefix}{digest}.parquet"


def _write(file: Path, erasures: Erasures, resources: Resources, written: IO[bytes]) -> None:
    rows = (erased(rows, erasures) for rows in _row_groups(file, resources))
    parts.write_all(rows, written)


def _row_groups(file: Path, resources: Resources) -> Iterator[pa.Table]:
    """The rows of a part, of any version, so many at once."""
    if parts.version_of(file) is parts.CURRENT:
        yield from parts.row_groups(file)
        return
    with database(file.parent, resources) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield parts.rows_in(connection, file)


def stale_layers(folder: Path) -> list[Path]:
    """
    The layers of a campaign's messages that were made of parts which aren't there any more, also
    those of which a killed process has removed a part only.
    """
    origins: set[str] = set()
    for file in parts_that_count(folder):
        origins |= parts.origins(file)
    layers = layer.layers_folder(folder.parent, folder.name)
    stale = [known.folder for known in layer.all_layers(layers) if not known.origins <= origins]
    return [*stale, *layer.half_removed(layers)]
