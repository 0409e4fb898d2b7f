"""What the body of a submit must be, as the contract has it, and what is wrong with one."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

Text = Annotated[str, Field(min_length=1, max_length=998)]
Uuid = Annotated[str, Field(pattern=r"(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Address = Annotated[str, Field(pattern=r"^\S+@[^@\s]*\.[^@\s]*$")]
MergeFields = dict[str, str]


class Row(BaseModel, strict=True):
    """A recipient of an order."""

    to_address: Address = Field(alias="toAddress")
    merge_fields: MergeFields | None = Field(
        default=None,
        alias="mergeFields",
    )
    tags: list[str] | None = None


Rows = Annotated[
    list[Row],
    Field(min_length=1, max_length=1000),
]


class Order(BaseModel, strict=True):
    """The body of a submit."""

    subject: Text
    template_id: Uuid = Field(alias="templateId")
    sender_address: Address = Field(alias="senderAddress")
    recipients: Rows
    tracking: dict[str, bool] | None = None


def faults_of(order: Any) -> dict[str, str]:
    """What is wrong with an order: field -> why."""
    faults: dict[str, str] = {}
    try:
        Order.model_validate(order)
    except ValidationError as error:
        for details in error.errors():
            field = _field(details["loc"])
            faults[field] = details["msg"]
    return faults


#: Where a fault is: names of fields and numbers of rows.
Place = tuple[str | int, ...]


def _field(place: Place) -> str:
    """
    >>> _field(("recipients", 3, "toAddress")), _field(("subject",)), _field(())
    ('recipients[3].toAddress', 'subject', '$')
    """
    match place:
        case ("recipients", number, name, *_):
            return f"recipients[{number}].{name}"
        case (name, *_):
            return str(name)
    return "$"
