"""The settings as rows, for documentation and for the tests that hold it to them."""

from __future__ import annotations

from pathlib import Path
from types import NoneType
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cxtools.settings.secret import Secret
from cxtools.settings.values import Settings

#: How a type is called in documentation.
TYPES: dict[object, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "folder",
    Secret: "secret",
    tuple: "list of texts",
}


class SettingRow(NamedTuple):
    """
    One setting: `default` as it is written in a profile ("" where it is empty, or not set),
    `variable` its environment variable ("" where it has none).
    """

    name: str
    type: str
    default: str
    variable: str
    description: str


def setting_rows() -> list[SettingRow]:
    """
    Every setting, in the order of `Settings`; those of a table have its name before them.

    >>> rows = {row.name: row.default for row in setting_rows()}
    >>> rows["workers"], rows["keyring"], rows["paths.jobs"]
    ('16', 'false', '"/v1/communications/email/jobs"')
    """
    return _rows(Settings, "")


def _rows(model: type[BaseModel], prefix: str) -> list[SettingRow]:
    rows: list[SettingRow] = []
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            rows += _rows(type(field.default), f"{name}.")
        else:
            rows.append(_row(prefix + name, field))
    return rows


def _row(name: str, field: FieldInfo) -> SettingRow:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    return SettingRow(
        name,
        _type_text(field.annotation),
        _default_text(field.default),
        str(extra.get("variable", "")),
        field.description or "",
    )


def _type_text(annotation: Any) -> str:
    kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
    origin = get_origin(annotation)
    if origin is Literal:
        return " | ".join(f'"{choice}"' for choice in kinds)
    if origin is tuple:
        return TYPES[tuple]
    kind = kinds[0] if kinds else annotation
    return TYPES[kind]


def _default_text(value: object) -> str:
    if value in (None, "", ()) or isinstance(value, Path | Secret):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return str(value)
