"""
The plan: which people a campaign will mail, in which words, and who is left out and why. Pure.

Rule 1: nobody is left out silently. Every row of the input ends as one Recipient or one LeftOut.
Rule 2: a row that is wrong stops the plan, unless the user says otherwise; what is wrong is said
all at once. Rule 3: rows pass through one by one; of each person only a digest of 16 bytes is kept,
to know them again.

Addresses are judged by `email-validator` without DNS, as ASCII: the API says nothing of SMTPUTF8,
so a local part outside ASCII is refused and an international domain is written in its xn-- form.
The local part keeps its case for sending.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple
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
from cxtools.identity import recipient_key
from cxtools.model import Recipient
from cxtools.text import canonical_json, mask_address

MAX_BATCH = 1000  # recipients per POST, by the contract
# marks every recipient with the batch, so that an event can prove that a lost batch was sent
BATCH_TAG = "cxb:"
FAULTS_SHOWN = 20
#: Columns with a meaning of their own; every other one is a merge field.
OWN_COLUMNS = ("email", "tags")


def normal_address(text: str) -> str:
    """
    An address as we send to it: the domain in lower case and ASCII, the local part as given.

    Raises:
        ValueError: it is no address; the message doesn't repeat it.

    >>> normal_address(" Ann@Example.COM "), normal_address("ann@exämple.com")
    ('Ann@example.com', 'ann@xn--exmple-cua.com')
    """
    from email_validator import validate_email

    found = validate_email(
        text.strip(),
        check_deliverability=False,
        strict=True,
        allow_smtputf8=False,
        test_environment=True,
    )
    return found.ascii_email or found.normalized


class Tracking(BaseModel, frozen=True, extra="forbid"):
    opens: bool = True
    clicks: bool = True


class Limits(BaseModel, frozen=True, extra="forbid"):
    """
    `daily` caps the recipients of one account and day, over all campaigns; None: no cap of ours.
    """

    daily: int | None = Field(default=None, ge=0)


class Spec(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """
    What a campaign is, apart from its recipients; made by `checked_spec`, which turns faults into
    one ConfigError.

    `fields` are the placeholders of the template: with them given, each recipient must bring
    exactly these, none empty.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    subject: str = Field(min_length=1, max_length=998)
    template_id: str = Field(min_length=1, max_length=200)
    sender: Annotated[str, AfterValidator(normal_address)]
    fields: tuple[str, ...] | None = None
    tracking: Tracking = Tracking()
    limits: Limits = Limits()

    @field_validator("subject", "template_id")
    @classmethod
    def _one_line(cls, text: str) -> str:
        if (
            not text.isprintable()
        ):  # line breaks would end the header, other control characters hide
            raise ValueError("must be one line without control characters")
        return text

    @field_validator("template_id")
    @classmethod
    def _uuid(cls, text: str, info: ValidationInfo) -> str:
        return text if (info.context or {}).get("any_template_id") else str(UUID(text))

    @field_validator("fields")
    @classmethod
    def _placeholders(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if names and (len(set(names)) < len(names) or set(names) & {*OWN_COLUMNS, ""}):
            raise ValueError(
                f"must be different names, none of them empty, {' or '.join(OWN_COLUMNS)}"
            )
        return names


class Row(NamedTuple):
    """
    One row of the input: where it stands (line of the file, or row counted from 1), its cells, and
    what its reader found wrong.
    """

    line: int
    cells: Mapping[str, Any]
    fault: str = ""


@dataclass(frozen=True)
class LeftOut:
    """
    A row that nobody is mailed for. `reason` is "invalid" or "duplicate", `masked` the address as
    reports may show it.
    """

    line: int
    reason: str
    detail: str
    masked: str = field(default="", repr=False)


def checked_spec(
    values: Mapping[str, Any], *, any_template_id: bool = False, where: str = ""
) -> Spec:
    """
    The spec of a campaign from plain values (as SPEC.toml holds them).

    Raises:
        ConfigError: with everything that is wrong, not only the first fault.

    >>> checked_spec({"name": "q3", "subject": "Hi", "template_id": "t-1", "sender": "Me@Example.com"}, any_template_id=True).sender
    'Me@example.com'
    >>> checked_spec({"name": "q3", "subject": "Hi"})
    Traceback (most recent call last):
    cxtools.errors.ConfigError: the campaign's spec is wrong: template_id: is missing; sender: is
    missing
      -> correct it; nothing was sent
    """
    try:
        return Spec.model_validate(dict(values), context={"any_template_id": any_template_id})
    except ValidationError as refused:
        faults = [
            _fault(fault["loc"], fault["type"], fault["msg"])
            for fault in refused.errors(include_input=False, include_url=False)
        ]
    raise ConfigError(
        f"the campaign's spec is wrong: {'; '.join(faults)}",
        where=where,
        do="correct it; nothing was sent",
    )


#: (field, or "" for any; pydantic's type of fault) -> our words, where pydantic's are no help
FAULT_WORDS = {
    ("", "missing"): "is missing",
    (
        "name",
        "string_pattern_mismatch",
    ): "letters, digits, . _ - only, at most 100, beginning with a letter or digit",
    (
        "template_id",
        "value_error",
    ): "must be a UUID (a profile with any_template_id = true lifts this)",
}


def _fault(loc: Sequence[int | str], kind: str, message: str) -> str:
    words = (
        FAULT_WORDS.get((str(loc[0]), kind))
        or FAULT_WORDS.get(("", kind))
        or message.removeprefix("Value error, ")
    )
    if kind == "extra_forbidden":
        tables: dict[str, type[BaseModel]] = {"tracking": Tracking, "limits": Limits}
        words = f"is not known; known are {', '.join(tables.get(str(loc[0]), Spec).model_fields)}"
    return f"{'.'.join(map(str, loc))}: {words}"


def planned(
    rows: Iterable[Row], spec: Spec, *, skip_invalid: bool = False
) -> Iterator[Recipient | LeftOut]:
    """
    One item per row, in order: whom to mail, or who is left out and why. The first of several rows
    for one person wins.

    Nothing may be sent before the iterator has ended: what is wrong with the rows is known only
    then.

    Raises:
        ConfigError: rows are wrong and *skip_invalid* is False (the first faults with their lines,
        all counted), or columns
            are missing or extra.

    >>> spec = checked_spec({"name": "q3", "subject": "Hi", "template_id": "t", "sender": "me@example.com"}, any_template_id=True)
    >>> rows = [Row(2, {"email": "ann@example.com"}), Row(3, {"email": "ANN@example.com"}), Row(4, {"email": "bob"})]
    >>> [getattr(item, "reason", "mailed") for item in planned(rows, spec, skip_invalid=True)]
    ['mailed', 'duplicate', 'invalid']
    """
    seen: set[bytes] = set()
    shown: list[LeftOut] = []
    faulty = 0
    for row in rows:
        item = _judged(row, spec, seen)
        yield item
        if isinstance(item, LeftOut) and item.reason == "invalid":
            faulty += 1
            shown += [item] if faulty <= FAULTS_SHOWN else []
    if faulty and not skip_invalid:
        raise _rows_are_wrong(shown, faulty)


def _judged(row: Row, spec: Spec, seen: set[bytes]) -> Recipient | LeftOut:
    _check_columns(row, spec)
    email, fault = _address(_text(row.cells["email"]))
    tags = _tags(row.cells.get("tags"))
    fields = {name: _text(value) for name, value in row.cells.items() if name not in OWN_COLUMNS}
    if faults := row.fault or "; ".join([*fault, *_faults(tags, fields, spec)]):
        return LeftOut(row.line, "invalid", faults, mask_address(email))
    key = bytes.fromhex(recipient_key(email))
    if key in seen:
        return LeftOut(
            row.line, "duplicate", "the same person stands in an earlier row", mask_address(email)
        )
    seen.add(key)
    return Recipient(email, fields, tags)


def _check_columns(row: Row, spec: Spec) -> None:
    columns = set(row.cells)
    wanted = set(spec.fields) if spec.fields is not None else columns - set(OWN_COLUMNS)
    missing = sorted({"email", *wanted} - columns)
    extra = sorted(columns - wanted - set(OWN_COLUMNS))
    if not missing and not extra:
        return
    faults = [f"missing: {', '.join(missing)}"] * bool(missing) + [
        f"not among the template's fields: {', '.join(extra)}"
    ] * bool(extra)
    raise ConfigError(
        f"the recipients' columns are wrong; {'; '.join(faults)}",
        where=f"row at line {row.line}",
        do=f"columns found: {', '.join(map(repr, row.cells))}; correct the file, or `fields` in the spec",
    )


def _address(given: str) -> tuple[str, list[str]]:
    """The normal form and no fault, or the address as given and what is wrong with it."""
    if not given.strip():
        return "", ["email is empty"]
    try:
        return normal_address(given), []
    except ValueError as refused:
        return given.strip(), [f"email: {refused}"]


def _faults(tags: Sequence[str], fields: Mapping[str, str], spec: Spec) -> list[str]:
    empty = [f"{name} is empty" for name in spec.fields or () if not fields[name].strip()]
    ours = [f"tags beginning with {BATCH_TAG} are cxtools' own"] * any(
        tag.startswith(BATCH_TAG) for tag in tags
    )
    texts = {**fields, "tags": "".join(tags)}
    broken = [
        f"{name} holds characters that are no text"
        for name, text in texts.items()
        if not _is_text(text)
    ]
    return [*empty, *ours, *broken]


def _rows_are_wrong(shown: Sequence[LeftOut], faulty: int) -> ConfigError:
    lines = "".join(
        f"\n  line {item.line}: {item.masked or '(no address)'} – {item.detail}" for item in shown
    )
    more = f"\n  … and {faulty - len(shown):,} more" if faulty > len(shown) else ""
    rows = "1 row is" if faulty == 1 else f"{faulty:,} rows are"
    return ConfigError(
        f"{rows} wrong, nothing was planned or sent:{lines}{more}",
        do="correct the rows, or leave them out with --skip-invalid (skip_invalid=True)",
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _tags(value: Any) -> tuple[str, ...]:
    parts = value.split(";") if isinstance(value, str) else value or ()
    return tuple(dict.fromkeys(tag for part in parts if (tag := str(part).strip())))


def _is_text(text: str) -> bool:
    """False for NUL and for halves of surrogate pairs, which UTF-8 can't write."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def message_body(spec: Spec, recipients: Sequence[Recipient], *, batch_id: str) -> bytes:
    """
    The bytes of the POST that submits one batch; the same batch always gives the same bytes.

    Raises:
        ConfigError: nobody to mail, or more than the API takes at once.
    """
    if not 1 <= len(recipients) <= MAX_BATCH:
        raise ConfigError(
            f"a batch holds 1 to {MAX_BATCH:,} recipients, not {len(recipients):,}",
            do="plan the campaign in batches",
        )
    people = [person.to_api() for person in recipients]
    for person in people:
        person["tags"].append(f"{BATCH_TAG}{batch_id}")
    return canonical_json(
        {
            "subject": spec.subject,
            "templateId": spec.template_id,
            "senderAddress": spec.sender,
            "recipients": people,
            "tracking": {"enableOpens": spec.tracking.opens, "enableClicks": spec.tracking.clicks},
        }
    ).encode()


def content_digest(spec: Spec, rows: Iterable[Row]) -> str:
    """
    The identity of a campaign's content: what is sent and the rows as given. A daily limit may
    change without changing it.

    >>> spec = checked_spec({"name": "q3", "subject": "Hi", "template_id": "t", "sender": "me@example.com"}, any_template_id=True)
    >>> content_digest(spec, [Row(2, {"email": "ann@example.com"})]) == content_digest(spec, [Row(2, {"email": "bob@example.com"})])
    False
    """
    digest = hashlib.sha256(
        canonical_json(spec.model_dump(mode="json", exclude={"limits"})).encode()
    )
    for row in rows:
        line = canonical_json([[name, _text(value)] for name, value in row.cells.items()]) + "\n"
        digest.update(
            line.encode(errors="surrogatepass")
        )  # rows are judged later, digested as they are
    return digest.hexdigest()
