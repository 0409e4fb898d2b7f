"""
What a campaign is, apart from its recipients: the keys of SPEC.toml, checked all at once. Pure.

The identity of a campaign's content stands here, too: one digest over its spec and its rows.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from cxtools.errors import ConfigError
from cxtools.sending.address import normal_address
from cxtools.sending.row import OWN_COLUMNS, Row, cell_text
from cxtools.text import canonical_json
from cxtools.wording import did_you_mean

#: A year: a longer cooldown is a mistake in the unit.
LONGEST_COOLDOWN_H = 365 * 24
#: The ledger numbers waves with one digit.
MOST_WAVES = 9
#: Tables of SPEC.toml that say how much and when, not what is sent; they may change at any time.
TERMS = {"limits", "retry"}


class Tracking(BaseModel, frozen=True, extra="forbid"):
    """What the API is asked to track."""

    opens: bool = True
    clicks: bool = True


class Limits(BaseModel, frozen=True, extra="forbid"):
    """
    How much may be sent.

    `daily` caps the recipients of one account and day, over all campaigns; None: no cap of ours.
    """

    daily: int | None = Field(default=None, ge=0)


class Retry(BaseModel, frozen=True, extra="forbid"):
    """
    When the people of soft bounces are mailed again, and how often.

    `cooldown_h` are the hours between a campaign and its first retry wave; each further wave waits
    twice as long as the one before. `waves` is the most that there are; 0: none.
    """

    cooldown_h: float = Field(default=24.0, ge=0, le=LONGEST_COOLDOWN_H)
    waves: int = Field(default=3, ge=0, le=MOST_WAVES)


class Spec(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """
    What a campaign is, apart from its recipients; `parse_spec` makes it.

    `fields` are the placeholders of the template: where they are listed, each recipient must bring
    exactly these, none empty.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    subject: str = Field(min_length=1, max_length=998)
    template_id: str = Field(min_length=1, max_length=200)
    sender: Annotated[str, AfterValidator(normal_address)]
    fields: tuple[str, ...] | None = None
    tracking: Tracking = Tracking()
    limits: Limits = Limits()
    retry: Retry = Retry()

    @field_validator("subject", "template_id")
    @classmethod
    def _check_line(cls, text: str) -> str:
        # A line break would end the header, other control characters would hide something.
        if not text.isprintable():
            raise ValueError("must be one line without control characters")
        return text

    @field_validator("template_id")
    @classmethod
    def _check_template_id(cls, text: str, info: ValidationInfo) -> str:
        if info.context and info.context["any_template_id"]:
            return text
        return str(UUID(text))

    @field_validator("fields")
    @classmethod
    def _check_fields(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if names is None:
            return None
        names = tuple(unicodedata.normalize("NFC", name) for name in names)
        repeated = len(set(names)) < len(names)
        reserved = {*OWN_COLUMNS, ""}.intersection(names)
        if repeated or reserved:
            allowed = f"none of them empty, {' or '.join(OWN_COLUMNS)}"
            raise ValueError(f"must be different names, {allowed}")
        return names


def parse_spec(
    values: Mapping[str, Any],
    *,
    any_template_id: bool = False,
    where: str = "",
) -> Spec:
    """
    The spec of a campaign from plain values, as SPEC.toml holds them.

    Raises:
        ConfigError: with everything that is wrong, not only the first fault.

    >>> values = {"name": "q3", "subject": "Hi", "template_id": "t-1", "sender": "Me@Example.com"}
    >>> parse_spec(values, any_template_id=True).sender
    'Me@example.com'
    >>> parse_spec({"name": "q3", "subject": "Hi"})
    Traceback (most recent call last):
    cxtools.errors.ConfigError: the campaign's spec is wrong: template_id: is missing; sender: is
    missing
      -> correct it; nothing was sent
    """
    try:
        return Spec.model_validate(dict(values), context={"any_template_id": any_template_id})
    except ValidationError as refused:
        # Raised below, outside of this block: pydantic's own error shows the values.
        faults = [
            _fault_text(fault["loc"], fault["type"], fault["msg"])
            for fault in refused.errors(include_input=False, include_url=False)
        ]
    raise ConfigError(
        f"the campaign's spec is wrong: {'; '.join(faults)}",
        where=where,
        do="correct it; nothing was sent",
    )


#: The tables of SPEC.toml, for the names of their keys.
TABLES: dict[str, type[BaseModel]] = {
    "tracking": Tracking,
    "limits": Limits,
    "retry": Retry,
}
#: pydantic's kind of fault, for any field -> our words, where pydantic's don't help
FAULT_TEXTS = {"missing": "is missing"}
#: (field, pydantic's kind of fault) -> the same for one field
FIELD_FAULT_TEXTS = {
    ("name", "string_pattern_mismatch"): (
        "letters, digits, . _ - only, at most 100, beginning with a letter or digit"
    ),
    ("template_id", "value_error"): (
        "must be a UUID (a profile with any_template_id = true lifts this)"
    ),
}


def _fault_text(loc: Sequence[int | str], kind: str, message: str) -> str:
    field = str(loc[0])
    place = ".".join(str(part) for part in loc)
    if kind == "extra_forbidden":
        keys = TABLES.get(field, Spec).model_fields
        meant = did_you_mean(str(loc[-1]), keys)
        return f"{place}: is not known; {meant}known are {', '.join(keys)}"
    text = FIELD_FAULT_TEXTS.get((field, kind)) or FAULT_TEXTS.get(kind)
    if text is None:
        text = message.removeprefix("Value error, ")
    return f"{place}: {text}"


class ContentDigest:
    """
    The identity of a campaign's content: what is sent, and the rows as they were written.

    The daily limit and the terms of retry waves may change without changing it.
    """

    def __init__(self, spec: Spec) -> None:
        content = spec.model_dump(mode="json", exclude=TERMS)
        self._hash = hashlib.sha256(canonical_json(content).encode())

    def add(self, row: Row) -> None:
        """Count one row in, whatever is wrong with it."""
        cells = [[name, cell_text(cell)] for name, cell in row.cells.items()]
        line = canonical_json(cells) + "\n"
        self._hash.update(line.encode(errors="surrogatepass"))

    def rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, each counted in as it passes."""
        for row in rows:
            self.add(row)
            yield row

    def text(self) -> str:
        """The digest of everything counted in so far, in hexadecimal."""
        return self._hash.hexdigest()


def content_digest(spec: Spec, rows: Iterable[Row]) -> str:
    """
    The identity of a campaign's content, see `ContentDigest`.

    >>> values = {"name": "q3", "subject": "Hi", "template_id": "t", "sender": "me@example.com"}
    >>> spec = parse_spec(values, any_template_id=True)
    >>> ann, bob = Row(2, {"email": "ann@example.com"}), Row(2, {"email": "bob@example.com"})
    >>> content_digest(spec, [ann]) == content_digest(spec, [bob])
    False
    """
    digest = ContentDigest(spec)
    for row in rows:
        digest.add(row)
    return digest.text()
