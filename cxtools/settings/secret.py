"""A text that can be used, but not shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Secret:
    """
    A text that can be used but not printed, compared by accident, pickled or copied.

    pydantic's SecretStr is not used: it pickles in clear text.

    >>> Secret("s3cret")
    Secret('***')
    """

    __slots__ = ("_reveal",)

    def __init__(self, text: str) -> None:
        # A function, since debuggers print attributes.
        self._reveal: Callable[[], str] = lambda: text

    def reveal(self) -> str:
        return self._reveal()

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._reveal())

    def __reduce__(self) -> Any:
        raise TypeError("a secret can't be pickled or copied")
