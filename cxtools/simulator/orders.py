"""What the body of a submit must be, as the contract has it, and what is wrong with one."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

Text = Annotated[str, Field(min_length=1, max_length=998)]
Uuid = Annotated[str, Field(pattern=r"(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Address = Annotated[str, Field(pattern=r"^\S+@[^@\s]*\.[^@\s]*$")]


class Row(BaseModel, strict=True):
    """A recipient of an order."""

    to_address: Address = Field(alias="toAddress")
    merge_fields: dict[str, str] | None = Field(default=None, alias="mergeFields")
    tags: list[str] | None = None


class Order(BaseModel, strict=True):
    """The body of a submit."""

    subject: Text
    template_id: Uuid = Field(alias="templateId")
    sender_address: Address = Field(alias="senderAddress")
    recipients: Annotated[list[Row], Field(min_length=1, max_length=1000)]
    tracking: dict[str, bool] | None = None


def faults_of(order: Any) -> dict[str, str]:
    """What is wrong with an order: field -> why."""
    try:
        Order.model_validate(order)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        return {_field(error["loc"]): error["msg"] for error in errors}
    return {}


def _field(place: tuple[str | int, ...]) -> str:
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
