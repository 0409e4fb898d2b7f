"""
The plan: which people a campaign will mail, and who is left out and why. Pure.

Rule 1: nobody is left out silently. Every row of the list ends as one Recipient or one LeftOut.
Rule 2: a row that is wrong stops the plan, unless the user says otherwise; what is wrong is said
all at once. Rule 3: rows pass through one by one; of each person only a digest of 16 bytes is kept,
by whoever calls, to recognise them in a later row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from cxtools import wording
from cxtools.errors import ConfigError
from cxtools.identity import recipient_key
from cxtools.model import LeftOut, Recipient
from cxtools.sending.address import bare_address, normal_address
from cxtools.sending.message import BATCH_TAG
from cxtools.sending.row import OWN_COLUMNS, Row, cell_text
from cxtools.sending.spec import Spec
from cxtools.text import mask_address

#: Wrong rows that an error names; the others are counted.
FAULTS_SHOWN = 20


class DigestSet(Protocol):
    """Digests that were met; `digests.Digests` is one."""

    def add(self, digest: bytes, /) -> bool:
        """Take a digest in; False for one that was met before."""


def plan_recipients(
    rows: Iterable[Row],
    spec: Spec,
    digests: DigestSet,
    *,
    skip_invalid: bool = False,
) -> Iterator[Recipient | LeftOut]:
    """
    One item per row, in order: whom to mail, or who is left out and why. The first of several rows
    for one person counts: *digests*, empty at first, takes in each person who is mailed.

    Nothing may be sent before the iterator has ended: what is wrong with the rows is known only
    then.

    Raises:
        ConfigError: rows are wrong and *skip_invalid* is False (the first faults with their lines,
            all counted), or columns are missing or extra.

    >>> from cxtools.sending.spec import parse_spec
    >>> values = {"name": "q3", "subject": "Hi", "template_id": "t", "sender": "me@example.com"}
    >>> spec = parse_spec(values, any_template_id=True)
    >>> addresses = ["ann@example.com", "ANN@example.com", "bob"]
    >>> rows = [Row(line, {"email": address}) for line, address in enumerate(addresses, 2)]
    >>> from cxtools.sending.digests import Digests
    >>> items = plan_recipients(rows, spec, Digests(), skip_invalid=True)
    >>> [getattr(item, "reason", "mailed") for item in items]
    ['mailed', 'duplicate', 'invalid']
    """
    shown: list[LeftOut] = []
    wrong = 0
    for row in rows:
        item = _plan_row(row, spec, digests)
        yield item
        if isinstance(item, LeftOut) and item.reason == "invalid":
            wrong += 1
            if len(shown) < FAULTS_SHOWN:
                shown.append(item)
    if wrong and not skip_invalid:
        raise wrong_rows(shown, wrong)


def wrong_rows(shown: Sequence[LeftOut], count: int) -> ConfigError:
    """The error that says which of *count* wrong rows are wrong, and how."""
    rows = f"{wording.count(count)} rows are"
    if count == 1:
        rows = "1 row is"
    lines = [f"{rows} wrong, nothing was planned or sent:"]
    for row in shown[:FAULTS_SHOWN]:
        address = row.masked or "(no address)"
        lines.append(f"  line {row.line}: {address} – {row.detail}")
    hidden = count - FAULTS_SHOWN
    if hidden > 0:
        lines.append(f"  … and {wording.count(hidden)} more")
    return ConfigError(
        "\n".join(lines),
        do="correct the rows, or leave them out with --skip-invalid (skip_invalid=True)",
    )


def _plan_row(row: Row, spec: Spec, digests: DigestSet) -> Recipient | LeftOut:
    _check_columns(row, spec)
    address, faults = _check_address(cell_text(row.cells["email"]))
    tags = _tags(row.cells.get("tags"))
    fields = _merge_fields(row)
    faults += _field_faults(fields, spec)
    faults += _text_faults(tags, fields)
    detail = row.fault or "; ".join(faults)
    shown = mask_address(address)
    if detail:
        return LeftOut(row.line, "invalid", detail, shown)
    digest = bytes.fromhex(recipient_key(address))
    if not digests.add(digest):
        detail = "the same person stands in an earlier row"
        return LeftOut(row.line, "duplicate", detail, shown)
    return Recipient(address, fields, tags)


def _check_columns(row: Row, spec: Spec) -> None:
    columns = set(row.cells)
    fields = columns.difference(OWN_COLUMNS)
    wanted = fields
    if spec.fields is not None:
        wanted = set(spec.fields)
    missing = wanted.union({"email"}) - columns
    extra = fields - wanted
    faults = []
    if missing:
        names = ", ".join(sorted(missing))
        faults.append(f"missing: {names}")
    if extra:
        names = ", ".join(sorted(extra))
        faults.append(f"not among the template's fields: {names}")
    if faults:
        header = ", ".join(repr(name) for name in row.cells)
        raise ConfigError(
            f"the recipients' columns are wrong; {'; '.join(faults)}",
            where=f"row at line {row.line}",
            do=f"columns found: {header}; correct the file, or `fields` in the spec",
        )


def _check_address(text: str) -> tuple[str, list[str]]:
    """The normal form and no fault, or the address as it was written and what is wrong with it."""
    if not text.strip():
        return "", ["email is empty"]
    if text.lstrip().startswith("'"):
        return text.strip(), ["email: it begins with an apostrophe, as Excel writes texts"]
    try:
        return normal_address(bare_address(text)), []
    except ValueError as refused:
        return text.strip(), [f"email: {refused}"]


def _merge_fields(row: Row) -> dict[str, str]:
    fields = {}
    for name, cell in row.cells.items():
        if name not in OWN_COLUMNS:
            fields[name] = cell_text(cell)
    return fields


def _field_faults(fields: Mapping[str, str], spec: Spec) -> list[str]:
    if spec.fields is None:
        return []
    empty = [name for name in spec.fields if not fields[name].strip()]
    return [f"{name} is empty" for name in empty]


def _text_faults(tags: Sequence[str], fields: Mapping[str, str]) -> list[str]:
    faults = []
    if any(tag.startswith(BATCH_TAG) for tag in tags):
        faults.append(f"tags beginning with {BATCH_TAG} are cxtools' own")
    texts = {**fields, "tags": "".join(tags)}
    for name, text in texts.items():
        if not _is_text(text):
            faults.append(f"{name} holds characters that are not text")
    return faults


def _tags(cell: object) -> tuple[str, ...]:
    if isinstance(cell, str):
        parts: list[str] = cell.split(";")
    elif isinstance(cell, Iterable):
        parts = [str(part) for part in cell]
    else:
        parts = [cell_text(cell)]
    stripped = (part.strip() for part in parts)
    return tuple(dict.fromkeys(tag for tag in stripped if tag))


def _is_text(text: str) -> bool:
    """False for NUL and for halves of surrogate pairs, which UTF-8 can't write."""
    if "\0" in text:
        return False
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
