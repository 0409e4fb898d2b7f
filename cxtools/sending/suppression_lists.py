"""Lists of other platforms of whom not to mail: JSON of their APIs, or tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cxtools.errors import ConfigError
from cxtools.events.rows import open_rows
from cxtools.identity import recipient_key
from cxtools.ledger.ledger import Ledger
from cxtools.ledger.suppressions import LIST, LISTED
from cxtools.sending.address import planned_address

#: Names of what holds an address in lists of suppressions, without case, blanks, - and _.
ADDRESS_NAMES = ("email", "emailaddress", "address", "recipient", "subscriber", "contact")
#: Names of what says why.
REASON_NAMES = ("reason", "suppressionreason", "type", "error")
#: Objects inside of objects that are looked at: deeper than any platform's.
DEEPEST = 6


class ListOutcome(NamedTuple):
    """
    What became of a list: people newly suppressed, people on it, and the rows without an address,
    or with something else in its place: nobody, several people, what can't be mailed.
    """

    added: int
    people: int
    without_address: int


def suppress_list(ledger: Ledger, path: Path, reason: str = "") -> ListOutcome:
    """
    Suppress the people on another platform's list: JSON of its API, or a table with a column of
    addresses. *reason* is written for all of them; by default what the list says of each.

    Raises:
        ConfigError: the file can't be read, or no row of it holds an address.
    """
    reasons: dict[str, str] = {}
    without_address = 0
    with open_rows(path) as lines:
        for line in lines:
            found = list(_people(line.row, 0))
            without_address += not found
            for written, why in found:
                try:
                    key = recipient_key(planned_address(written))
                except ValueError:
                    without_address += 1
                else:
                    reasons[key] = reason or why or "on a list"
    if not reasons:
        raise ConfigError(
            "no row of the list holds an address",
            where=str(path),
            do="name its column email, or save it as CSV or JSON",
        )
    source = f"{LIST}{path.name}"
    added = ledger.suppressions.add(LISTED, reasons, source)
    return ListOutcome(added, len(reasons), without_address)


def _people(value: object, depth: int) -> Iterator[tuple[str, str]]:
    """The addresses in a row, objects and lists in it too, as written; each with its reason."""
    if depth > DEEPEST:
        return
    if isinstance(value, Mapping):
        fields = {_name(key): cell for key, cell in value.items()}
        address = _address(fields)
        if address:
            yield address, _first_text(fields, REASON_NAMES)
            return
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _people(one, depth + 1)


def _address(fields: Mapping[str, Any]) -> str:
    address = _first_text(fields, ADDRESS_NAMES)
    return address if "@" in address else ""


def _first_text(fields: Mapping[str, Any], names: Iterable[str]) -> str:
    """
    >>> _first_text({"reason": {"code": "hardBounce"}, "type": "x"}, ("reason", "type"))
    'hardBounce'
    """
    for name in names:
        cell = fields.get(name)
        if isinstance(cell, Mapping):
            cell = cell.get("code")
        if isinstance(cell, str) and cell:
            return cell.lower() if cell.isupper() else cell
    return ""


def _name(key: object) -> str:
    """
    >>> _name("E-Mail Address")
    'emailaddress'
    """
    return "".join(letter for letter in str(key).lower() if letter.isalnum())
